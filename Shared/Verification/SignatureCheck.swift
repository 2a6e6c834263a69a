import Crypto
import Events
import Primitives
import VerificationSchemes
import Wire

/// Carries out a `SignatureScheme`. Belongs to one thread.
///
/// In this order, so that strangers cost little: a key is there, the signatures are well-formed, the time is right,
/// the body's hash is right; then, outside, the body is inflated; then the signatures are compared.
final class SignatureCheck {
    /// One kind of signature with the source's keys made ready for it, nil where one is of another kind.
    private final class Kind {
        let reader: SignatureReader
        let keys: [SignatureKey?]
        /// The bit of the field that it stands in; kinds of one field have the same.
        let field: UInt64

        init(reader: SignatureReader, keys: [SignatureKey?], field: UInt64) {
            self.reader = reader
            self.keys = keys
            self.field = field
        }
    }

    let signsInflatedBody: Bool
    /// Whether what was signed has to be named, because a copy of the request under another id would prove itself too.
    let namesContent: Bool
    /// The code that matched last, where `namesContent`.
    private(set) var matchedCode: [UInt8] = []
    let content: SignedContent

    private let fields: HeadFields
    private let kinds: [Kind]
    private let time: SignedTime?
    private let digestParameter: [UInt8]?
    private let keyField: (slot: Int, name: String)?
    private let keyIDs: [[UInt8]]
    private let validities: [KeyValidity]
    private let sentences: Sentences

    /// Which keys count for the webhook at hand.
    private var isUsable: [Bool]
    /// The signatures of the webhook at hand, kind after kind, and how many there are of each.
    private var decoded: [UInt8] = []
    private var counts: [Int]
    private var timestamp: UnsafeRawBufferPointer?

    init(_ scheme: SignatureScheme, of verification: SourceVerification, fields: HeadFields) {
        self.fields = fields
        signsInflatedBody = scheme.signsInflatedBody
        namesContent = scheme.namesContent
        content = SignedContent(scheme, of: verification, fields: fields)
        let names = scheme.signatures.map(\.field)
        kinds = scheme.signatures.map { field in
            let others = scheme.signatures.filter { $0.field == field.field && $0 != field }
            return Kind(
                reader: SignatureReader(field, sharesField: !others.isEmpty, fields: fields),
                keys: verification.keys.keys.map { SignatureKey($0, for: field.algorithm) },
                field: 1 << UInt64(names.firstIndex(of: field.field) ?? 0))
        }
        time = scheme.timestamp.map {
            SignedTime($0, toleranceSeconds: scheme.toleranceSeconds, fields: fields)
        }
        digestParameter = scheme.bodyDigestParameter.map { Array($0.utf8) }
        keyField = scheme.keyField.map { (fields.slot($0), $0) }
        keyIDs = verification.keys.keys.map { Array($0.id.utf8) }
        validities = verification.keys.keys.map(\.validity)
        sentences = Sentences(scheme)
        isUsable = validities.map { _ in false }
        counts = kinds.map { _ in 0 }
    }

    /// Everything that is cheap to judge; nil where nothing speaks against comparing the signatures.
    func refusalBeforeComparison(_ webhook: AcceptedWebhook) -> Refusal? {
        selectKeys(webhook.receivedAtNanoseconds) ?? readSignatures() ?? readTime(webhook.receivedAtNanoseconds)
            ?? content.refusal(webhook, digestParameter: digestParameter)
    }

    /// Finds the keys that count: those valid at that time and, where the request names one, of that id.
    func selectKeys(_ receivedAtNanoseconds: Int64) -> Refusal? {
        var name: UnsafeRawBufferPointer?
        if let keyField {
            name = fields.value(keyField.slot)
            if name == nil { return sentences.keyMissing }
            if fields.isRepeated(keyField.slot) { return sentences.keyRepeated }
        }
        var isNamed = name == nil
        var isAnyUsable = false
        for place in keyIDs.indices {
            // A key's id is public, so it needs no comparison in constant time.
            let isMeant = name.map { $0.equals(keyIDs[place]) } ?? true
            isUsable[place] = isMeant && validities[place].holds(at: receivedAtNanoseconds)
            isNamed = isNamed || isMeant
            isAnyUsable = isAnyUsable || isUsable[place]
        }
        if !isNamed { return sentences.keyUnknown }
        return isAnyUsable ? nil : sentences.keyOutOfTime
    }

    /// Reads the signatures of every kind.
    func readSignatures() -> Refusal? {
        decoded.removeAll(keepingCapacity: true)
        var isAnyOther = false
        var isAnyRead = false
        var isAnyComparable = false
        var malformed: Refusal?
        for place in kinds.indices {
            counts[place] = 0
            switch kinds[place].reader.read(fields, appendingTo: &decoded) {
            case .absent: break
            case .otherKind: isAnyOther = true
            case .refused(let refusal): return refusal
            case .malformed(let refusal):
                // What stands alone in its field must be right; in a list another kind may vouch for the webhook.
                if !kinds[place].reader.isList { return refusal }
                malformed = malformed ?? refusal
            case .read(let count):
                counts[place] = count
                isAnyRead = true
                isAnyComparable = isAnyComparable || hasKey(kinds[place])
            }
        }
        if !isAnyRead, let malformed { return malformed }
        if !isAnyRead { return isAnyOther ? sentences.signatureOfOtherKind : sentences.signatureMissing }
        return isAnyComparable ? nil : sentences.keyOfOtherKind
    }

