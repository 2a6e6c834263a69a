import Crypto
import Events
import Primitives
import SimdJSON
import VerificationSchemes
import Wire

/// Checks a JSON Web Token that vouches for the body: signed HS256 (RFC 7515, RFC 7518), not expired (RFC 7519), and
/// with the SHA-256 of the body among its claims, as LiveKit sends it (`livekit/protocol`, `webhook/verifier.go`).
/// Belongs to one thread.
final class JWTCheck {
    private enum Claim {
        static let expires = 0
        static let notBefore = 1
        static let issuer = 2
        static let bodyDigest = 3
    }

    private let scheme: JWTScheme
    private let fields: HeadFields
    private let slot: Int
    private let keyIDs: [[UInt8]]
    private let validities: [KeyValidity]
    private let keys: [HMACKey?]
    private let header = JSONReader(fields: ["alg"], redactions: [])
    private let claims: JSONReader
    private var isUsable: [Bool]

    private static let maxTokenBytes = 8192
    private static let nanosecondsPerSecond: Int64 = 1_000_000_000

    init(_ scheme: JWTScheme, keys: SourceKeys, fields: HeadFields) {
        self.scheme = scheme
        self.fields = fields
        slot = fields.slot(scheme.field)
        keyIDs = keys.keys.map { Array($0.id.utf8) }
        validities = keys.keys.map(\.validity)
        self.keys = keys.keys.map { $0.isPublic || $0.bytes.isEmpty ? nil : HMACKey($0.bytes) }
        claims = JSONReader(fields: ["exp", "nbf", "iss", scheme.bodyDigestClaim], redactions: [])
        isUsable = keys.keys.map { _ in false }
    }

    func check(_ webhook: AcceptedWebhook) -> ProofFinding {
        guard var token = fields.value(slot) else {
            return .refused(Refusal(.tokenMissing, "the request has no \(scheme.field)"))
        }
        if fields.isRepeated(slot) { return malformed("is there more than once") }
        token = token.credentials(ofScheme: "bearer".utf8) ?? token
        guard token.count <= Self.maxTokenBytes, let parts = Parts(token) else {
            return malformed("is not three parts joined with dots")
        }
        if let refusal = refusalOfHeader(parts.header) { return .refused(refusal) }
        guard let problem = decode(parts.payload, { claims.read($0) }), problem == nil else {
            return malformed("has claims that are not a JSON object")
        }
        if let refusal = selectKeys(webhook.receivedAtNanoseconds) { return .refused(refusal) }
        guard let key = matchingKey(parts) else {
            return .refused(Refusal(.signatureMismatch, "the token was not signed with a configured secret"))
        }
        if let refusal = refusalOfTimes(webhook.receivedAtNanoseconds) ?? refusalOfDigest(webhook.body) {
            return .refused(refusal)
        }
        return .proved(key: key)
    }

    private func malformed(_ what: String) -> ProofFinding {
        .refused(Refusal(.tokenMalformed, "the token in \(scheme.field) \(what)"))
    }

    /// Only one algorithm is taken, whatever the token asks for; `crit` would change what the rest means.
    private func refusalOfHeader(_ text: UnsafeRawBufferPointer) -> Refusal? {
        let answer = decode(text) { bytes -> Bool in
            guard header.read(bytes) == nil, let algorithm = header.string(0), algorithm.equals("HS256") else {
                return false
            }
            return !Self.contains(bytes, "\"crit\"")
        }
        return answer == true ? nil : Refusal(.tokenMalformed, "the token's header does not ask for HS256 alone")
    }

    private static func contains(_ bytes: UnsafeRawBufferPointer, _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.count >= count else { return false }
        return (0...(bytes.count - count)).contains { start in
            UnsafeRawBufferPointer(rebasing: bytes[start..<start + count]).equals(text)
        }
    }

    /// Lends what the base64url `text` spells; nil where it is not spelled right.
    private func decode<Answer>(
        _ text: UnsafeRawBufferPointer, _ use: (UnsafeRawBufferPointer) -> Answer
    ) -> Answer? {
        guard let bytes = Base64.decode(text, as: .urlUnpadded) else { return nil }
        return bytes.withUnsafeBytes(use)
    }

