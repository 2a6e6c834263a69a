import Glibc
import Testing

extension EndToEnd {
    @Suite struct Clocks {
        private static let jumps: [Int64] = [600, -600, 3_600, -3_600, 691_200, -691_200]

        @Test func `a wall clock that jumps by minutes, hours or days delays, loses and expires nothing`() throws {
            var template = Array("/tmp/tributary-clock-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            defer { _ = try? ChildProcess.run(["rm", "-rf", folder], in: "/tmp") }
            let clock = try WallClock(in: folder)
            var settings = PipelineSettings()
            settings.environment = clock.environment
            try Pipeline.with(settings) { pipeline in
                let before = Set(pipeline.processes().map(\.pid))
                var sent: [SentWebhook] = []
                for jump in Self.jumps {
                    sent += try flow(pipeline, first: sent.count) { try clock.set(secondsForward: jump) }
                    for instance in ["ingress-gateway-0", "verifier-0", "normaliser-0", "fanout-router-0"] {
                        let seen = pipeline.metric(instance, "tributary_clock_jump_seconds") ?? 0
                        #expect(abs(seen - Double(jump)) < 30, "\(instance) sees its clock jump")
                        #expect(try pipeline.ask(instance, "/readyz")["status"] as? String == "ready")
                    }
                    #expect(try pipeline.trySupervisor("status").status == 0)
                }
                sent += try flow(pipeline, first: sent.count) { try clock.set(secondsForward: 0) }
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
                #expect(try pipeline.api("GET", "/dead-letters")["dead_letters"] as? [String] == [])
                #expect(Set(pipeline.processes().map(\.pid)) == before, "nobody was taken for dead")
                #expect(pipeline.log("fanout-router-0").contains("clock_jump"))
            }
        }

        /// Webhooks flow, and in their midst `jump` happens: all are accepted and delivered, and one more after them.
        private func flow(_ pipeline: Pipeline, first: Int, _ jump: () throws -> Void) throws -> [SentWebhook] {
            let load = LoadGenerator(port: pipeline.port, first: first, count: 60, perSecond: 100)
            load.start()
            try waitUntil("the load is under way") { load.soFar.count >= 20 }
            try jump()
            var sent = load.wait()
            try pipeline.waitForDelivery(of: sent)
            let next = LoadGenerator(port: pipeline.port, first: first + sent.count, count: 1, perSecond: 1)
            next.start()
            sent += next.wait()
            try pipeline.waitForDelivery(of: sent)
            #expect(sent.count { !$0.isAccepted } == 0)
            return sent
        }
    }
}
