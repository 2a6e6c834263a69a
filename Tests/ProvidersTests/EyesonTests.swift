import Events
import Foundation
import JSON
import Testing
import WebhookSamples

@testable import Providers

struct EyesonTests {
    private func attributes(_ body: String) throws -> [String: String] {
        try Normalised(EyesonProvider.self, body).attributes()
    }

    @Test func `every recorded call-back has the golden attributes and its body as data`() throws {
        let golden = try #require(
            JSONSerialization.jsonObject(with: SampleLibrary.contents("golden-attributes.json")) as? [String: Any])
        let samples = try SampleLibrary.samples(of: "eyeson-streamrec")
        #expect(samples.count == golden.keys.count { $0.hasPrefix("eyeson-streamrec/") })
        for sample in samples {
            var expected = try #require(golden[sample.description] as? [String: String])
            if expected["time"] == "<ingest>" { expected["time"] = Normalised.receivedAtText }
            expected["datacontenttype"] = "application/json"
            let normalised = try Normalised(
                EyesonProvider.self, sample.body, fields: sample.fields, source: "eyeson")
            #expect(try normalised.attributes() == expected, "\(sample)")
            #expect(normalised.events[0].payload == sample.body && normalised.events[0].isWholeBody)
        }
    }

    @Test func `a supervisor's session has no message and no recording`() throws {
        let attributes = try attributes(
            """
            {"status":"supervisor_session_finished","supervisor_session_id":"s-1","supervisor_client_id":"sup-0",
             "agent_session_id":"a-1","agent_client_id":"client-7","started_at":"2026-10-05T13:00:00Z",
             "stopped_at":"2026-10-05T14:00:00.123456789Z"}
            """)
        #expect(attributes["type"] == "dev.tributary.session.finished")
        #expect(attributes["id"] == "supervisor_session_finished:s-1")
        #expect(attributes["subject"] == "supervisor_sessions/s-1" && attributes["partitionkey"] == "client-7")
        #expect(attributes["time"] == "2026-10-05T14:00:00.123456789Z" && attributes["timesource"] == "provider")
    }

    @Test func `the same call-back has the same id and another recording has another`() throws {
        let body = #"{"status":"upload_ready","rec_id":"r","client_id":"c"}"#
        let again = try Normalised(EyesonProvider.self, body, sequence: 9).attributes()
        #expect(try attributes(body)["id"] == "upload_ready:r" && again["id"] == "upload_ready:r")
        #expect(try attributes(#"{"status":"upload_failed","rec_id":"r"}"#)["id"] == "upload_failed:r")
    }

    @Test func `an id that lacks a part is generated instead`() throws {
        for body in [
            #"{"status":"upload_ready","client_id":"c"}"#, #"{"status":"upload_ready","rec_id":null}"#,
            #"{"status":"upload_failed","rec_id":""}"#, #"{"status":"session_finished","client_id":"c"}"#,
            #"{"status":"session_finished","started_at":"2026-10-05T13:59:58.000Z","rec_id":"r"}"#,
            #"{"status":"supervisor_session_finished","agent_client_id":"c"}"#,
        ] {
            let first = try attributes(body)["id"]
            #expect(first?.count == 36 && first?.contains(":") == false, "\(body)")
            #expect(try attributes(body)["id"] == first)
        }
    }

    @Test func `what is not said is left out`() throws {
        for (body, subject, key) in [
            (#"{"status":"upload_ready","client_id":"c"}"#, "clients/c", "c"),
            (#"{"status":"upload_ready","rec_id":"r"}"#, nil, nil),
            (#"{"status":"session_finished","client_id":"c","rec_id":""}"#, "clients/c", "c"),
            (#"{"status":"supervisor_session_finished","supervisor_session_id":"s"}"#, "supervisor_sessions/s", nil),
            (#"{"status":"upload_ready"}"#, nil, nil),
        ] as [(String, String?, String?)] {
            let attributes = try attributes(body)
            #expect(attributes["subject"] == subject && attributes["partitionkey"] == key, "\(body)")
            #expect(attributes["timesource"] == "ingest" && attributes["time"] == Normalised.receivedAtText)
        }
    }

    @Test func `sizes beyond 53 bits reach the subscriber as they were written`() throws {
        let body =
            #"{"status":"upload_ready","rec_id":"r","recording_file_size_bytes":9223372036854775807,"duration":1e400}"#
        #expect(try Normalised(EyesonProvider.self, body).payload == body)
    }

    @Test func `an unknown status is passed on as provider.unmapped, none at all is refused`() throws {
        let unknown = try attributes(#"{"status":"recording_paused","client_id":"c"}"#)
        #expect(unknown["type"] == "dev.tributary.provider.unmapped" && unknown["providertype"] == "recording_paused")
        #expect(unknown["subject"] == "clients/c" && unknown["partitionkey"] == "c")
        for body in [
            #"{"rec_id":"r"}"#, #"{"status":7}"#, #"{"status":null}"#, #"{"status":""}"#, #"{"status":["x"]}"#,
        ] {
            #expect(try Normalised(EyesonProvider.self, body).code == .typeMissing, "\(body)")
        }
        #expect(try Normalised(EyesonProvider.self, "[]").code == .bodyNotObject)
        #expect(try Normalised(EyesonProvider.self, "{").code == .bodyNotJSON)
    }
}
