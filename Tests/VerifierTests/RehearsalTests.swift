import AdminServer
import Events
import Executable
import JSON
import PipelineConfiguration
import StageProcess
import Testing
import VerificationSchemes
import Wire

@testable import Verifier

@Suite struct RehearsalTests {
    private func verifications(_ token: String) throws -> [SourceVerification] {
        let yaml = "sources: [{ name: rooms, provider: fishjam, path_token: \"literal:\(token)\" }]"
        return try TributaryConfiguration.decode(yaml, file: "/t.yaml").sources.map { source in
            try source.verification(publicURL: "") { reference throws(StageFailure) in
                do throws(SecretError) { return try reference.resolve() } catch {
                    throw StageFailure(.configuration, error.sentence)
                }
            }
        }
    }

    private func answers(_ rehearsal: Rehearsal, _ webhooks: [String]) throws -> [String] {
        let body = "{\"webhooks\":[\(webhooks.joined(separator: ","))]}"
        let reply = rehearsal.rehearse(AdminRequest(method: "POST", path: "/rehearse", body: Array(body.utf8)))
        #expect(reply.status == 200)
        return try #require(JSONValue.read(reply.body))["answers"].elements.map(\.json.text)
    }

    private func webhook(token: String, receivedAt: Int64 = .max, source: String = "rooms") -> String {
        """
        {"source":"\(source)","received_at_ns":\(receivedAt),"head":[[":token","\(token)"]],"body_base64":"e30=",\
        "replay_of":{"journal":"\(JournalID(high: 1, low: 2))","sequence":7},"elements":null}
        """
    }

    @Test func `a rehearsal is judged by the keys in use, in order`() throws {
        let box = VersionedBox(try verifications("aaaaaaaaaaaaaaaa"))
        let rehearsal = Rehearsal(box, maxBodyBytes: 1 << 20)
        let said = try answers(
            rehearsal,
            [webhook(token: "aaaaaaaaaaaaaaaa"), webhook(token: "wrong"), webhook(token: "x", source: "nobody")])
        #expect(said[0].hasPrefix(#"{"verified":true,"scheme":"path-token","key":""#))
        #expect(said[1].hasPrefix(#"{"verified":false,"code":"token_mismatch","detail":""#))
        #expect(said[2].hasPrefix(#"{"verified":false,"code":"source_unknown","detail":""#))
        #expect(!said.joined().contains("aaaaaaaa"))
    }

    @Test func `after a reload the new keys count, and the former ones for what came in before`() throws {
        let box = VersionedBox(try verifications("aaaaaaaaaaaaaaaa"))
        let rehearsal = Rehearsal(box, maxBodyBytes: 1 << 20)
        box.replace(try verifications("bbbbbbbbbbbbbbbb"))
        rehearsal.reload()
        let said = try answers(
            rehearsal,
            [
                webhook(token: "bbbbbbbbbbbbbbbb"), webhook(token: "aaaaaaaaaaaaaaaa"),
                webhook(token: "aaaaaaaaaaaaaaaa", receivedAt: 1),
            ])
        #expect(said.map { $0.hasPrefix(#"{"verified":true"#) } == [true, false, true])
    }

    @Test func `what is no replay is refused`() {
        let rehearsal = Rehearsal(VersionedBox([]), maxBodyBytes: 1 << 20)
        for body in ["", "{}", #"{"webhooks":[]}"#, #"{"webhooks":[{"source":"rooms"}]}"#] {
            let reply = rehearsal.rehearse(AdminRequest(method: "POST", path: "/rehearse", body: Array(body.utf8)))
            #expect(reply.status == 400, "\(body)")
        }
    }
}
