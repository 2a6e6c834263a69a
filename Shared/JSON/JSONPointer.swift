/// A JSON Pointer (RFC 6901): where in a JSON text a value lies.
package struct JSONPointer: Sendable, Equatable {
    private let tokens: [String]

    /// Nil where the text is none: it must be empty, for the whole, or begin with a slash, and `~` must be `~0` or `~1`.
    package init?(_ text: some StringProtocol) {
        guard text.isEmpty || text.hasPrefix("/") else { return nil }
        var tokens: [String] = []
        for token in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let parts = token.split(separator: "~", omittingEmptySubsequences: false)
            guard parts.dropFirst().allSatisfy({ $0.hasPrefix("0") || $0.hasPrefix("1") }) else { return nil }
            tokens.append(
                parts[0] + parts.dropFirst().map { ($0.hasPrefix("0") ? "~" : "/") + $0.dropFirst() }.joined())
        }
        self.tokens = tokens
    }

    /// The value to which it leads; of a name that comes twice, the first. Nil where there is none.
    package func value(in root: JSONValue) -> JSONValue? {
        var value = root
        for token in tokens {
            switch value {
            case .object(let members):
                guard let member = members.first(where: { $0.name == token }) else { return nil }
                value = member.value
            case .array(let elements):
                // Section 4: digits without leading zeros.
                guard let index = Int(token), String(index) == token, elements.indices.contains(index) else {
                    return nil
                }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }
}
