import Events
import Foundation
import Testing
import WebhookSamples

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct ZoomChallengeTests {
    private let secret = SourceSecret(value: Array("zoom_test_secret_token".utf8))
    private let now: Int64 = 1_791_211_754 * SignedVector.second
    private let published = Array(
        #"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680}"#
            .utf8)

    private func verification(_ secrets: [SourceSecret]? = nil) throws -> SourceVerification {
        let keys = try SourceKeyring.keys(secrets ?? [secret], for: SchemePresets.zoom, provider: "zoom")
        return SourceVerification(source: "s", scheme: SchemePresets.zoom, keys: keys)
    }

    private func unsigned(_ body: [UInt8]) throws -> SignedVector {
        let request = SignedRequest(fields: [], query: "", pathToken: nil)
        return SignedVector(try verification(), request, body: body, atNanoseconds: now)
    }

    private func signed(_ body: [UInt8]) throws -> SignedVector {
        let verification = try verification()
        let request = SourceSigner.fields(
            for: body, verification: verification, key: verification.keys.keys[0], webhookID: "w", atNanoseconds: now)
        return SignedVector(verification, request, body: body, atNanoseconds: now)
    }

    private func reply(_ vector: SignedVector) throws -> [String: String]? {
        guard case .answered(let reply) = try vector.outcome() else { return nil }
        #expect(reply.count <= 4096)
        return try JSONDecoder().decode([String: String].self, from: Data(reply))
    }

    @Test func `the published challenge gets the published answer`() throws {
        let expected = [
            "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
            "encryptedToken": "8d4dd13bef79e3935d4da689b9e1bb2f36cd7182ef1655edf4b46b51d8119c93",
        ]
        #expect(try reply(unsigned(published)) == expected)
        #expect(try reply(signed(published)) == expected)
    }

    @Test func `a signature that is there must be right`() throws {
        let genuine = try signed(published)
        #expect(
            try genuine.with { $0.receivedAtNanoseconds += 301 * SignedVector.second }.code()
                == .timestampOutsideTolerance)
        for place in genuine.fields.indices {
            #expect(try genuine.with { $0.fields[place].value += "0" }.code() != nil)
        }
        let stranger = genuine.with { $0.verification.keys = SourceKeys([SourceKey(id: "0", bytes: [1])]) }
        #expect(try stranger.code() == .signatureMismatch)
    }

    @Test func `nothing is signed that a webhook could be made of`() throws {
        for token in [
            "", "v0:1:x", "a b", "a.b", "ü", "a\\u003Ab", "a\\nb", String(repeating: "a", count: 65), "a+b", "a/b",
            "a=",
        ] {
            let body = Array(#"{"event":"endpoint.url_validation","payload":{"plainToken":"\#(token)"}}"#.utf8)
            #expect(try unsigned(body).code() == .tokenMalformed, "\(token)")
            #expect(try signed(body).code() == .tokenMalformed, "\(token)")
        }
        for payload in ["{}", "null", "[]", #"{"plainToken":1}"#, #"{"plainToken":["a"]}"#] {
            let body = Array(#"{"event":"endpoint.url_validation","payload":\#(payload)}"#.utf8)
            #expect(try unsigned(body).code() == .tokenMalformed, "\(payload)")
        }
        let longest = String(repeating: "a", count: 64)
        let body = Array(#"{"event":"endpoint.url_validation","payload":{"plainToken":"\#(longest)"}}"#.utf8)
        #expect(try reply(unsigned(body))?["plainToken"] == longest)
    }

    @Test func `everything else needs its signature`() throws {
        for body in [
            #"{"event":"endpoint.url_validation2","payload":{"plainToken":"a"}}"#,
            #"{"event":"meeting.started","payload":{"plainToken":"a"}}"#, "{}", "", "[]", "x",
            #"{"event":"endpoint.url_validation","payload":{"plainToken":"a"}"#,
            #"{"event":"endpoint.url_validation","payload":{"plainToken":"a"},"x":"\#(String(repeating: "x", count: 2048))"}"#,
        ] {
            #expect(try unsigned(Array(body.utf8)).code() == .signatureMissing)
            #expect(try signed(Array(body.utf8)).outcome() == .verified(keyID: "0"))
        }
    }

    @Test func `the answer is made with a key that counts`() throws {
        let next = SourceSecret(
            id: "next", value: Array("next".utf8), validity: KeyValidity(notBeforeNanoseconds: now + 1))
        let former = SourceSecret(
            id: "former", value: Array("former".utf8), validity: KeyValidity(notAfterNanoseconds: now))
        let all = try verification([next, former, secret])
        let changed = try unsigned(published).with { $0.verification = all }
        #expect(
            try reply(changed)?["encryptedToken"] == "8d4dd13bef79e3935d4da689b9e1bb2f36cd7182ef1655edf4b46b51d8119c93")
        let late = try verification([next, former])
        #expect(try unsigned(published).with { $0.verification = late }.code() == .keyUnknown)
    }
}
