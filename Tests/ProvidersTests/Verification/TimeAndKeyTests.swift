import Events
import Gzip
import Testing
import WebhookSamples

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct TimeAndKeyTests {
    private let second = SignedVector.second
    private let signedAt: Int64 = 1_791_211_754

    private func vector(_ name: String) throws -> SignedVector {
        try #require(try SignedVector.byFormulas().first { $0.description == name })
    }

    @Test(arguments: ["standard-webhooks", "mux", "zoom", "cloudflare-stream"])
    func `a time stamp may lie 300 s before or after receipt, and not a nanosecond more`(name: String) throws {
        let vector = try vector(name)
        for (offset, code) in [
            (0, nil), (300 * second, nil), (-300 * second, nil),
            (300 * second + 1, RejectionCode.timestampOutsideTolerance),
            (-300 * second - 1, .timestampOutsideTolerance), (86_400 * second, .timestampOutsideTolerance),
        ] {
            #expect(try vector.with { $0.receivedAtNanoseconds = signedAt * second + offset }.code() == code)
        }
        for absurd in [Int64.min, .max, 0, -1] {
            #expect(
                try vector.with { $0.receivedAtNanoseconds = absurd }.code() == .timestampOutsideTolerance)
        }
    }

    @Test func `a time that is no number, too large or there twice is refused`() throws {
        let zoom = try vector("zoom")
        for (text, code) in [
            ("", RejectionCode.timestampMissing), ("x", .timestampMissing), ("-1", .timestampMissing),
            ("+1791211754", .timestampMissing), ("1791211754.0", .timestampMissing), (" 1791211754", .timestampMissing),
            ("999999999999999999", .timestampOutsideTolerance), ("9999999999999999999", .timestampMissing),
            ("0", .timestampOutsideTolerance), ("1791211755", .signatureMismatch), ("01791211754", .signatureMismatch),
        ] {
            let changed = zoom.with { changed in
                for place in changed.fields.indices where changed.fields[place].name == "x-zm-request-timestamp" {
                    changed.fields[place].value = text
                }
            }
            #expect(try changed.code() == code, "\(text)")
        }
        let mux = try vector("mux")
        let twice = mux.with { $0.fields[0].value = "t=1791211754," + $0.fields[0].value }
        #expect(try twice.code() == .timestampMissing)
        let later = mux.with { $0.fields[0].value += ",t=1791211754" }
        #expect(try later.code() == .timestampMissing)
    }

    @Test func `schemes without a tolerance take any time`() throws {
        for name in ["daily", "twilio", "agora"] {
            let vector = try vector(name)
            for time in [Int64(0), .max] { #expect(try vector.with { $0.receivedAtNanoseconds = time }.isVerified()) }
        }
    }

    @Test func `a token counts from nbf to exp, give or take a minute`() throws {
        let vector = try vector("livekit")
        let notBefore: Int64 = 1_791_211_754
        let expires: Int64 = 1_791_212_054
        for (time, code) in [
            ((notBefore - 60) * second, nil), ((notBefore - 60) * second - 1, RejectionCode.timestampOutsideTolerance),
            ((expires + 60) * second, nil), ((expires + 60) * second + 1, .tokenExpired), (.max, .tokenExpired),
            (.min, .timestampOutsideTolerance),
        ] {
            #expect(try vector.with { $0.receivedAtNanoseconds = time }.code() == code)
        }
    }

    @Test func `a key counts from its first instant to before its last`() throws {
        for vector in try SignedVector.all() {
            let key = vector.verification.keys.keys[0]
            let now = vector.receivedAtNanoseconds
            for (notBefore, notAfter, counts) in [
                (now, nil, true), (now + 1, nil, false), (nil, now, false), (nil, now + 1, true), (now, now + 1, true),
                (now, now, false),
            ] as [(Int64?, Int64?, Bool)] {
                let validity = KeyValidity(notBeforeNanoseconds: notBefore, notAfterNanoseconds: notAfter)
                let changed = vector.with {
                    $0.verification.keys = SourceKeys([
                        SourceKey(id: key.id, bytes: key.bytes, validity: validity, isPublic: key.isPublic)
                    ])
                }
                #expect(try changed.code() == (counts ? nil : .keyUnknown), "\(vector)")
            }
        }
    }

    @Test func `while secrets are rotated, either counts, and the verification names the one that matched`() throws {
        for vector in try SignedVector.all() where !vector.holdsIgnoredSignature {
            let key = vector.verification.keys.keys[0]
            let selectsByID = ["stream", "livekit"].contains(vector.verification.scheme.name)
            let other = SourceKey(id: selectsByID ? key.id : "other", bytes: [7, 7, 7])
            for keys in [[key, other], [other, key], [other, other, key]] {
                let changed = vector.with { $0.verification.keys = SourceKeys(keys) }
                #expect(try changed.outcome() == .verified(keyID: key.id), "\(vector)")
            }
            let expected: RejectionCode = key.isPublic ? .keyUnknown : .signatureMismatch
            #expect(try vector.with { $0.verification.keys = SourceKeys([other]) }.code() == expected, "\(vector)")
        }
    }

    @Test func `a verifier names its proofs once each, in a fixed order`() throws {
        let scheme = SchemePresets.mux
        let keys = ["a", "b", "a"].map { SourceKey(id: $0, bytes: Array($0.utf8)) }
        let verification = SourceVerification(source: "s", scheme: scheme, keys: SourceKeys(keys))
        let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 100))
        #expect(verifier.proofs == ["a", "b"].map { Verification(scheme: "mux", keyID: $0) })
        for (key, proof) in [(1, 1), (0, 0), (2, 0)] {
            let signed = SourceSigner.fields(
                for: [1], verification: verification, key: keys[key], webhookID: "w", atNanoseconds: 0)
            let vector = SignedVector(verification, signed, body: [1], atNanoseconds: 0)
            #expect(try vector.outcome(verifier) == .verified(keyID: keys[key].id))
            #expect(verifier.lastProof == proof)
        }
    }

    @Test func `a tolerance of any size is taken at its word`() throws {
        let zoom = try vector("zoom")
        for (tolerance, isVerified) in [(Int.max, true), (0, false), (-1, false), (Int.min, false)] {
            let changed = zoom.with { changed in
                guard case .signature(var scheme) = changed.verification.scheme.proof else { return }
                scheme.toleranceSeconds = tolerance
                changed.verification.scheme.proof = .signature(scheme)
            }
            #expect(try changed.isVerified() == isVerified)
        }
        let liveKit = try vector("livekit")
        let forEver = liveKit.with {
            $0.verification.scheme.proof = .jwt(
                JWTScheme(
                    field: "authorization", bodyDigestClaim: "sha256", leewaySeconds: .max, issuerNamesKey: true))
            $0.receivedAtNanoseconds = .max
        }
        #expect(try forEver.isVerified())
    }
}
