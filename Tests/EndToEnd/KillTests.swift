import Glibc
import Primitives
import SeededRandom
import Testing

extension EndToEnd {
    @Suite struct NothingIsLost {
        /// The instances that may be killed.
        private let victims = [
            "ingress-gateway-0", "verifier-0", "normaliser-0", "normaliser-1", "normaliser-2", "fanout-router-0",
        ]

        @Test func `ten thousand webhooks survive the death of a stage every half second`() throws {
            try Pipeline.with(PipelineSettings(normalisers: 3)) { pipeline in
                var generator = SeededGenerator(seed: 2026)
                let load = LoadGenerator(port: pipeline.port, count: 10_000, perSecond: 1_300)
                load.start()
                let begin = monotonicNanoseconds()
                var deaths: [(instance: String, nanoseconds: Int64)] = []
                while load.soFar.count < 10_000 {
                    sleepUntil(begin + Int64(deaths.count + 1) * 500_000_000)
                    let victim = victims[Int(generator.next() % UInt64(victims.count))]
                    // One that is just being started is killed a moment later.
                    try waitUntil("\(victim) runs") { pipeline.signal(victim, SIGKILL) }
                    deaths.append((victim, monotonicNanoseconds()))
                }
                let sent = load.wait()
                report("kill -9: \(Promises.describe(sent)), \(deaths.count) deaths")
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
                reportHealing(deaths, sent, pipeline.subscriber)
                #expect(sent.count { $0.isAccepted } > 9_000)
            }
        }

        /// Prints, by stage, the time from a kill to the next 2xx, and the longest pause of deliveries that began
        /// within half a second of it.
        private func reportHealing(
            _ deaths: [(instance: String, nanoseconds: Int64)], _ sent: [SentWebhook], _ subscriber: Subscriber
        ) {
            let answers = sent.filter(\.isAccepted).map(\.answeredNanoseconds).sorted()
            let arrivals = (0..<2).flatMap { subscriber.ledger($0).firstNanoseconds.values }.sorted()
            var byStage: [String: [(accepting: Double, pause: Double)]] = [:]
            for death in deaths {
                let begin = death.nanoseconds
                guard let answer = answers.first(where: { $0 > begin }) else { continue }  // after the last webhook
                let pauses = zip([begin] + arrivals, arrivals).compactMap { before, next in
                    next > begin && before < begin + 500_000_000 ? next - max(before, begin) : nil
                }
                byStage[String(death.instance.prefix { $0 != "-" }), default: []].append(
                    (Double(answer - begin) / 1e9, Double(pauses.max() ?? 0) / 1e9))
            }
            for (stage, times) in byStage.sorted(by: { $0.key < $1.key }) {
                let accepting = times.map(\.accepting).sorted()
                let pauses = times.map(\.pause).sorted()
                let middle = times.count / 2
                report(
                    "\(stage) killed \(times.count) times: next 2xx after \(accepting[middle].rounded(to: 3)) s "
                        + "(longest \(accepting[times.count - 1].rounded(to: 3))), deliveries paused for "
                        + "\(pauses[middle].rounded(to: 3)) s (longest \(pauses[times.count - 1].rounded(to: 3)))")
            }
        }

        @Test func `a stopped normaliser loses nothing and holds nobody up`() throws {
            try Pipeline.with(PipelineSettings(normalisers: 3)) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 3_500, perSecond: 500)
                load.start()
                try waitUntil("the load has begun") { pipeline.subscriber.distinct(0) > 300 }
                #expect(pipeline.signal("normaliser-1", SIGSTOP))
                let stopped = monotonicNanoseconds()
                // The load goes on far beyond what the stopped one holds.
                try waitUntil("what was sent since is delivered past it") {
                    let counts = pipeline.subscriber.ledger(0).counts
                    return load.soFar.count { $0.startedNanoseconds > stopped && counts[$0.number] != nil } > 2_000
                }
                #expect(pipeline.signal("normaliser-1", SIGCONT))
                let sent = load.wait()
                try pipeline.waitForDelivery(of: sent)
                report("SIGSTOP: \(Promises.describe(sent))")
                #expect(sent.allSatisfy { $0.isAccepted })
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }

        @Test func `the ingress accepts while everything behind it is down`() throws {
            try Pipeline.with { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 7_000, perSecond: 500)
                load.start()
                try waitUntil("the load has begun") { pipeline.subscriber.distinct(0) > 200 }
                try pipeline.killSupervisor()
                for process in pipeline.processes() where !process.instance.hasPrefix("ingress") {
                    kill(process.pid, SIGKILL)
                }
                let down = monotonicNanoseconds()
                try waitUntil("the load goes on") { load.soFar.count { $0.startedNanoseconds > down } > 4_000 }
                let meanwhile = load.soFar.filter { $0.startedNanoseconds > down }
                report("downstream gone: \(Promises.describe(meanwhile))")
                #expect(meanwhile.allSatisfy { $0.isAccepted })
                try pipeline.up()
                let sent = load.wait()
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }
    }
}
