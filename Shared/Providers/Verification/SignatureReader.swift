import Events
import Wire

/// Reads the signatures of one kind out of a request, strictly: exact length, one spelling. Belongs to one thread.
final class SignatureReader {
    /// What a request has of it.
    enum Answer {
        case absent
        /// The field is there but holds no signature of this kind.
        case otherKind
        /// So many are read.
        case read(Int)
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
    }

    private static func sentence(_ scheme: SignatureField, _ codeBytes: Int, _ textBytes: Int) -> String {
        let text =
            scheme.encoding == .hex
            ? "\(textBytes) lower-case hexadecimal digits" : "the base64 text of \(codeBytes) bytes"
        let prefixed = scheme.prefix.isEmpty ? text : "`\(scheme.prefix)` and \(text)"
        switch scheme.list {
        case .single: return "\(scheme.field) is not \(prefixed)"
        case .pairs(let key): return "\(scheme.field) is not a list of pairs whose `\(key)` are \(prefixed)"
        case .versions(let version): return "\(scheme.field) is not a list whose `\(version)` are \(prefixed)"
        }
    }

    /// Appends every signature of this kind to `decoded`.
    func read(_ fields: HeadFields, appendingTo decoded: inout [UInt8]) -> Answer {
        guard let text = fields.value(slot) else { return .absent }
        if fields.isRepeated(slot) { return .refused(repeated) }
        if let separators { return readList(text, between: separators.between, inside: separators.inside, &decoded) }
        if decode(text, appendingTo: &decoded) { return .read(1) }
        return sharesField ? .otherKind : .refused(malformed)
    }

    private func readList(
        _ text: UnsafeRawBufferPointer, between: UInt8, inside: UInt8, _ decoded: inout [UInt8]
    ) -> Answer {
        var count = 0
        let isRight = LabelledList.forEach(in: text, between: between, inside: inside) { label, value in
            guard label.elementsEqual(self.label) else { return true }
            count += 1
            return decode(value, appendingTo: &decoded)
        }
        guard isRight else { return .refused(malformed) }
        return count == 0 ? .otherKind : .read(count)
    }

    private func decode(_ text: UnsafeRawBufferPointer, appendingTo decoded: inout [UInt8]) -> Bool {
        guard text.count == prefix.count + textBytes, text.starts(with: prefix) else { return false }
        let digits = UnsafeRawBufferPointer(rebasing: text[prefix.count...])
        let start = decoded.count
        decoded.append(contentsOf: repeatElement(0, count: codeBytes))
        let isRight = decoded.withUnsafeMutableBytes { bytes in
            let room = UnsafeMutableRawBufferPointer(rebasing: bytes[start...])
            return isHexadecimal
                ? Hexadecimal.decode(digits, into: room) : Base64.decode(digits, into: room) == codeBytes
        }
        if !isRight { decoded.removeLast(codeBytes) }
        return isRight
    }
}
