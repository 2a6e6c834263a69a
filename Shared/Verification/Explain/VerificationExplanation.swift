package import Events
import Gzip
import LibCrypto
import Primitives
package import VerificationSchemes
import Wire

/// Why one webhook is verified or not, step by step, for the operator. Holds no secret, no right signature that was not
/// given, and no path token.
package struct VerificationExplanation: Sendable {
    /// One step of the verification.
    package struct Step: Sendable, Equatable {
        package enum Answer: String, Sendable {
            case passed, failed
            /// An earlier step failed.
            case notReached = "not_reached"
        }

        package let name: String
        package let answer: Answer
        /// What the request has, or why the step failed.
        package let seen: String
    }

    /// What the signature was compared over.
    package struct SignedBytes: Sendable, Equatable {
        package let byteCount: Int
        package let sha256: String
        /// What it is put together of.
        package let template: String
    }

    package let scheme: String
    package let steps: [Step]
    /// Nil where nothing is signed, or no comparison was reached.
    package let signed: SignedBytes?
    /// The first refusal; nil where the webhook is verified.
    package let code: RejectionCode?
    /// The id of the key that matched.
    package let keyID: String?
    /// Under what changed circumstances the webhook would be verified, likeliest first.
    package let likelyCauses: [String]

    /// Whether it is a handshake, which the verifier answers with a proof that the secret is known here.
    package private(set) var isHandshake = false

    package var isVerified: Bool { code == nil }

    /// Verifies `webhook` as a verifier does, and looks for causes where it is refused.
    package init(_ verification: SourceVerification, _ webhook: AcceptedWebhook, maxInflatedBytes: Int) {
        let inflater = Inflater(maxInflatedBytes: maxInflatedBytes)
        let verifier = SourceVerifier(verification, inflater: inflater)
        var writer = ByteWriter()
        switch verifier.verify(webhook, into: &writer) {
        case .verified(let id):
            code = nil
            keyID = id
        case .answered:
            code = nil
            keyID = verifier.proofs[verifier.lastProof].keyID
            isHandshake = true
        case .refused(let refusal, _):
            code = refusal
            keyID = nil
        }
        scheme = verifier.proofs.first?.scheme ?? verification.scheme.name
        var walk = VerificationWalk(verification, webhook, inflater: inflater)
        walk.run()
        steps = walk.steps
        signed = walk.signed
        likelyCauses =
            code == nil ? [] : MismatchSearch(verification, webhook, maxInflatedBytes: maxInflatedBytes).causes()
    }
}

/// Goes through the steps of a verification one by one and notes what there is to see.
struct VerificationWalk {
    private(set) var steps: [VerificationExplanation.Step] = []
    private(set) var signed: VerificationExplanation.SignedBytes?

    private let verification: SourceVerification
    private let webhook: AcceptedWebhook
    private let inflater: Inflater
    private let fields = HeadFields()
    private var hasFailed = false

    init(_ verification: SourceVerification, _ webhook: AcceptedWebhook, inflater: Inflater) {
        self.verification = verification
        self.webhook = webhook
        self.inflater = inflater
    }

    mutating func run() {
        let addresses = AddressCheck(verification.addresses, fields: fields)
        let tokens = verification.pathTokens.map { TokenCheck(.path, keys: $0, fields: fields) }
        let receivedAt = webhook.receivedAtNanoseconds
        if !verification.addresses.isEmpty {
            fields.read(webhook.head)
            note("address", "the request comes from \(text(RequestHead.peer))", finding: addresses.check(fields))
        }
        if let tokens {
            fields.read(webhook.head)
            note(
                "path token", "the path has a token of \(length(RequestHead.pathToken)) bytes",
                finding: tokens.check(fields, receivedAtNanoseconds: receivedAt))
        }
        switch verification.scheme.proof {
        case .none: break
        case .token(let place):
            let check = TokenCheck(place, keys: verification.keys, fields: fields)
            fields.read(webhook.head)
            note("secret", "the request has it", finding: check.check(fields, receivedAtNanoseconds: receivedAt))
        case .jwt(let scheme):
            let check = JWTCheck(scheme, keys: verification.keys, fields: fields)
            fields.read(webhook.head)
            note(
                "token", "\(scheme.field) holds a token of \(length(scheme.field)) bytes",
                finding: check.check(webhook))
        case .signature(let scheme): walk(scheme)
        }
        if case .signature(let scheme) = verification.scheme.proof, scheme.signsInflatedBody { return }
        if Inflater.isCompressed(webhook.body) { _ = noteInflation { _ in } }
    }

