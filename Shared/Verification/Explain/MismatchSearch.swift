import Events
import Gzip
import VerificationSchemes
import Wire

/// Looks for the mistake behind a refused webhook: changes secret, body, header and scheme in the ways in which they are
/// got wrong in practice, one at a time and two at a time, and verifies again.
struct MismatchSearch {
    /// One change of the circumstances.
    struct Change {
        /// Changes of one axis exclude each other.
        enum Axis {
            case time, key, body, spelling, algorithm, content
        }

        let axis: Axis
        /// Completes "it matches when".
        let words: String
        /// Nil where it does not apply.
        let apply: (Trial) -> Trial?

        init(_ axis: Axis, _ words: String, _ apply: @escaping (Trial) -> Trial?) {
            (self.axis, self.words, self.apply) = (axis, words, apply)
        }
    }

    /// A webhook and what it must prove.
    struct Trial {
        var verification: SourceVerification
        var fields: [(name: [UInt8], value: [UInt8])]
        var body: [UInt8]
    }

    private let trial: Trial
    private let receivedAtNanoseconds: Int64
    private let inflater: Inflater

    /// More would only repeat the same cause in other words.
    private static let maxCauses = 3
    /// Trials with two changes are as many as pairs, so large bodies are tried with one change alone.
    private static let maxBodyBytesOfPairs = 64 * 1024

    init(_ verification: SourceVerification, _ webhook: AcceptedWebhook, maxInflatedBytes: Int) {
        var fields: [(name: [UInt8], value: [UInt8])] = []
        webhook.head.forEachField { name, value in
            fields.append((Array(name), Array(value)))
            return true
        }
        trial = Trial(verification: verification, fields: fields, body: Array(webhook.body))
        receivedAtNanoseconds = webhook.receivedAtNanoseconds
        inflater = Inflater(maxInflatedBytes: maxInflatedBytes)
    }

    /// Sentences, likeliest first.
    func causes() -> [String] {
        let changes = MismatchChanges.all(inflater)
        var found: [String] = []
        for change in changes where found.count < Self.maxCauses {
            if let changed = change.apply(trial), isVerified(changed) {
                found.append("it matches when \(change.words)")
            }
        }
        guard found.isEmpty, trial.body.count <= Self.maxBodyBytesOfPairs else { return found }
        for (place, first) in changes.enumerated() {
            guard let once = first.apply(trial) else { continue }
            for second in changes[(place + 1)...] where second.axis != first.axis && found.count < Self.maxCauses {
                if let twice = second.apply(once), isVerified(twice) {
                    found.append("it matches when \(first.words), and \(second.words)")
                }
            }
        }
        return found
    }

    private func isVerified(_ trial: Trial) -> Bool {
        var writer = ByteWriter()
        Array(trial.verification.source.utf8).withUnsafeBytes { name in
            writer.openEnvelope(source: name, receivedAtNanoseconds: receivedAtNanoseconds) { sections in
                sections.section(.requestHead) { section in
                    var head = RequestHeadWriter(to: &section)
                    for field in trial.fields {
                        field.name.withUnsafeBytes { name in
                            field.value.withUnsafeBytes { head.field(name, $0, to: &section) }
                        }
                    }
                    head.end(in: &section)
                }
                trial.body.withUnsafeBytes { sections.section(.body, $0) }
            }
        }
        return writer.bytes.dropFirst(4).withUnsafeBytes { bytes in
            guard let view = try? EnvelopeView(bytes), let webhook = AcceptedWebhook(view) else { return false }
            var written = ByteWriter()
            switch SourceVerifier(trial.verification, inflater: inflater).verify(webhook, into: &written) {
            case .verified, .answered: return true
            case .refused: return false
            }
        }
    }
}

extension MismatchSearch.Trial {
    /// The trial with another signature scheme; nil where it has none, or the same.
    func with(_ change: (inout SignatureScheme) -> Void) -> Self? {
        guard case .signature(var scheme) = verification.scheme.proof else { return nil }
        change(&scheme)
        return with(.signature(scheme))
    }

    /// The trial with another scheme of tokens; nil where it has none, or the same.
    func withToken(_ change: (inout JWTScheme) -> Void) -> Self? {
        guard case .jwt(var scheme) = verification.scheme.proof else { return nil }
        change(&scheme)
        return with(.jwt(scheme))
    }

    private func with(_ proof: VerificationScheme.Proof) -> Self? {
        guard proof != verification.scheme.proof else { return nil }
        var changed = self
        changed.verification.scheme.proof = proof
        return changed
    }

    /// The trial with other keys; nil where that changes none.
    func withKeys(_ change: ([UInt8]) -> [UInt8]?) -> Self? {
        var changed = self
        var isAny = false
        let keys = verification.keys.keys.map { key in
            guard !key.isPublic, let bytes = change(key.bytes), !bytes.isEmpty, bytes != key.bytes else { return key }
            isAny = true
            return SourceKey(id: key.id, bytes: bytes, validity: key.validity)
        }
        changed.verification.keys = SourceKeys(keys)
        return isAny ? changed : nil
    }

    /// The trial with another body; nil where that is the same.
    func withBody(_ body: [UInt8]?) -> Self? {
        guard let body, body != self.body else { return nil }
        var changed = self
        changed.body = body
        return changed
    }

    /// The trial with other values of the fields that `isMeant` names; nil where that changes none.
    func withFields(_ isMeant: ([UInt8]) -> Bool, _ change: ([UInt8]) -> [UInt8]?) -> Self? {
        var changed = self
        var isAny = false
        for place in fields.indices where isMeant(fields[place].name) {
            guard let value = change(fields[place].value), value != fields[place].value else { continue }
            changed.fields[place].value = value
            isAny = true
        }
        return isAny ? changed : nil
    }
}
