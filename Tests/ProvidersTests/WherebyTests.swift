import Events
import Testing
import VerificationSchemes

@testable import Providers
@testable import Verification

struct WherebyTests {
    private let joined = """
        {"id":"d7c4df48","apiVersion":"1.0","createdAt":"2026-10-05T14:49:14.681Z","type":"room.client.joined",\
        "data":{"meetingId":"134","roomName":"/af0b7b66","participantId":"p-1","roleName":"host"}}
        """

    @Test func `who joins is a participant of a meeting`() throws {
        let attributes = try Normalised(WherebyProvider.self, joined).attributes()
        #expect(attributes["type"] == "dev.tributary.participant.joined" && attributes["id"] == "d7c4df48")
        #expect(attributes["subject"] == "meetings/134/participants/p-1" && attributes["partitionkey"] == "134")
        #expect(attributes["time"] == "2026-10-05T14:49:14.681Z" && attributes["timesource"] == "provider")
    }

    @Test func `who knocks has no canonical type, but a meeting`() throws {
        let body = #"{"id":"e","type":"room.client.knocked","data":{"meetingId":"134","participantId":"p-1"}}"#
        let attributes = try Normalised(WherebyProvider.self, body).attributes()
        #expect(attributes["type"] == "dev.tributary.provider.unmapped" && attributes["subject"] == "meetings/134")
    }

    /// The signature is made with Python's `hmac` after Whereby's documented formula.
    @Test func `the documented signature is verified`() throws {
        guard case .always(let scheme) = WherebyProvider.signing else {
            Issue.record("Whereby's webhooks are always signed")
            return
        }
        let keys = try SourceKeyring.keys(
            [SourceSecret(value: Array("whereby_test_secret".utf8))], for: scheme, provider: WherebyProvider.name)
        let verification = SourceVerification(source: "s", scheme: scheme, keys: keys)
        let signature = "t=1791211754,v1=398198e92946c8272ca15536206659aa7d797927317c2a6f262564b6b7e66aa4"
        let request = SignedRequest(fields: [("whereby-signature", signature)], query: "", pathToken: nil)
        let vector = SignedVector(
            verification, request, body: Array(joined.utf8), atNanoseconds: 1_791_211_764 * SignedVector.second)
        #expect(try vector.isVerified())
        #expect(try !vector.with { $0.body[0] ^= 1 }.isVerified())
        #expect(try !vector.with { $0.receivedAtNanoseconds += 301 * SignedVector.second }.isVerified())
    }
}
