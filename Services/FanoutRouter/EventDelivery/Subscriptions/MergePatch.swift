import JSON

extension JSONValue {
    /// This value changed by a merge patch (RFC 7396): objects are merged member by member, null takes a member away,
    /// anything else replaces. Of a member that the patch names twice, the last counts.
    func merging(_ patch: JSONValue) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members: [JSONMember] = if case .object(let members) = self { members } else { [] }
        for change in changes {
            let place = members.firstIndex { $0.name == change.name }
            if change.value == .null {
                if let place { members.remove(at: place) }
                continue
            }
            let former = place.map { members[$0].value } ?? .null
            let member = JSONMember(name: change.name, value: former.merging(change.value))
            if let place { members[place] = member } else { members.append(member) }
        }
        return .object(members)
    }

    /// The same object without the member of that name.
    func without(_ name: String) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.name != name })
    }

    /// The same object with another value of a member; other values stay as they are.
    func replacing(_ name: String, with value: JSONValue) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.map { $0.name == name ? JSONMember(name: name, value: value) : $0 })
    }

    /// Whether an object has that member, null or not.
    package func has(_ name: String) -> Bool {
        if case .object(let members) = self { members.contains { $0.name == name } } else { false }
    }
}