    private mutating func walk(_ scheme: SignatureScheme) {
        let check = SignatureCheck(scheme, of: verification, fields: fields)
        let names = scheme.signatures.map(\.field)
        fields.read(webhook.head)
        let keys = verification.keys.keys
        note(
            "key", scheme.keyField.map { "\($0) names \(text($0))" } ?? "\(keys.count) configured, all are tried",
            check.selectKeys(webhook.receivedAtNanoseconds))
        note("signature field", "\(names[0]) has \(length(names[0])) bytes", check.readSignatures())
        if let field = scheme.timestamp {
            note("time stamp", age(field, scheme.toleranceSeconds), check.readTime(webhook.receivedAtNanoseconds))
        }
        let digest = scheme.bodyDigestParameter.map { Array($0.utf8) }
        note("signed content", "all of it is there", check.content.refusal(webhook, digestParameter: digest))
        guard scheme.signsInflatedBody, Inflater.isCompressed(webhook.body) else {
            compare(check, scheme, over: webhook.body)
            return
        }
        var plain: [UInt8] = []
        if noteInflation({ plain = Array($0) }) { plain.withUnsafeBytes { compare(check, scheme, over: $0) } }
    }

    private mutating func compare(
        _ check: SignatureCheck, _ scheme: SignatureScheme, over body: UnsafeRawBufferPointer
    ) {
        guard !hasFailed else {
            note("signature", "", nil)
            return
        }
        signed = signedBytes(check, scheme, body)
        note("signature", "it is right", finding: check.compare(over: body))
    }

    private func signedBytes(
        _ check: SignatureCheck, _ scheme: SignatureScheme, _ body: UnsafeRawBufferPointer
    ) -> VerificationExplanation.SignedBytes? {
        check.withContent(over: body) { bytes in
            let digest = SHA256Digest.of(bytes).withUnsafeBytes { Hexadecimal.encode($0) }
            return VerificationExplanation.SignedBytes(
                byteCount: bytes.count, sha256: digest, template: scheme.content.map(describe).joined(separator: " "))
        }
    }

    private func describe(_ part: ContentPart) -> String {
        switch part {
        case .literal(let text): "`\(text)`"
        case .body: "{body}"
        case .timestamp: "{time stamp}"
        case .field(let name): "{\(name): \(text(name))}"
        case .url:
            "{URL: \(verification.publicURL)/in/\(verification.source)"
                + (isThere(RequestHead.pathToken) ? "/…" : "") + (isThere(RequestHead.query) ? "?…" : "") + "}"
        case .form: "{form, sorted}"
        }
    }

    private func age(_ field: TimestampField, _ toleranceSeconds: Int?) -> String {
        let time = SignedTime(field, toleranceSeconds: toleranceSeconds, fields: fields)
        fields.read(webhook.head)
        guard let age = time.age(fields, receivedAtNanoseconds: webhook.receivedAtNanoseconds) else {
            return "\(field.field) is not read as a time"
        }
        let seconds = "\(age.magnitude / 1_000_000_000) s \(age < 0 ? "after" : "before") receipt"
        return "signed \(seconds); \(toleranceSeconds.map { "\($0) s are allowed" } ?? "any time is allowed")"
    }

    private mutating func noteInflation(_ use: (UnsafeRawBufferPointer) -> Void) -> Bool {
        guard !hasFailed else {
            note("compression", "", nil)
            return false
        }
        var refusal: Refusal?
        var count = 0
        inflater.inflate(webhook.body) { outcome in
            switch outcome {
            case .inflated(let body):
                count = body.count
                use(body)
            case .damaged: refusal = Refusal(.bodyNotInflatable, "the body begins like gzip but is damaged")
            case .tooLarge: refusal = Refusal(.bodyTooLargeInflated, "the body inflates to more than is allowed")
            }
        }
        note("compression", "gzip of \(count) bytes", refusal)
        return refusal == nil
    }

    private mutating func note(_ name: String, _ seen: String, finding: ProofFinding) {
        if case .refused(let refusal) = finding { note(name, seen, refusal) } else { note(name, seen, nil) }
    }

    private mutating func note(_ name: String, _ seen: String, _ refusal: Refusal?) {
        if hasFailed {
            steps.append(.init(name: name, answer: .notReached, seen: ""))
        } else if let refusal {
            hasFailed = true
            let detail = seen.isEmpty || refusal.code != .timestampOutsideTolerance ? "" : " (\(seen))"
            steps.append(.init(name: name, answer: .failed, seen: refusal.detail + detail))
        } else {
            steps.append(.init(name: name, answer: .passed, seen: seen))
        }
    }

    private func value(_ name: String) -> UnsafeRawBufferPointer? {
        var found: UnsafeRawBufferPointer?
        webhook.head.forEachField { candidate, value in
            guard candidate.elementsEqual(name.utf8) else { return true }
            found = value
            return false
        }
        return found
    }

    private func isThere(_ name: String) -> Bool { value(name).map { !$0.isEmpty } ?? false }
    private func length(_ name: String) -> Int { value(name)?.count ?? 0 }
    private func text(_ name: String) -> String {
        value(name).map { String(decoding: $0.prefix(128), as: UTF8.self) } ?? "nothing"
    }
}
