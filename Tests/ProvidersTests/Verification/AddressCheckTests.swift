import Events
import Testing
import WebhookSamples
import Wire

@testable import Verification
@testable import VerificationSchemes

struct AddressCheckTests {
    private func outcome(_ addresses: [String], from peer: String?, tokens: SourceKeys? = nil) throws
        -> VerificationOutcome
    {
        var verification = SourceVerification(source: "s", scheme: .none)
        verification.addresses = addresses
        verification.pathTokens = tokens
        let fields = peer.map { [(name: RequestHead.peer, value: $0)] } ?? []
        let request = SignedRequest(fields: fields, query: "", pathToken: nil)
        return try SignedVector(verification, request, body: [1], atNanoseconds: 1).outcome()
    }

    @Test func `a source with networks takes webhooks from nowhere else`() throws {
        let networks = ["203.0.113.0/24", "2001:db8::/32"]
        #expect(try outcome(networks, from: "203.0.113.9") == .verified(keyID: "203.0.113.0/24"))
        #expect(try outcome(networks, from: "::ffff:203.0.113.9") == .verified(keyID: "203.0.113.0/24"))
        #expect(try outcome(networks, from: "2001:db8::1") == .verified(keyID: "2001:db8::/32"))
        for peer in ["203.0.114.1", "::1", "", nil, "unix"] {
            guard case .refused(let code, _) = try outcome(networks, from: peer) else {
                Issue.record("\(peer ?? "nobody") was let in")
                continue
            }
            #expect(code == .addressNotAllowed && code.httpStatus == 403)
        }
        // What is written wrong lets nobody in.
        guard case .refused = try outcome(["203.0.113.1/24"], from: "203.0.113.1") else {
            Issue.record("a wrong network let somebody in")
            return
        }
    }

    @Test func `address and path token must both be right, and the token names the proof`() throws {
        let tokens = SourceKeys([SourceKey(id: "t", bytes: Array("secret".utf8))])
        guard case .refused(.tokenMissing, _) = try outcome(["::/0"], from: "1.2.3.4", tokens: tokens) else {
            Issue.record("no token was asked for")
            return
        }
        guard case .refused(.addressNotAllowed, _) = try outcome(["::1"], from: "1.2.3.4", tokens: tokens) else {
            Issue.record("the address was not looked at")
            return
        }
    }
}
