import Glibc
import Testing

extension EndToEnd {
    @Suite struct Reload {
        private static let extraSource = """
              - name: extra
                provider: stream
                secrets: [{ id: \(SignedWebhook.streamKey), value: "literal:another secret" }]
            subscriptions:
            """

        @Test func `a reload under load adds a source and a subscription, changes another and loses nothing`() throws {
            var settings = PipelineSettings(subscriptions: 1)
            settings.furtherSubscriptions = 1
            try Pipeline.with(settings) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 300)
                load.start()
                try waitUntil("the load has begun") { pipeline.subscriber.distinct(0) > 200 }
                let before = pipeline.processes().map(\.pid).sorted()
                let text = Files.text(pipeline.configuration)
                try Files.write(
                    text.replacing("subscriptions:\n", with: Self.extraSource + "\n").replacing(
                        "timeout: 10s }", with: "timeout: 10s }\n    concurrency: 7") + added(pipeline),
                    to: pipeline.configuration)
                let said = try pipeline.supervisor("reload")
                #expect(said.contains("extra") && said.contains("added") && said.contains("concurrency"), "\(said)")
                try waitUntil("the new source is taken in") {
                    let request = SignedWebhook.stream(900_000, secret: "another secret", source: "extra")
                    return try HTTPClient(port: pipeline.port).exchange(request).status == 202
                }
                try waitUntil("the new subscription gets events, of the new source too") {
                    pipeline.subscriber.distinct(1) > 200
                        && pipeline.subscriber.ledger(1).counts[900_000] != nil
                }
                let shown = try pipeline.api("GET", "/subscriptions/subscriber-0")
                #expect(shown["concurrency"] as? Int == 7)
                #expect(pipeline.processes().map(\.pid).sorted() == before, "nothing of this needs a restart")
                load.stop()
                let sent = load.wait()
                report("reload: \(Promises.describe(sent))")
                #expect(sent.allSatisfy { $0.isAccepted })
                let numbers = sent.map(\.number)
                try waitUntil("everything is delivered") {
                    let counts = pipeline.subscriber.ledger(0).counts
                    return numbers.allSatisfy { counts[$0] != nil }
                }
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }

        @Test func `an invalid file is refused with its error and changes nothing`() throws {
            try Pipeline.with(PipelineSettings(subscriptions: 1)) { pipeline in
                let text = Files.text(pipeline.configuration)
                try Files.write(
                    text.replacing("timeout: 10s", with: "timeout: 10 parsecs") + added(pipeline),
                    to: pipeline.configuration)
                let refusal = try pipeline.trySupervisor("reload")
                #expect(refusal.status != 0)
                #expect((refusal.output + refusal.errors).contains("10 parsecs"))
                for process in pipeline.processes() { kill(process.pid, SIGHUP) }
                // What the stages read again is what was accepted.
                try waitUntil("the router has read its configuration again") {
                    pipeline.log("fanout-router-0").contains("configuration and secrets read again")
                }
                #expect(!pipeline.log("fanout-router-0").contains("parsecs"))
                let names = (try pipeline.api("GET", "/subscriptions")["subscriptions"] as? [[String: Any]] ?? [])
                    .compactMap { $0["name"] as? String }
                #expect(names == ["subscriber-0"])
                let sent = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(1))
                #expect(sent.status == 202)
                try waitUntil("events flow as before") { pipeline.subscriber.hasAll([1]) }
                try Files.write(text, to: pipeline.configuration)
            }
        }

        private func added(_ pipeline: Pipeline) -> String {
            """
              - name: added
                url: "http://127.0.0.1:\(pipeline.subscriber.port)/1"
                signing: { scheme: none }

            """
        }
    }
}
