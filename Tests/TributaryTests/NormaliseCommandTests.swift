import ArgumentParser
import Events
import Executable
import JSON
import Normalisation
import PipelineConfiguration
import Providers
import Testing
import VerificationSchemes
import WebhookSamples
import Wire

@testable import Tributary

/// `tributary normalise`, called as the command line would call it, and the pipeline beneath it.
@Suite struct NormaliseCommandTests {
    let folder: CommandFolder

    init() throws {
        folder = try CommandFolder()
    }

    private func outcome(_ arguments: [String], _ body: [UInt8]) throws -> LocalOutcome {
        let file = try folder.file("body", body)
        return try NormaliseCommand.parse(arguments + ["--body", file]).outcome()
    }

    private func event(_ outcome: LocalOutcome, _ place: Int = 0) throws -> JSONValue {
        try #require(JSON.JSONValue.read(Array(outcome.events[place].utf8)))
    }

    @Test func `a webhook is shown as the event that the router would send`() throws {
        let body = Array(
            #"{"type":"call.ended","created_at":"2026-10-05T14:49:14.142187951Z","call_cid":"default:42"}"#.utf8)
        let arguments = ["--provider", "stream", "--header", "X-WEBHOOK-ID: w-7", "--at", "2026-10-05T14:50:00Z"]
        let plain = try outcome(arguments + ["--source-name", "calls"], body)
        let event = try event(plain)
        #expect(plain.events.count == 1)
        #expect(event["specversion"].text == "1.0")
        #expect(event["id"].text == "w-7")
        #expect(event["source"].text == "/sources/calls")
        #expect(event["type"].text == "dev.tributary.room.ended")
        #expect(event["subject"].text == "calls/default:42")
        #expect(event["recordedtime"].text.hasPrefix("2026-10-05T14:50:00"))
        #expect(event["sequence"].text == String(repeating: "0", count: 20))
        #expect(event["data"]["call_cid"].text == "default:42")
        #expect(NormaliseCommand.remarks(plain).isEmpty)
        let compressed = try outcome(arguments + ["--source-name", "calls"], Gzip.compress(body))
        #expect(compressed.events == plain.events)
    }

    @Test func `refused elements are named and the others are shown`() throws {
        let body = """
            [{"roomId":"r","channel":"c","event":"a","date":"2024-05-17T20:56:59.006Z","data":{}},7,\
            {"roomId":"r","channel":"c","event":"b","date":"2024-05-17T20:56:59.006Z","data":{}}]
            """
        let outcome = try outcome(["--provider", "superviz"], Array(body.utf8))
        #expect(outcome.events.count == 2)
        #expect(outcome.elementRefusals.map(\.element) == [1])
        #expect(outcome.refusal == nil)
        #expect(NormaliseCommand.remarks(outcome).hasPrefix("tributary: element 1: element_not_object"))
    }

    @Test func `what is refused as a whole is said with its code`() throws {
        let outcome = try outcome(["--provider", "fastpix"], Array("{\"type\":".utf8))
        #expect(outcome.refusal?.code == .bodyNotJSON)
        #expect(outcome.events.isEmpty)
        #expect(NormaliseCommand.remarks(outcome).hasPrefix("tributary: refused: body_not_json"))
        let damaged = try self.outcome(["--provider", "stream"], Array(Gzip.compress([1, 2, 3]).dropLast(4)))
        #expect(damaged.refusal?.code == .bodyNotInflatable)
        let probe = try self.outcome(["--provider", "fastpix"], Array("{}".utf8))
        #expect(probe.isProbe)
        #expect(NormaliseCommand.remarks(probe).contains("a probe"))
    }

    @Test func `bytes that are no text come through`() throws {
        let body = try #require(FishjamSamples.body(of: "peer_crashed"))
        let event = try event(outcome(["--provider", "fishjam"], body))
        #expect(event["type"].text == "dev.tributary.participant.crashed")
        #expect(event["data"]["peerCrashed"]["reason"].text == "internal error")
    }

    @Test func `a generic provider is mapped by a file, whose errors name its own lines`() throws {
        let mapping = try folder.file(
            "mapping.yaml",
            """
            type: /kind
            id: /id
            subject: "invoices/{/invoice/id}"
            key: /invoice/id
            types: { paid: custom.event }
            """)
        let body = Array(#"{"kind":"paid","id":"e-1","invoice":{"id":"i-9"}}"#.utf8)
        let event = try event(outcome(["--provider", "generic", "--mapping", mapping], body))
        #expect(event["id"].text == "e-1")
        #expect(event["subject"].text == "invoices/i-9")
        #expect(event["type"].text == "dev.tributary.custom.event")
        let wrong = try folder.file("wrong.yaml", "type: /kind\nsubjekt: \"x\"\n")
        let failure = #expect(throws: StageFailure.self) {
            try outcome(["--provider", "generic", "--mapping", wrong], body)
        }
        #expect(failure?.status == .configuration)
        #expect(failure?.sentence.contains("wrong.yaml:2: mapping.subjekt: ") ?? false, "\(failure?.sentence ?? "")")
    }

    @Test func `a source of the configuration brings its mapping along`() throws {
        let config = try folder.file(
            "tributary.yaml",
            """
            sources:
              - name: billing
                provider: generic
                verification: none
                mapping: { type: /kind, id: /id }
            """)
        let event = try event(
            outcome(["--source", "billing", "--config", config], Array(#"{"kind":"x","id":"e-2"}"#.utf8)))
        #expect(event["id"].text == "e-2")
        #expect(event["source"].text == "/sources/billing")
        #expect(event["providertype"].text == "x")
    }

    @Test func `names are needed, and only one`() throws {
        for arguments in [[], ["--provider", "stream", "--source", "a"], ["--source", "a", "--mapping", "f"]] {
            #expect(throws: (any Error).self, "\(arguments)") { try NormaliseCommand.parse(arguments) }
        }
        let failure = #expect(throws: StageFailure.self) { try outcome(["--provider", "strem"], []) }
        #expect(failure?.sentence.hasPrefix("provider_unknown: ") ?? false)
        let large = #expect(throws: StageFailure.self) {
            try outcome(["--provider", "stream", "--max-body-bytes", "3"], [1, 2, 3, 4])
        }
        #expect(large?.sentence.hasPrefix("body_too_large: ") ?? false)
    }

    @Test func `the pipeline of a configuration verifies and normalises as the stages do`() throws {
        let yaml = """
            sources:
              - { name: calls, provider: stream, secrets: [{ id: key, value: "literal:first" }] }
              - { name: rooms, provider: fishjam, path_token: "env:TRIBUTARY_NO_SUCH_VARIABLE" }
              - { name: meetings, provider: zoom, secrets: [{ value: "literal:zoom_test_secret_token" }] }
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/t.yaml")
        #expect(throws: StageFailure.self) { try LocalPipeline(configuration: configuration) }
        let pipeline = try LocalPipeline(configuration: configuration, only: ["calls", "meetings"])
        let choice = try SampleChoice.make("stream", "custom", batch: nil)
        let webhook = try SampleWebhook.make(
            choice, type: "custom", signer: Signers.signer("stream", id: "key", secret: Array("first".utf8)))
        let head = webhook.headers.map { ($0.name, $0.value) }
        let genuine = pipeline.run(source: "calls", head: head, body: webhook.body, receivedAtNanoseconds: 5)
        #expect(genuine.refusal == nil)
        #expect(genuine.verification == Verification(scheme: "stream", keyID: "key"))
        #expect(try event(genuine)["id"].text == webhook.id)
        let forged = pipeline.run(
            source: "calls", head: head, body: webhook.body + [0x20], receivedAtNanoseconds: 5)
        #expect(forged.refusal?.code == .signatureMismatch && forged.refusal?.stage == .verifier)
        #expect(forged.events.isEmpty && forged.verification == nil)
        let unknown = pipeline.run(source: "rooms", head: [], body: [], receivedAtNanoseconds: 5)
        #expect(unknown.refusal?.code == .sourceUnknown)
        let challenge = #"{"event":"endpoint.url_validation","payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#
        let answered = pipeline.run(source: "meetings", head: [], body: Array(challenge.utf8), receivedAtNanoseconds: 5)
        let reply = String(decoding: answered.answered ?? [], as: UTF8.self)
        #expect(reply.contains("8d4dd13bef79e3935d4da689b9e1bb2f36cd7182ef1655edf4b46b51d8119c93"))
        #expect(answered.events.isEmpty)
        let tooLong = [("x", String(repeating: "y", count: 65_536))]
        #expect(pipeline.run(source: "calls", head: tooLong, body: [], receivedAtNanoseconds: 5).refusal != nil)
    }

    @Test func `a replay of elements makes those alone, with the ids that they had`() throws {
        let body = Array(
            #"[{"channel":"c","event":"a","data":{}},{"channel":"c","event":"b","data":{}}]"#.utf8)
        let pipeline = LocalPipeline(sources: [
            "s": LocalPipeline.Source(
                try #require(ProviderRegistry.provider(named: "superviz")),
                SourceVerification(source: "s", scheme: .none), MappingOptions(), maxInflatedBytes: 1 << 20)
        ])
        var webhook = LocalRecord.Webhook(source: "s", head: [], body: body, receivedAtNanoseconds: 1)
        webhook.isReplay = true
        webhook.elements = [1]
        let outcome = pipeline.run(webhook, position: 41)
        #expect(outcome.events.count == 1)
        #expect(try event(outcome)["providertype"].text == "b")
        #expect(try event(outcome)["sequence"].text.hasSuffix("041"))
    }
}

extension LocalPipeline {
    /// The sources of a configuration, or those of them that are named; their secrets are resolved now.
    fileprivate init(configuration: TributaryConfiguration, only names: Set<String>? = nil) throws(StageFailure) {
        var sources: [String: Source] = [:]
        for source in configuration.sources where names?.contains(source.name) ?? true {
            let resolved = try ResolvedSource(source, configuration)
            sources[source.name] = Source(
                resolved.provider, resolved.verification, source.mapping,
                maxInflatedBytes: 2 * configuration.ingress.maxBodyBytes)
        }
        self.init(sources: sources)
    }

    func run(
        source: String, head: [(String, String)], body: [UInt8], receivedAtNanoseconds: Int64
    ) -> LocalOutcome {
        run(
            LocalRecord.Webhook(
                source: source, head: head.map { ($0.0, $0.1) }, body: body,
                receivedAtNanoseconds: receivedAtNanoseconds))
    }
}