    private func selectKeys(_ receivedAtNanoseconds: Int64) -> Refusal? {
        var issuer: UnsafeRawBufferPointer?
        if scheme.issuerNamesKey {
            issuer = claims.string(Claim.issuer)
            if issuer == nil { return Refusal(.keyMissing, "the token has no `iss`, which names the secret") }
        }
        var isAnyMeant = false
        for place in keyIDs.indices {
            let isMeant = issuer.map { $0.equals(keyIDs[place]) } ?? true
            isAnyMeant = isAnyMeant || isMeant
            isUsable[place] = isMeant && validities[place].holds(at: receivedAtNanoseconds)
        }
        if !isAnyMeant {
            return Refusal(.keyUnknown, "no secret of this source has the id that the token's `iss` names")
        }
        return isUsable.contains(true)
            ? nil : Refusal(.keyUnknown, "no secret of this source counted when the webhook was received")
    }

    private func matchingKey(_ parts: Parts) -> Int? {
        guard let signature = Base64.decode(parts.signature, as: .urlUnpadded) else { return nil }
        return signature.withUnsafeBytes { expected in
            isUsable.indices.first { place in
                isUsable[place] && keys[place]?.matches(expected, over: parts.signed) == true
            }
        }
    }

    private func refusalOfTimes(_ receivedAtNanoseconds: Int64) -> Refusal? {
        let leeway = Int64(nanosecondsOfSeconds: scheme.leewaySeconds)
        guard let expires = instant(Claim.expires) else {
            return Refusal(.tokenMalformed, "the token has no `exp` that is a number of seconds")
        }
        if receivedAtNanoseconds.subtractingClamped(leeway) > expires {
            return Refusal(.tokenExpired, "the token expired more than \(scheme.leewaySeconds) s before receipt")
        }
        guard claims.number(Claim.notBefore) != nil || claims.string(Claim.notBefore) != nil else { return nil }
        guard let notBefore = instant(Claim.notBefore) else {
            return Refusal(.tokenMalformed, "the token's `nbf` is not a number of seconds")
        }
        return receivedAtNanoseconds.addingClamped(leeway) < notBefore
            ? Refusal(
                .timestampOutsideTolerance,
                "the token begins to count more than \(scheme.leewaySeconds) s after receipt") : nil
    }

    /// A NumericDate (RFC 7519, section 2) in nanoseconds; fractions are cut off.
    private func instant(_ claim: Int) -> Int64? {
        guard let text = claims.number(claim) else { return nil }
        let whole = text.firstIndex(of: UInt8(ascii: ".")) ?? text.count
        guard text[whole...].dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
            let seconds = SignedTime.decimal(UnsafeRawBufferPointer(rebasing: text[..<whole]))
        else { return nil }
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: Self.nanosecondsPerSecond)
        return overflow ? .max : nanoseconds
    }

    private func refusalOfDigest(_ body: UnsafeRawBufferPointer) -> Refusal? {
        guard let text = claims.string(Claim.bodyDigest) else {
            return Refusal(
                .bodyDigestMismatch, "the token has no `\(scheme.bodyDigestClaim)`, which holds the body's hash")
        }
        let digest = SHA256Digest.of(body)
        let claimed = Base64.decode(text) ?? Base64.decode(text, as: .urlUnpadded) ?? []
        let isRight = digest.withUnsafeBytes { first in
            claimed.withUnsafeBytes { ConstantTime.equal(first, $0) }
        }
        return isRight
            ? nil : Refusal(.bodyDigestMismatch, "`\(scheme.bodyDigestClaim)` of the token is not the body's hash")
    }

    /// The three parts of a token in compact form.
    private struct Parts {
        let header: UnsafeRawBufferPointer
        let payload: UnsafeRawBufferPointer
        let signature: UnsafeRawBufferPointer
        /// Header and payload with the dot between them.
        let signed: UnsafeRawBufferPointer

        init?(_ token: UnsafeRawBufferPointer) {
            let dot = UInt8(ascii: ".")
            guard let first = token.firstIndex(of: dot), let second = token[(first + 1)...].firstIndex(of: dot),
                !token[(second + 1)...].contains(dot)
            else { return nil }
            header = UnsafeRawBufferPointer(rebasing: token[..<first])
            payload = UnsafeRawBufferPointer(rebasing: token[(first + 1)..<second])
            signature = UnsafeRawBufferPointer(rebasing: token[(second + 1)...])
            signed = UnsafeRawBufferPointer(rebasing: token[..<second])
        }
    }
}

extension Int64 {
    fileprivate func subtractingClamped(_ other: Int64) -> Int64 {
        let (value, overflow) = subtractingReportingOverflow(other)
        return overflow ? .min : value
    }

    fileprivate func addingClamped(_ other: Int64) -> Int64 {
        let (value, overflow) = addingReportingOverflow(other)
        return overflow ? .max : value
    }
}
