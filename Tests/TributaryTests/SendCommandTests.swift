import ArgumentParser
import Executable
import JSON
import PipelineConfiguration
import Testing
import WebhookSamples

@testable import Tributary

/// `tributary send`: what it would send where.
@Suite struct SendCommandTests {
    let folder: CommandFolder

    init() throws {
        folder = try CommandFolder()
    }

    private func plan(_ arguments: [String]) throws -> SampleSender.Plan {
        let config = try folder.file(
            "tributary.yaml",
            """
            ingress: { listen: "127.0.0.1:18099", max_body_bytes: 4096 }
            sources:
              - { name: calls, provider: stream, secrets: [{ id: key, value: "literal:first" }] }
              - { name: open, provider: superviz, verification: none }
              - name: rooms
                provider: superviz
                secrets: [{ value: "literal:a secret" }]
                verification: { scheme: query, name: token }
              - name: billing
                provider: generic
                secrets: [{ value: "literal:a long shared secret" }]
                verification: { scheme: header, name: X-Token }
            """)
        return try SendCommand.parse(arguments).makePlan(TributaryConfiguration.load(config))
    }

    private func webhook(_ plan: SampleSender.Plan, _ type: String) throws -> SampleWebhook {
        switch plan.contents {
        case .samples(let choice, let headers):
            try SampleWebhook.make(choice, type: type, headers: headers, signer: plan.signer)
        case .body(let body, let name, let headers, let contentType):
            SampleWebhook.make(
                body: body, named: name, headers: headers, contentType: contentType, signer: plan.signer)
        }
    }

    @Test func `a token in the query goes onto the request line and into no report`() throws {
        let plan = try plan(["--source", "rooms", "--type", "tick"])
        #expect(plan.target(of: try webhook(plan, "tick")) == "/in/rooms?token=a%20secret")
        #expect(!plan.shownURL.contains("secret"))
        #expect(plan.types == ["tick"])
    }

    @Test func `a body of one's own is signed for its source`() throws {
        let file = try folder.file("invoice.json", "{\"kind\":\"paid\"}")
        let plan = try plan(["--source", "billing", "--body", file, "--header", "X-Trace: 7"])
        let webhook = try webhook(plan, "body")
        #expect(webhook.body == Array("{\"kind\":\"paid\"}".utf8))
        let fields = Dictionary(webhook.headers.map { ($0.name.lowercased(), $0.value) }) { $1 }
        #expect(fields["x-token"] == "a long shared secret")
        #expect(fields["x-trace"] == "7")
        #expect(fields["content-type"] == "application/json")
        #expect(throws: StageFailure.self) { try self.plan(["--source", "billing", "--all"]) }
        #expect(throws: StageFailure.self) {
            try self.plan(["--source", "billing", "--body", file, "--header", "X: a\r\nY: b"])
        }
    }

    @Test func `what proves nothing cannot be forged`() throws {
        #expect(try plan(["--source", "open", "--all"]).types == SuperVizSamples.types)
        let failure = #expect(throws: StageFailure.self) { try plan(["--source", "open", "--all", "--forge"]) }
        #expect(failure?.sentence.contains("nothing can be forged") ?? false)
    }

    @Test func `without a configuration everything comes from the command line`() throws {
        let secret = "file:" + (try folder.file("secret", "a shared word\n"))
        let arguments = ["--provider", "eyeson-streamrec", "--all", "--url", "http://192.0.2.10:8080/in/rec"]
        let plain = try SendCommand.parse(arguments).makeDetachedPlan()
        #expect(plain.url.text == "http://192.0.2.10:8080/in/rec")
        let token = try SendCommand.parse(arguments + ["--secret", secret, "--verification", "path-token"])
            .makeDetachedPlan()
        #expect(token.url.target == "/in/rec/a%20shared%20word")
        #expect(token.shownURL == "http://192.0.2.10:8080/in/rec/…")
        #expect(throws: StageFailure.self) {
            try SendCommand.parse(arguments + ["--secret", "hunter2"]).makeDetachedPlan()
        }
        #expect(throws: StageFailure.self) {
            try SendCommand.parse(["--provider", "mux", "--all", "--url", "http://h/"]).makeDetachedPlan()
        }
    }

    @Test func `the list shows sources with every type`() {
        let sources = [
            SampleList.Source(name: "rooms", provider: "fishjam"),
            SampleList.Source(name: "billing", provider: "generic"),
            SampleList.Source(name: "live", provider: "superviz"),
        ]
        let text = SampleList.text(sources)
        #expect(text.contains("rooms    fishjam   recording_status_changed"))
        #expect(text.contains("billing  generic   (your own: --body FILE)"))
        #expect(text.contains("live     superviz  (any other name)"))
        #expect(SampleList.json(sources).text.contains(#""source":"billing","provider":"generic","types":[]"#))
    }

    @Test func `header fields are read as people write them`() throws {
        let file = try HeaderText.fields("POST /in/a?b=c HTTP/1.1\r\nHost: h\r\nX-A:  b: c \r\n\r\n")
        #expect(file.target == "/in/a?b=c")
        #expect(file.fields.map(\.name) == ["Host", "X-A"])
        #expect(file.fields.map(\.value) == ["h", "b: c"])
        for text in ["", ":", ": x", "no colon", "a b: c", "a: b\u{0}", "a: b\nc: d"] {
            #expect(throws: StageFailure.self, "\(text)") { try HeaderText.field(text) }
        }
    }
}
