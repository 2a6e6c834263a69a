import Glibc
import Primitives
import Testing

extension EndToEnd {
    @Suite struct Routers {
        /// By the checksums of their names Stream's webhooks belong to router 1, FastPix' to router 0.
        private static let settings = PipelineSettings(
            verifiers: 2, normalisers: 2, subscriptions: 1, router: "instances: 2")

        @Test func `a dead router holds up its own sources and no others, and nothing is lost`() throws {
            try Pipeline.with(Self.settings) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 6_000, perSecond: 800) {
                    $0 % 2 == 0 ? SignedWebhook.stream($0) : SignedWebhook.fastPix($0)
                }
                load.start()
                try waitUntil("both routers deliver") {
                    let counts = pipeline.subscriber.ledger(0).counts
                    return Set(counts.keys.map { $0 % 2 }).count == 2 && counts.count > 500
                }
                try pipeline.killSupervisor()
                #expect(pipeline.signal("fanout-router-1", SIGKILL))
                let killed = monotonicNanoseconds()
                func delivered(_ remainder: Int) -> Int {
                    let counts = pipeline.subscriber.ledger(0).counts
                    return load.soFar.count {
                        $0.startedNanoseconds > killed && $0.number % 2 == remainder && counts[$0.number] != nil
                    }
                }
                try waitUntil("the other router goes on") { delivered(1) > 1_500 }
                #expect(delivered(0) == 0)
                try pipeline.up()
                let sent = load.wait()
                report("one of two routers killed: \(Promises.describe(sent))")
                #expect(sent.allSatisfy { $0.isAccepted })
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, router: 1, accepted: sent.filter { $0.number % 2 == 0 })
                try Promises.checkLog(of: pipeline, router: 0, accepted: sent.filter { $0.number % 2 == 1 })
                #expect(try pipeline.events(router: 1).allSatisfy { $0.source.hasSuffix("stream") })
                try checkCommands(pipeline)
            }
        }

        /// Every command that asks a router says which there are.
        private func checkCommands(_ pipeline: Pipeline) throws {
            let refused = try pipeline.command("tributary", "events")
            #expect(refused.status == 64)
            #expect(refused.errors.contains("say --router NUMBER; the routers are 0 of fastpix; 1 of stream"))
            let listed = try pipeline.command("tributary", "events", "--router", "1", "--limit", "1", "--json")
            #expect(listed.status == 0 && listed.output.contains("stream"))
        }

        @Test func `the number of routers changes when nothing waits for one`() throws {
            let pipeline = try Pipeline(Self.settings)
            defer { pipeline.remove() }
            try pipeline.up()
            func send(_ first: Int) throws -> [SentWebhook] {
                let load = LoadGenerator(port: pipeline.port, first: first, count: 400, perSecond: 2_000)
                load.start()
                return load.wait()
            }
            var sent = try send(0)
            try pipeline.scale("verifier", to: 3)
            let refused = try pipeline.trySupervisor("scale", "verifier", "1")
            #expect(refused.status == 64 && refused.errors.contains("2 to 64"))
            // A stop lets what is on its way be settled.
            try pipeline.down()
            try changeRouters(of: pipeline, to: 1)
            try pipeline.up()
            sent += try send(400)
            try pipeline.waitForDelivery(of: sent)
            try pipeline.killSupervisor()
            for process in pipeline.processes() where process.instance.hasPrefix("fanout") {
                kill(process.pid, SIGKILL)
            }
            sent += try send(800)
            try pipeline.down()
            try changeRouters(of: pipeline, to: 2)
            let early = try pipeline.trySupervisor("up", "-d")
            #expect(early.status == 78 && early.errors.contains("router_count_changed"))
            try pipeline.down()
            try changeRouters(of: pipeline, to: 1)
            try pipeline.up()
            try pipeline.waitForDelivery(of: sent)
            #expect(sent.allSatisfy { $0.isAccepted })
            try pipeline.down()
        }

        private func changeRouters(of pipeline: Pipeline, to count: Int) throws {
            var settings = pipeline.settings
            settings.router = "instances: \(count)"
            let yaml = settings.yaml(ingressPort: pipeline.port, subscriberPort: pipeline.subscriber.port)
            try Files.write(yaml, to: pipeline.configuration)
        }
    }
}
