import Primitives

/// The parameters of a form as Twilio signs them (twilio-python, `request_validator.py`): names in the order of their
/// bytes, each followed by its value; of a repeated name each different value once, in order.
enum FormText {
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
