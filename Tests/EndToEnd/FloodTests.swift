import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

extension EndToEnd {
    @Suite struct Flood {
        /// Sends forgeries of 1 MB over several connections, one after the other on each.
        private final class Forger: Sendable {
            static let connections = 16
            static let rounds = 3
            private let statuses = Mutex<[Int]>([])
            private let finished = DispatchGroup()

            func start(port: UInt16) {
                let body = Array("{\"custom\":\"".utf8) + [UInt8](repeating: 0x78, count: 1_000_000) + Array("\"}".utf8)
                let request = SignedWebhook.stream("forged", body: body, secret: "another")
                for _ in 0..<Self.connections {
                    finished.enter()
                    Thread.detachNewThread {
                        for _ in 0..<Self.rounds {
                            let status = Self.send(request, port: port)
                            self.statuses.withLock { $0.append(status) }
                        }
                        self.finished.leave()
                    }
                }
            }

            /// The answers' statuses; 0 for none.
            func wait() -> [Int] {
                finished.wait()
                return statuses.withLock { $0 }
            }

            private static func send(_ request: [UInt8], port: UInt16) -> Int {
                guard let client = try? HTTPClient(port: port) else { return 0 }
                // Who is refused may be so before all is sent.
                try? client.send(request)
                return (try? client.receive().status) ?? 0
            }
        }

        @Test
        func `a flood of forgeries costs a genuine sender of the same address no webhook, and the journal little`()
            throws
        {
            let settings = PipelineSettings(subscriptions: 1, ingress: "disk_budget_bytes: 67108864")
            try Pipeline.with(settings) { pipeline in
                try pipeline.waitForVerdicts()
                let before = try journaled(pipeline)
                let count = 300
                let load = LoadGenerator(port: pipeline.port, count: count, perSecond: 75, connections: 2)
                load.start()
                let forger = Forger()
                forger.start(port: pipeline.port)
                let statuses = forger.wait()
                let sent = load.wait()
                #expect(sent.count == count && sent.allSatisfy { $0.isAccepted })

                let refused = statuses.count { $0 == 429 }
                let taken = statuses.count { $0 == 401 || $0 == 202 }
                let lost = statuses.count { $0 == 0 }
                report("flood: \(refused) forgeries got 429, \(taken) were journaled, \(lost) had no answer")
                #expect(refused + taken + lost == Forger.connections * Forger.rounds)
                #expect(taken <= 12 && refused >= Forger.connections)
                let added = Int(try journaled(pipeline) - before) - count
                #expect((taken...taken + lost).contains(added), "429 costs the journal nothing")
                let counted = pipeline.metric("ingress-gateway-0", "tributary_refused_total", label: "_quota\"") ?? 0
                #expect((refused...refused + lost).contains(Int(counted)))
                try pipeline.waitForDelivery(of: sent)
            }
        }

        /// Webhooks that ever went to the journal.
        private func journaled(_ pipeline: Pipeline) throws -> Double {
            try #require(pipeline.metric("ingress-gateway-0", "tributary_records_total", label: "direction=\"in\""))
        }
    }
}
