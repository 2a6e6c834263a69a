import Events
import JSON
import LibCrypto
import Primitives
import SimdJSON
import VerificationSchemes
import Wire

/// Checks a JSON Web Token: signed HS256 (RFC 7515, RFC 7518) and not expired (RFC 7519). It vouches for the body by its
/// SHA-256 among the claims, as LiveKit sends it (`livekit/protocol`, `webhook/verifier.go`), or says who sends and what
/// they may do, as clients of Stream's API send it. Belongs to one thread.
final class JWTCheck {
    private enum Claim {
        static let expires = 0
        static let notBefore = 1
        static let issuer = 2
        static let issuedAt = 3
        static let bodyDigest = 4
        static let user = 5
        static let subjects = 6
    }

    private let scheme: JWTScheme
    private let fields: HeadFields
    private let slot: Int
    private let querySlot: Int
    private let pathSlot: Int
    private let keyParameter: [UInt8]?
    private let keyIDs: [[UInt8]]
    private let validities: [KeyValidity]
    private let keys: [HMACKey?]
    private let header = JSONReader(fields: ["alg", "crit"], redactions: [])
    private let claims: JSONReader
    private var isUsable: [Bool]

    private static let maxTokenBytes = 8192
    private static let nanosecondsPerSecond: Int64 = 1_000_000_000

    init(_ scheme: JWTScheme, keys: SourceKeys, fields: HeadFields) {
        self.scheme = scheme
        self.fields = fields
        slot = fields.slot(scheme.field)
        querySlot = fields.slot(RequestHead.query)
        pathSlot = fields.slot(RequestHead.endpointPath)
        keyParameter = scheme.keyParameter.map { Array($0.utf8) }
        keyIDs = keys.keys.map { Array($0.id.utf8) }
        validities = keys.keys.map(\.validity)
        self.keys = keys.keys.map { $0.isPublic || $0.bytes.isEmpty ? nil : HMACKey($0.bytes) }
        // What has no name cannot be found: a claim of an empty name would be.
        let unread = "/-/-"
        claims = JSONReader(
            fields: [
                "exp", "nbf", "iss", "iat", scheme.bodyDigestClaim ?? unread, scheme.limits?.userClaim ?? unread,
                scheme.limits?.subjectsClaim ?? unread,
            ], redactions: [])
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
        if let refusal = refusalOfTimes(webhook.receivedAtNanoseconds) ?? refusalOfDigest(webhook.body)
            ?? refusalByLimits(parts, webhook.body)
        {
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
            return !header.isPresent(1)
        }
        return answer == true ? nil : Refusal(.tokenMalformed, "the token's header does not ask for HS256 alone")
    }

    /// Lends what the base64url `text` spells; nil where it is not spelled right.
    private func decode<Answer>(
        _ text: UnsafeRawBufferPointer, _ use: (UnsafeRawBufferPointer) -> Answer
    ) -> Answer? {
        guard let bytes = Base64.decode(text, as: .urlUnpadded) else { return nil }
        return bytes.withUnsafeBytes(use)
    }

    private func selectKeys(_ receivedAtNanoseconds: Int64) -> Refusal? {
        var name: [UInt8]?
        if scheme.issuerNamesKey {
            name = claims.string(Claim.issuer).map(Array.init)
        } else if let keyParameter, let query = fields.value(querySlot),
            case .value(let text) = QueryText.value(keyParameter, in: query)
        {
            name = text
        }
        if name == nil, let noun = scheme.keyName {
            return Refusal(.keyMissing, "the request has no \(noun), which names the secret")
        }
        var isAnyMeant = false
        for place in keyIDs.indices {
            let isMeant = name.map { $0 == keyIDs[place] } ?? true
            isAnyMeant = isAnyMeant || isMeant
            isUsable[place] = isMeant && validities[place].holds(at: receivedAtNanoseconds)
        }
        if !isAnyMeant {
            return Refusal(.keyUnknown, "no secret of this source has the id that the request names")
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
        if claims.isPresent(Claim.expires) || !scheme.mayLackExpiry {
            guard let expires = instant(Claim.expires) else {
                return Refusal(.tokenMalformed, "the token has no `exp` that is a number of seconds")
            }
            if receivedAtNanoseconds.subtractingClamped(leeway) > expires {
                return Refusal(.tokenExpired, "the token expired more than \(scheme.leewaySeconds) s before receipt")
            }
        }
        for (claim, name) in [(Claim.notBefore, "nbf"), (Claim.issuedAt, "iat")]
        where claims.isPresent(claim) && (claim == Claim.notBefore || scheme.limits != nil) {
            guard let begin = instant(claim) else {
                return Refusal(.tokenMalformed, "the token's `\(name)` is not a number of seconds")
            }
            if receivedAtNanoseconds.addingClamped(leeway) < begin {
                return Refusal(
                    .timestampOutsideTolerance,
                    "the token's `\(name)` lies more than \(scheme.leewaySeconds) s after receipt")
            }
        }
        return nil
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
        guard let claim = scheme.bodyDigestClaim else { return nil }
        guard let text = claims.string(Claim.bodyDigest) else {
            return Refusal(.bodyDigestMismatch, "the token has no `\(claim)`, which holds the body's hash")
        }
        let digest = SHA256Digest.of(body)
        let claimed = Base64.decode(text) ?? Base64.decode(text, as: .urlUnpadded) ?? []
        let isRight = digest.withUnsafeBytes { first in
            claimed.withUnsafeBytes { ConstantTime.equal(first, $0) }
        }
        return isRight
            ? nil : Refusal(.bodyDigestMismatch, "`\(claim)` of the token is not the body's hash")
    }

    /// What the token's holder may not do.
    private func refusalByLimits(_ parts: Parts, _ bytes: UnsafeRawBufferPointer) -> Refusal? {
        guard let limits = scheme.limits else { return nil }
        guard let body = JSONValue.read(Array(bytes)) else { return Refusal(.bodyNotJSON, "the body is not JSON") }
        guard case .object = body else { return Refusal(.bodyNotObject, "the body is JSON, but not an object") }
        if claims.isPresent(Claim.user) {
            guard let user = claims.string(Claim.user).map({ String(decoding: $0, as: UTF8.self) }), !user.isEmpty
            else { return Refusal(.tokenMalformed, "the token's `\(limits.userClaim)` is not a text") }
            for field in limits.userFields {
                let named = body.all(at: field.split(separator: ".")[...])
                if !named.allSatisfy({ $0 == .null || $0 == .string(user) }) {
                    return Refusal(.tokenNotAllowed, "the body's `\(field)` is not the user of the token")
                }
            }
        }
        guard claims.isPresent(Claim.subjects) else { return nil }
        let places = fields.value(pathSlot).flatMap(limits.path.values) ?? []
        let subject = places.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ":")
        let listed = decode(parts.payload) { JSONValue.read(Array($0))?[limits.subjectsClaim].elements ?? [] } ?? []
        return listed.contains(.string(subject))
            ? nil : Refusal(.tokenNotAllowed, "the token's `\(limits.subjectsClaim)` does not name \(subject)")
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

extension JSONValue {
    /// Every value that the names lead to: a name may come more than once, and readers differ in which they take.
    fileprivate func all(at names: ArraySlice<Substring>) -> [JSONValue] {
        guard let name = names.first else { return [self] }
        guard case .object(let members) = self else { return [] }
        return members.filter { $0.name == name }.flatMap { $0.value.all(at: names.dropFirst()) }
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
