import Primitives
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
                let name = PercentCoding.decode(name, plusIsSpace: true, strictly: true),
                let value = PercentCoding.decode(value, plusIsSpace: true, strictly: true)
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
