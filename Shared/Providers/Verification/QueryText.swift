import Wire

/// Parameters of a query or a form (WHATWG URL, application/x-www-form-urlencoded) as bytes.
enum QueryText {
    /// What a query says about one parameter.
    enum Answer {
        case absent
        /// Named more than once, or not decodable.
        case malformed
        case value([UInt8])
    }

    /// The decoded value of the parameter `name`.
    static func value(_ name: [UInt8], in query: UnsafeRawBufferPointer) -> Answer {
        var found: UnsafeRawBufferPointer?
        var count = 0
        forEachParameter(query) { key, value in
            let isIt = key.elementsEqual(name) || decode(key).map { $0 == name } ?? false
            if isIt {
                found = value
                count += 1
            }
            return true
        }
        guard let found else { return .absent }
        guard count == 1, let value = decode(found) else { return .malformed }
        return .value(value)
    }

    /// Calls `visit` with the encoded name and value of each parameter until it returns false; empty parameters are
    /// skipped.
    static func forEachParameter(
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

    /// `text` with `%41` and, in queries and forms, `+` replaced; nil where an escape is cut off or has no digits.
    /// `strictly` wants the escapes in upper case, so that one text has one spelling.
    static func decode(_ text: UnsafeRawBufferPointer, plusIsSpace: Bool = true, strictly: Bool = false) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var place = 0
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "%"):
                guard place + 2 < text.count, let high = digit(text[place + 1], strictly),
                    let low = digit(text[place + 2], strictly)
                else { return nil }
                bytes.append(high << 4 | low)
                place += 3
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
                place += 1
            case let byte:
                bytes.append(byte)
                place += 1
            }
        }
        return bytes
    }

    private static func digit(_ character: UInt8, _ strictly: Bool) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f") where !strictly: character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

/// The parameters of a form as Twilio signs them (twilio-python, `request_validator.py`): names in the order of their
/// bytes, each followed by its value; of a repeated name each different value once, in order.
enum FormText {
    private static let mediaType: StaticString = "application/x-www-form-urlencoded"

    /// Whether a `Content-Type` says that the body is a form.
    static func isForm(_ contentType: UnsafeRawBufferPointer?) -> Bool {
        guard let contentType else { return false }
        let type = contentType.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        return type.count == mediaType.utf8CodeUnitCount
            && zip(type, mediaType.bytes).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    /// More parameters than any sender gives: a stranger must not have a million of them sorted.
    static let maxParameters = 1000

    /// Appends the signed text of `body`; false where there are too many parameters, or an escape is not in upper case
    /// or damaged: a text that is signed decoded must have one spelling, or bytes could be changed unnoticed.
    static func append(_ body: UnsafeRawBufferPointer, to content: inout [UInt8]) -> Bool {
        var parameters: [(name: [UInt8], value: [UInt8])] = []
        var isWellFormed = true
        QueryText.forEachParameter(body) { name, value in
            guard parameters.count < maxParameters,
                let name = QueryText.decode(name, strictly: true), let value = QueryText.decode(value, strictly: true)
            else {
                isWellFormed = false
                return false
            }
            parameters.append((name, value))
            return true
        }
        guard isWellFormed else { return false }
        parameters.sort { first, second in
            first.name == second.name
                ? first.value.lexicographicallyPrecedes(second.value)
                : first.name.lexicographicallyPrecedes(second.name)
        }
        for (place, parameter) in parameters.enumerated() {
            if place > 0, parameters[place - 1] == parameter { continue }
            content.append(contentsOf: parameter.name)
            content.append(contentsOf: parameter.value)
        }
        return true
    }
}