    private func hasKey(_ kind: Kind) -> Bool {
        for place in isUsable.indices where isUsable[place] && kind.keys[place] != nil { return true }
        return false
    }

    /// Judges the signed time.
    func readTime(_ receivedAtNanoseconds: Int64) -> Refusal? {
        guard let time else { return nil }
        switch time.read(fields, receivedAtNanoseconds: receivedAtNanoseconds) {
        case .text(let text):
            timestamp = text
            return nil
        case .refused(let refusal):
            return refusal
        }
    }

    /// Compares every signature that there is a key for; each field must have a right one.
    func compare(over body: UnsafeRawBufferPointer) -> ProofFinding {
        for spelling in 0..<content.spellings {
            let key = content.withContent(spelling, body: body, timestamp: timestamp) { matchingKey(over: $0) }
            guard let key else { return .refused(sentences.formMalformed) }
            if let key { return .proved(key: key) }
        }
        return .refused(sentences.mismatch)
    }

    private func matchingKey(over content: UnsafeRawBufferPointer) -> Int? {
        var first: Int?
        var right: UInt64 = 0
        var wrong: UInt64 = 0
        var start = 0
        for place in kinds.indices where counts[place] > 0 {
            let end = start + counts[place] * kinds[place].reader.codeBytes
            defer { start = end }
            guard hasKey(kinds[place]) else { continue }
            let key = decoded.withUnsafeBytes { bytes in
                matchingKey(
                    of: kinds[place], UnsafeRawBufferPointer(rebasing: bytes[start..<end]), over: content)
            }
            if key == nil { wrong |= kinds[place].field } else { right |= kinds[place].field }
            first = first ?? key
        }
        return wrong & ~right == 0 ? first : nil
    }

    private func matchingKey(
        of kind: Kind, _ signatures: UnsafeRawBufferPointer, over content: UnsafeRawBufferPointer
    ) -> Int? {
        for place in isUsable.indices where isUsable[place] {
            guard let key = kind.keys[place],
                let code = key.match(signatures, codeBytes: kind.reader.codeBytes, over: content)
            else { continue }
            if namesContent {
                matchedCode.removeAll(keepingCapacity: true)
                matchedCode.append(contentsOf: code)
            }
            return place
        }
        return nil
    }

    /// Lends what is signed, in its first spelling; nil where it cannot be put together.
    func withContent<Result>(
        over body: UnsafeRawBufferPointer, _ use: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        content.spellings > 0 ? content.withContent(0, body: body, timestamp: timestamp, use) : nil
    }

    /// Whether the request has none of the fields that hold signatures.
    var isUnsigned: Bool {
        kinds.allSatisfy { fields.value(fields.slot($0.reader.scheme.field)) == nil }
    }

    /// The first key that counts and makes MACs, after `selectKeys`.
    var firstUsableKey: Int? {
        isUsable.indices.first { place in isUsable[place] && kinds.contains { $0.keys[place]?.hmac != nil } }
    }

    /// The HMAC of `text` with the key at `place`, in hexadecimal digits: for handshakes.
    func code(of text: [UInt8], key place: Int) -> String? {
        for kind in kinds {
            if let key = kind.keys[place]?.hmac {
                return text.withUnsafeBytes { key.withCode(of: $0, Hexadecimal.encode) }
            }
        }
        return nil
    }
}

extension SignatureKey {
    fileprivate var hmac: HMACKey? {
        if case .hmac(let key) = self { key } else { nil }
    }
}

/// The refusals of one scheme, made once.
private struct Sentences {
    let keyMissing: Refusal
    let keyRepeated: Refusal
    let keyUnknown: Refusal
    let keyOutOfTime: Refusal
    let keyOfOtherKind: Refusal
    let signatureMissing: Refusal
    let signatureOfOtherKind: Refusal
    let formMalformed: Refusal
    let mismatch: Refusal

    init(_ scheme: SignatureScheme) {
        let field = scheme.keyField ?? ""
        var names: [String] = []
        for signature in scheme.signatures where !names.contains(signature.field) { names.append(signature.field) }
        let signatures = names.joined(separator: " or ")
        keyMissing = Refusal(.keyMissing, "the request has no \(field)")
        keyRepeated = Refusal(.signatureMalformed, "the request has \(field) more than once")
        keyUnknown = Refusal(.keyUnknown, "no secret of this source has the id that \(field) names")
        keyOutOfTime = Refusal(.keyUnknown, "no secret of this source counted when the webhook was received")
        keyOfOtherKind = Refusal(.keyUnknown, "no secret of this source is of the kind that made \(signatures)")
        signatureMissing = Refusal(.signatureMissing, "the request has no \(signatures)")
        signatureOfOtherKind = Refusal(
            .signatureMalformed, "\(signatures) holds no signature of a kind that this source has")
        formMalformed = Refusal(
            .signatureMismatch,
            "the form is not escaped as its sender escapes it, two upper-case digits behind each %, or has more than "
                + "\(FormText.maxParameters) parameters")
        mismatch = Refusal(
            .signatureMismatch,
            scheme.keyField.map { "\(signatures) was not made with a secret configured for this \($0)" }
                ?? "\(signatures) was not made with a configured secret")
    }
}
