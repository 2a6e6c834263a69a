import Wire

/// Parameters of a query or a form (WHATWG URL, application/x-www-form-urlencoded) as bytes.
package enum QueryText {
    /// What a query says about one parameter.
    package enum Answer {
        case absent
        /// Named more than once, or not decodable.
        case malformed
        case value([UInt8])
    }

    /// The decoded value of the parameter `name`.
    package static func value(_ name: [UInt8], in query: UnsafeRawBufferPointer) -> Answer {
        var found: UnsafeRawBufferPointer?
        var count = 0
        forEachParameter(query) { key, value in
            let isIt =
                key.elementsEqual(name) || PercentCoding.decode(key, plusIsSpace: true).map { $0 == name } ?? false
            if isIt {
                found = value
                count += 1
            }
            return true
        }
        guard let found else { return .absent }
        guard count == 1, let value = PercentCoding.decode(found, plusIsSpace: true) else { return .malformed }
        return .value(value)
    }

    /// Calls `visit` with the encoded name and value of each parameter until it returns false; empty parameters are
    /// skipped.
    package static func forEachParameter(
        _ text: UnsafeRawBufferPointer, _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) {
        var rest = text
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.count
            let parameter = UnsafeRawBufferPointer(rebasing: rest[..<end])
            rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
            guard !parameter.isEmpty else { continue }
            let sign = parameter.firstIndex(of: UInt8(ascii: "=")) ?? parameter.count
            let goesOn = visit(
                UnsafeRawBufferPointer(rebasing: parameter[..<sign]),
                UnsafeRawBufferPointer(rebasing: parameter[min(sign + 1, parameter.count)...]))
            if !goesOn { return }
        }
    }

    private static let mediaType: StaticString = "application/x-www-form-urlencoded"

    /// Whether a `Content-Type` says that the body is a form.
    package static func isForm(_ contentType: UnsafeRawBufferPointer?) -> Bool {
        guard let contentType else { return false }
        let type = contentType.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        return type.count == mediaType.utf8CodeUnitCount
            && zip(type, mediaType.bytes).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }
}
