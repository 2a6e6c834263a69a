import Events
import JSON
import Wire

/// The body of a record as it may be shown: credentials in it are hidden as the normaliser hides them in the data of its
/// events, by their names and, once it has been there, by what it redacted.
struct TapBody {
    /// Nil where the body is no JSON.
    let value: JSONValue?
    let bytes: [UInt8]

    init(_ record: TapRecord, hidesCredentials: Bool) {
        bytes = record.body
        let read = JSONValue.read(bytes)
        guard hidesCredentials, let read else {
            value = read
            return
        }
        var names = Self.credentialNames
        record.forEachEvent { event in
            guard !event.isWholeBody, let payload = event.payload, let data = JSONValue.read(Array(payload)) else {
                return
            }
            Self.collect(data, into: &names)
        }
        value = Self.hide(read, names)
    }

    /// What is shown as it is.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = Array(bytes)
        value = JSONValue.read(self.bytes)
    }

    /// What the element of a batch, or the whole, looks like in lines, one per member.
    func lines(element: UInt32?) -> [String] {
        let elements = value?.elements ?? []
        let place = element.map(Int.init) ?? elements.count
        return Self.lines(place < elements.count ? elements[place] : value, byteCount: bytes.count)
    }

    static func lines(_ value: JSONValue?, byteCount: Int) -> [String] {
        guard let value else { return byteCount == 0 ? [] : ["(\(byteCount) bytes that are not JSON)"] }
        return value.indented(width: 0).split(separator: "\n").map(String.init)
    }

    /// JSON as it is, anything else as a string.
    var json: JSONText { value?.json ?? .string(String(decoding: bytes, as: UTF8.self)) }

    private static let credentialNames = Set(
        Credentials(spellings: [.snake, .camel, .pascal]).places.map { String($0.dropFirst("**.".count)) })

    /// The names of members that the normaliser redacted.
    private static func collect(_ data: JSONValue, into names: inout Set<String>) {
        for element in data.elements { collect(element, into: &names) }
        guard case .object(let members) = data else { return }
        for member in members {
            if case .string(let text) = member.value, text.contains("[redacted]") { names.insert(member.name) }
            collect(member.value, into: &names)
        }
    }

    private static func hide(_ value: JSONValue, _ names: Set<String>) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map { hide($0, names) })
        case .object(let members):
            .object(
                members.map { member in
                    let isHidden = names.contains(member.name) && member.value != .null
                    return JSONMember(
                        name: member.name, value: isHidden ? .string(SecretFields.mask) : hide(member.value, names))
                })
        default: value
        }
    }
}
