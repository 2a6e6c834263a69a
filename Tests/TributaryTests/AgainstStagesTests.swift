import AdminServer
import ArgumentParser
import Executable
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics
import Synchronization
import Testing
import WebhookSamples

@testable import Tributary

/// The commands against admin endpoints that answer like stages.
@Suite struct AgainstStagesTests {
    let folder = "/tmp/tributary-cli-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let registry = MetricRegistry(stage: "s", instance: "s-0", version: "1")

    init() throws {
        try #require(mkdir(folder, 0o700) == 0)
    }

    private func configuration() throws -> TributaryConfiguration {
        let yaml = """
            run_dir: .
            ingress: { listen: "127.0.0.1:18099" }
            sources:
              - { name: one, provider: stream, secrets: [{ id: key, value: "literal:secret" }] }
              - { name: two, provider: stream, secrets: [{ id: other, value: "literal:b" }], path_token: "literal:t/x" }
            """
        return try TributaryConfiguration.decode(yaml, file: "\(folder)/t.yaml")
    }

    private func endpoint(_ instance: String, _ routes: [AdminRoute]) throws -> AdminEndpoint {
        try AdminEndpoint(
            socketPath: "\(folder)/\(instance).admin", metricsListen: nil, registry: registry, readiness: { [] },
            routes: routes)
    }

    @Test func `a stage that does not run is status 69 and says how to start it`() throws {
        let router = StageClient.router(try configuration())
        let failure = #expect(throws: StageFailure.self) { try router.ask("GET", "/v1/events") }
        #expect(failure?.status == .unavailable)
        #expect(failure?.sentence.contains("scripts/supervisor up") ?? false)
    }

    @Test func `a refusal shows the stage's own sentence`() throws {
        let router = try endpoint(
            "fanout-router-0",
            [AdminRoute(method: "GET", pathPrefix: "/v1/events") { _ in .error(404, "not_found", "no event 7") }])
        defer { router.close() }
        let client = StageClient.router(try configuration())
        let failure = #expect(throws: StageFailure.self) { try client.ask("GET", "/v1/events/7") }
        #expect(failure?.sentence == "fanout-router-0 refuses with 404: no event 7")
        #expect(failure?.status == .failure)
    }

    @Test func `sending counts answers and keeps the ids`() throws {
        let ids = Mutex<[String]>([])
        let listen = ListenAddress(host: "127.0.0.1", port: 0)
        let ingress = try AdminEndpoint(
            socketPath: "\(folder)/x", metricsListen: listen, registry: registry, readiness: { [] })
        defer { ingress.close() }
        let port = try #require(ingress.metricsPort)
        // The metrics port refuses every webhook, which is an answer all the same.
        let choice = try SampleChoice.make("fastpix", "all", batch: nil)
        let plan = SampleSender.Plan(
            contents: .samples(choice, headers: []),
            signer: try Signers.signer("fastpix", id: "0", secret: SampleLibrary.fastPixSecret), rounds: 2, rate: nil,
            connections: 3, url: try EndpointURL("http://127.0.0.1:\(port)/in/fastpix"), shownURL: "shown")
        let outcomes = SampleSender(plan: plan).send()
        ids.withLock { $0 = outcomes.map(\.id) }
        #expect(outcomes.count == 2 * choice.types.count)
        #expect(Set(ids.withLock { $0 }).count == outcomes.count)
        let report = SendReport(url: plan.shownURL, outcomes: outcomes, elapsedSeconds: 1)
        let status = try #require(report.statuses.first?.status)
        #expect(report.statuses.count == 1 && (400..<500).contains(status))
        #expect(report.json.text.contains("\"statuses\":{\"\(status)\":\(outcomes.count)}"))
        #expect(report.text.contains("… and \(outcomes.count - 20) more"))
    }

    @Test func `the plan takes source, secret, token and address from the configuration`() throws {
        let configuration = try configuration()
        let first = try SendCommand.parse(["stream", "custom"]).makePlan(configuration)
        #expect(first.url.text == "http://127.0.0.1:18099/in/one")
        #expect(first.signer.keyID == "key")
        #expect(first.types == ["custom"])
        let second = try SendCommand.parse(["stream", "all", "--source", "two"]).makePlan(configuration)
        #expect(second.url.target == "/in/two/t%2Fx")
        #expect(second.shownURL == "http://127.0.0.1:18099/in/two/…")
        #expect(second.types.count == 63)
        let to = try SendCommand.parse(["stream", "custom", "--to", "http://h:1/"]).makePlan(configuration)
        #expect(to.url.text == "http://h:1/in/one")
        let full = try SendCommand.parse(["stream", "custom", "--to", "http://h:1/x"]).makePlan(configuration)
        #expect(full.url.text == "http://h:1/x")
        #expect(throws: StageFailure.self) {
            try SendCommand.parse(["fastpix", "all"]).makePlan(configuration)
        }
        #expect(throws: StageFailure.self) {
            try SendCommand.parse(["stream", "all", "--source", "three"]).makePlan(configuration)
        }
    }

    @Test func `a secret that its provider cannot use is refused with the source's name`() throws {
        let yaml = """
            sources: [{ name: plain, provider: fastpix, secrets: [{ value: "literal:no base64" }] }]
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "\(folder)/t.yaml")
        let failure = #expect(throws: StageFailure.self) {
            try SendCommand.parse(["fastpix", "all"]).makePlan(configuration)
        }
        #expect(failure?.status == .configuration)
        #expect(failure?.sentence.hasPrefix("source plain, secrets: secret 0 is not base64") ?? false)
    }

    @Test func `wrong usage is refused before anything is done`() {
        for arguments in [
            ["zom", "all"], ["stream", "cal.created"], ["stream", "all", "--times", "0"], ["generic", "all"],
            ["stream"], [], ["stream", "all", "--all"], ["stream", "all", "--batch", "2"],
            ["superviz", "x", "--batch", "1001"],
            ["--provider", "mux", "--all"], ["--source", "one", "--provider", "mux", "--all", "--url", "http://h/"],
            ["stream", "all", "--secret", "env:X"],
        ] {
            #expect(throws: (any Error).self, "\(arguments)") { try SendCommand.parse(arguments) }
        }
        #expect(throws: (any Error).self) { try QuarantineReplay.parse([]) }
    }

    @Test func `the configuration as JSON names each stage's variables and no secret`() throws {
        let json = try configuration().jsonWithEnvironment.json.text
        let read = try #require(JSONValue.read(Array(json.utf8)))
        #expect(read["ingress"]["listen"] == .string("127.0.0.1:18099"))
        #expect(read["environment"]["verifier"] == .array([]))
        #expect(!json.contains("literal:secret"))
    }
}
