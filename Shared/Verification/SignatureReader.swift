import Events
import Primitives
import VerificationSchemes
import Wire

/// Reads the signatures of one kind out of a request, strictly: exact length, hexadecimal digits of either case or base64
/// in its one spelling. Of a list every well-formed entry counts, whatever else is in it. Belongs to one thread.
final class SignatureReader {
    /// What a request has of it.
    enum Answer {
        case absent
        /// The field is there but holds no signature of this kind.
        case otherKind
        /// So many are read.
        case read(Int)
        /// The field holds nothing but damaged signatures of this kind.
        case malformed(Refusal)
        case refused(Refusal)
    }

    let scheme: SignatureField
    let codeBytes: Int
    private let slot: Int
    private let isHexadecimal: Bool
    /// What stands between values and inside them; nil where there is one value.
    private let separators: (between: UInt8, inside: UInt8)?
    private let prefix: [UInt8]
    private let label: [UInt8]
    private let textBytes: Int
    /// Whether another kind of signature may be in the same field, so that a value of another length is no error.
    private let sharesField: Bool
    private let repeated: Refusal
    private let malformed: Refusal
    private let tooLong: Refusal

    init(_ scheme: SignatureField, sharesField: Bool, fields: HeadFields) {
        self.scheme = scheme
        codeBytes = scheme.algorithm.codeBytes
        slot = fields.slot(scheme.field)
        prefix = Array(scheme.prefix.utf8)
        textBytes = scheme.encoding == .hex ? 2 * codeBytes : (codeBytes + 2) / 3 * 4
        self.sharesField = sharesField
        isHexadecimal = scheme.encoding == .hex
        separators =
            switch scheme.list {
            case .single: nil
            case .pairs: (UInt8(ascii: ","), UInt8(ascii: "="))
            case .versions: (UInt8(ascii: " "), UInt8(ascii: ","))
            }
        label =
            switch scheme.list {
            case .single: []
            case .pairs(let key): Array(key.utf8)
            case .versions(let version): Array(version.utf8)
            }
        repeated = Refusal(.signatureMalformed, "the request has \(scheme.field) more than once")
        malformed = Refusal(.signatureMalformed, Self.sentence(scheme, codeBytes, textBytes))
        tooLong = Refusal(
            .signatureMalformed,
            "\(scheme.field) has more than \(LabelledList.maxValues) values or \(LabelledList.maxBytes) bytes")
    }

    private static func sentence(_ scheme: SignatureField, _ codeBytes: Int, _ textBytes: Int) -> String {
        let text =
            scheme.encoding == .hex
            ? "\(textBytes) hexadecimal digits" : "the base64 text of \(codeBytes) bytes"
        let prefixed = scheme.prefix.isEmpty ? text : "`\(scheme.prefix)` and \(text)"
        switch scheme.list {
        case .single: return "\(scheme.field) is not \(prefixed)"
        case .pairs(let key): return "\(scheme.field) has no pair whose `\(key)` is \(prefixed)"
        case .versions(let version): return "\(scheme.field) has no value of `\(version)` that is \(prefixed)"
        }
    }

    /// Whether the field may hold several values.
    var isList: Bool { separators != nil }

    /// Appends every signature of this kind to `decoded`.
    func read(_ fields: HeadFields, appendingTo decoded: inout [UInt8]) -> Answer {
        guard let text = fields.value(slot) else { return .absent }
        if fields.isRepeated(slot) { return .refused(repeated) }
        if let separators { return readList(text, between: separators.between, inside: separators.inside, &decoded) }
        if decode(text, appendingTo: &decoded) { return .read(1) }
        return sharesField ? .otherKind : .malformed(malformed)
    }

    private func readList(
        _ text: UnsafeRawBufferPointer, between: UInt8, inside: UInt8, _ decoded: inout [UInt8]
    ) -> Answer {
        var count = 0
        var isAnyDamaged = false
        let isWithinBounds = LabelledList.forEach(in: text, between: between, inside: inside) { label, value in
            guard label.elementsEqual(self.label) else { return }
            if decode(value, appendingTo: &decoded) { count += 1 } else { isAnyDamaged = true }
        }
        guard isWithinBounds else { return .refused(tooLong) }
        return count > 0 ? .read(count) : isAnyDamaged ? .malformed(malformed) : .otherKind
    }

    private func decode(_ text: UnsafeRawBufferPointer, appendingTo decoded: inout [UInt8]) -> Bool {
        guard text.count == prefix.count + textBytes, text.startsIgnoringCase(prefix) else { return false }
        let digits = UnsafeRawBufferPointer(rebasing: text[prefix.count...])
        var isRight = false
        decoded.append(addingCapacity: codeBytes) { room in
            room.withUnsafeMutableBufferPointer { target, count in
                let room = UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: target[count..<count + codeBytes]))
                isRight =
                    isHexadecimal
                    ? Hexadecimal.decode(digits, into: room) : Base64.decode(digits, into: room) == codeBytes
                if isRight { count += codeBytes }
            }
        }
        return isRight
    }
}
