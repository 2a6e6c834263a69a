package import Events
package import Gzip
package import VerificationSchemes
package import Wire

/// Proves where the webhooks of one source come from, as its `SourceVerification` says. Reads no clock: everything is
/// judged against received-at. Belongs to one thread.
///
/// In this order: the client's address, the path token, then the scheme. What is compressed is inflated after the
/// proof, or before it where the scheme signs the inflated body.
package final class SourceVerifier {
    private enum Check {
        case none
        case signature(SignatureCheck)
        case jwt(JWTCheck)
        case token(TokenCheck)
    }

    /// Everything that a proof of this source can say, each once: the scheme, and the label of the key or path token, or
    /// the network. Whoever counts proofs keeps one counter for each.
    package let proofs: [Verification]
    /// The place in `proofs` of what was proved last.
    package private(set) var lastProof = 0

    private let fields: HeadFields
    private let inflater: Inflater
    private let addresses: AddressCheck?
    private let pathTokens: TokenCheck?
    private let check: Check
    /// Where the name of the connector that fetched a webhook stands, and the place of that proof among those of the keys;
    /// nil where none does.
    private let connector: (slot: Int, key: Int)?
    private let challenge: ZoomChallenge?
    /// A key's place in its list to the proof's place in `proofs`.
    private let proofOfKey: [Int]
    /// The verification sections, ready to be appended.
    private let sections: [[UInt8]]

    package init(_ verification: SourceVerification, inflater: Inflater) {
        let fields = HeadFields()
        self.fields = fields
        self.inflater = inflater
        addresses = verification.addresses.isEmpty ? nil : AddressCheck(verification.addresses, fields: fields)
        pathTokens = verification.pathTokens.map { TokenCheck(.path, keys: $0, fields: fields) }
        var challenge: ZoomChallenge?
        switch verification.scheme.proof {
        case .none: check = .none
        case .signature(let scheme):
            check = .signature(SignatureCheck(scheme, of: verification, fields: fields))
            challenge = scheme.challenge.map { _ in ZoomChallenge() }
        case .jwt(let scheme): check = .jwt(JWTCheck(scheme, keys: verification.keys, fields: fields))
        case .token(let place): check = .token(TokenCheck(place, keys: verification.keys, fields: fields))
        }
        self.challenge = challenge
        let (scheme, ids) = Self.proofIDs(of: verification)
        var unique: [String] = []
        var proofOfKey = ids.map { id in
            if let known = unique.firstIndex(of: id) { return known }
            unique.append(id)
            return unique.count - 1
        }
        var proofs = unique.map { Verification(scheme: scheme, keyID: $0) }
        if verification.isConnected {
            connector = (fields.slot(RequestHead.connector.description), proofOfKey.count)
            proofOfKey.append(proofs.count)
            proofs.append(Verification(scheme: "connector", keyID: "connector"))
        } else {
            connector = nil
        }
        (self.proofs, self.proofOfKey) = (proofs, proofOfKey)
        sections = proofs.map { proof in
            var writer = ByteWriter()
            proof.write(to: &writer)
            return writer.bytes
        }
    }

    /// The strongest proof names the scheme: a scheme's key, else a path token, else a network.
    private static func proofIDs(of verification: SourceVerification) -> (scheme: String, ids: [String]) {
        if verification.scheme.proof != .none {
            return (verification.scheme.name, verification.keys.keys.map(\.label))
        }
        if let tokens = verification.pathTokens { return ("path-token", tokens.keys.map(\.label)) }
        if !verification.addresses.isEmpty { return ("address", verification.addresses) }
        return (VerificationScheme.none.name, ["none"])
    }

    /// Appends the verification, and the inflated body of compressed ones; appends nothing where it refuses. The
    /// webhook's bytes must not lie in `writer`.
    package func verify(_ webhook: AcceptedWebhook, into writer: inout ByteWriter) -> VerificationOutcome {
        fields.read(webhook.head)
        var key = 0
        if let connector, fields.value(connector.slot) != nil {
            // It came to no URL and from no address. What is signed must be signed right.
            if case .signature(let check) = check, !check.isUnsigned {
                return verify(webhook, by: check, into: &writer)
            }
            return conclude(.proved(key: connector.key), webhook, into: &writer)
        }
        if let addresses {
            switch addresses.check(fields) {
            case .refused(let refusal): return .refused(refusal.code, detail: refusal.detail)
            case .proved(let place), .answered(let place, _): key = place
            }
        }
        if let pathTokens {
            switch pathTokens.check(fields, receivedAtNanoseconds: webhook.receivedAtNanoseconds) {
            case .refused(let refusal): return .refused(refusal.code, detail: refusal.detail)
            case .proved(let place), .answered(let place, _): key = place
            }
        }
        switch check {
        case .none:
            return conclude(.proved(key: key), webhook, into: &writer)
        case .token(let check):
            let finding = check.check(fields, receivedAtNanoseconds: webhook.receivedAtNanoseconds)
            return conclude(finding, webhook, into: &writer)
        case .jwt(let check):
            return conclude(check.check(webhook), webhook, into: &writer)
        case .signature(let check):
            return verify(webhook, by: check, into: &writer)
        }
    }

    private func verify(
        _ webhook: AcceptedWebhook, by check: SignatureCheck, into writer: inout ByteWriter
    ) -> VerificationOutcome {
        if let challenge {
            switch challenge.request(in: webhook.body) {
            case .none: break
            case .malformed:
                return .refused(.tokenMalformed, detail: "the challenge's plainToken is none that its sender makes")
            case .token(let token):
                return conclude(answer(token, webhook, by: check), webhook, into: &writer)
            }
        }
        if let refusal = check.refusalBeforeComparison(webhook) {
            return .refused(refusal.code, detail: refusal.detail)
        }
        guard check.signsInflatedBody, Inflater.isCompressed(webhook.body) else {
            return conclude(check.compare(over: webhook.body), webhook, into: &writer)
        }
        return inflating(webhook) { body in
            conclude(check.compare(over: body), webhook, inflated: body, into: &writer)
        }
    }

    /// A challenge may come unsigned; a signature that is there must be right.
    private func answer(_ token: [UInt8], _ webhook: AcceptedWebhook, by check: SignatureCheck) -> ProofFinding {
        var key: Int?
        if check.isUnsigned {
            if let refusal = check.selectKeys(webhook.receivedAtNanoseconds) { return .refused(refusal) }
            key = check.firstUsableKey
        } else {
            if let refusal = check.refusalBeforeComparison(webhook) { return .refused(refusal) }
            let finding = check.compare(over: webhook.body)
            guard case .proved(let place) = finding else { return finding }
            key = place
        }
        guard let key, let code = check.code(of: token, key: key) else {
            return .refused(Refusal(.keyUnknown, "no secret of this source can answer a challenge"))
        }
        return .answered(key: key, reply: ZoomChallenge.reply(token: token, code: code))
    }

    private func conclude(
        _ finding: ProofFinding, _ webhook: AcceptedWebhook, into writer: inout ByteWriter
    ) -> VerificationOutcome {
        guard case .proved = finding, Inflater.isCompressed(webhook.body) else {
            return conclude(finding, webhook, inflated: nil, into: &writer)
        }
        return inflating(webhook) { conclude(finding, webhook, inflated: $0, into: &writer) }
    }

    private func inflating(
        _ webhook: AcceptedWebhook, _ use: (UnsafeRawBufferPointer) -> VerificationOutcome
    ) -> VerificationOutcome {
        inflater.inflate(webhook.body) { outcome in
            switch outcome {
            case .inflated(let body): use(body)
            case .damaged:
                .refused(.bodyNotInflatable, detail: "the body begins like gzip but is damaged or cut off")
            case .tooLarge:
                .refused(
                    .bodyTooLargeInflated,
                    detail: "the body inflates to more than \(inflater.maxInflatedBytes) bytes")
            }
        }
    }

    private func conclude(
        _ finding: ProofFinding, _ webhook: AcceptedWebhook, inflated: UnsafeRawBufferPointer?,
        into writer: inout ByteWriter
    ) -> VerificationOutcome {
        switch finding {
        case .refused(let refusal):
            return .refused(refusal.code, detail: refusal.detail)
        case .answered(let key, let reply):
            lastProof = proofOfKey[key]
            writer.raw(sections[lastProof])
            CanonicalEventsWriter.writeNone(to: &writer)
            return .answered(reply: reply)
        case .proved(let key):
            lastProof = proofOfKey[key]
            writer.raw(sections[lastProof])
            if let inflated { writer.section(.inflatedBody, inflated) }
            if case .signature(let check) = check, check.namesContent, key != connector?.key {
                check.matchedCode.withUnsafeBytes { writer.section(.signedContent, $0) }
            }
            return .verified(keyID: proofs[lastProof].keyID)
        }
    }
}
