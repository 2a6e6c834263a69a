import Events
import Gzip
import LibCrypto
import Primitives
import Testing
import WebhookSamples
import Wire

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

/// Tokens that say who sends: those of Stream's API.
struct AuthorisationTokenTests {
    private static let second: Int64 = 1_000_000_000
    private static let now: Int64 = 1_791_211_754
    private static let secret = Array("a secret of at least thirty-two bytes".utf8)

    private func base64(_ text: [UInt8]) -> String {
        text.withUnsafeBytes { Base64.encode($0, as: .urlUnpadded) }
    }

    private func token(
        _ claims: String, header: String = #"{"alg":"HS256","typ":"JWT"}"#, secret: [UInt8] = secret
    ) -> String {
        let signed = base64(Array(header.utf8)) + "." + base64(Array(claims.utf8))
        let code = Array(signed.utf8).withUnsafeBytes { HMACKey(secret).withCode(of: $0) { Array($0) } }
        return signed + "." + base64(code)
    }

    /// The code of the refusal; nil where the token is right. `keys`: ids and secrets.
    private func code(
        _ token: String, body: String = #"{"user_id":"john","custom":{}}"#, query: String = "api_key=key123",
        path: String = "api/v2/video/call/livestream/room%2042/event", at nanoseconds: Int64 = now * second,
        keys: [(String, [UInt8])] = [("key123", secret), ("key123", Array("the one before it, as long as it".utf8))]
    ) throws -> RejectionCode? {
        guard case .always(let scheme) = StreamCallsProvider.signing else { return .poison }
        let verification = SourceVerification(
            source: "calls", scheme: scheme, keys: SourceKeys(keys.map { SourceKey(id: $0.0, bytes: $0.1) }),
            publicURL: "")
        var record = Record(
            source: "calls", fields: [(":query", query), (":path", path), ("authorization", token)],
            body: Array(body.utf8), receivedAtNanoseconds: nanoseconds)
        let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 1 << 20))
        let outcome = try record.pass { view, writer in
            AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
        }
        if case .refused(let code, _) = try #require(outcome) { return code }
        return nil
    }

    @Test func `the vector of RFC 7515, appendix A.1, is right, and expires when it says`() throws {
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
            + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let text = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        let key = try #require(Array(text.utf8).withUnsafeBytes { Base64.decode($0, as: .urlUnpadded) })
        let expires: Int64 = 1_300_819_380
        #expect(try code(token, at: expires * Self.second, keys: [("key123", key)]) == nil)
        #expect(try code(token, at: (expires + 5) * Self.second + 1, keys: [("key123", key)]) == .tokenExpired)
    }

    @Test(arguments: [
        "{}", #"{"iat":1791211754}"#, #"{"user_id":"john"}"#, #"{"user_id":"john","iat":1791211749,"exp":1791211800}"#,
        #"{"user_id":"john","call_cids":["default:1","livestream:room 42"],"role":"host"}"#,
        #"{"exp":1791211754.5,"nbf":1791211750}"#,
    ])
    func `tokens of servers, users and calls are right`(claims: String) throws {
        #expect(try code(token(claims)) == nil)
        #expect(try code("Bearer " + token(claims)) == nil)
    }

    @Test(arguments: [
        (#"{"exp":1791211748}"#, RejectionCode.tokenExpired), (#"{"exp":"1791211800"}"#, .tokenMalformed),
        (#"{"exp":null}"#, .tokenMalformed), (#"{"exp":-1}"#, .tokenMalformed),
        (#"{"nbf":1791211760}"#, .timestampOutsideTolerance), (#"{"nbf":true}"#, .tokenMalformed),
        (#"{"iat":1791211760}"#, .timestampOutsideTolerance), (#"{"iat":"now"}"#, .tokenMalformed),
        (#"{"user_id":"jane"}"#, .tokenNotAllowed), (#"{"user_id":7}"#, .tokenMalformed),
        (#"{"user_id":""}"#, .tokenMalformed), (#"{"call_cids":[]}"#, .tokenNotAllowed),
        (#"{"call_cids":["livestream:room"]}"#, .tokenNotAllowed),
        (#"{"call_cids":"livestream:room 42"}"#, .tokenNotAllowed), ("[]", .tokenMalformed), ("", .tokenMalformed),
    ])
    func `claims that do not hold are refused`(claims: String, expected: RejectionCode) throws {
        #expect(try code(token(claims)) == expected)
    }

    @Test(arguments: [
        #"{"alg":"none"}"#, #"{"alg":"None"}"#, #"{"alg":"RS256"}"#, #"{"alg":"HS512"}"#, #"{"alg":"hs256"}"#,
        #"{"typ":"JWT"}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256","crit":["b64"],"b64":false}"#,
        #"{"alg":"HS256","\u0063rit":["b64"]}"#, "[]", "",
    ])
    func `a header that asks for anything but HS256 is refused`(header: String) throws {
        #expect(try code(token("{}", header: header)) == .tokenMalformed)
        let unsigned = base64(Array(header.utf8)) + ".e30."
        #expect(try code(unsigned) == .tokenMalformed)
    }

    @Test func `a token that was changed, cut, spelled otherwise or signed by others is refused`() throws {
        let right = token("{}")
        let parts = right.split(separator: ".").map(String.init)
        #expect(try code(token("{}", secret: Array("another".utf8))) == .signatureMismatch)
        #expect(
            try code(parts[0] + "." + base64(Array(#"{"user_id":"john"}"#.utf8)) + "." + parts[2]) == .signatureMismatch
        )
        #expect(try code(parts[0] + ".e30.") == .signatureMismatch)
        #expect(try code(String(right.dropLast())) == .signatureMismatch)
        #expect(try code(right + "=") == .signatureMismatch)
        #expect(try code(parts[0] + ".e30=." + parts[2]) == .tokenMalformed)
        #expect(try code(parts[0] + ".e30") == .tokenMalformed)
        #expect(try code(right + ".") == .tokenMalformed)
        #expect(try code("") == .tokenMissing)
    }

    @Test func `every secret of the app that api_key names counts, and those of others do not`() throws {
        let before = Array("the one before it, as long as it".utf8)
        #expect(try code(token("{}", secret: before)) == nil)
        #expect(try code(token("{}"), query: "api_key=other") == .keyUnknown)
        #expect(try code(token("{}"), query: "") == .keyMissing)
        #expect(try code(token("{}"), query: "a=1&api_key=key%31%323") == nil)
    }

    @Test(arguments: [
        (#"{"user_id":"jane"}"#, RejectionCode.tokenNotAllowed as RejectionCode?),
        (#"{"user":{"id":"jane"}}"#, .tokenNotAllowed), (#"{"user_id":"john","user_id":"jane"}"#, .tokenNotAllowed),
        (#"{"user_id":1}"#, .tokenNotAllowed), (#"{"user":null,"user_id":null}"#, nil), ("{}", nil),
        (#"{"user":{"id":"john"}}"#, nil), ("[]", .bodyNotObject), ("{", .bodyNotJSON),
    ])
    func `a user's token speaks for that user alone`(body: String, expected: RejectionCode?) throws {
        #expect(try code(token(#"{"user_id":"john"}"#), body: body) == expected)
    }
}
