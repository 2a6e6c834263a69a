import Glibc
import Testing

extension EndToEnd {
    @Suite struct Starvation {
        /// What one starved normaliser may use of a core.
        private let share = 0.05
        private let seconds = 30.0

        @Test(.enabled(if: StarvedGroups.canBeMade)) func `starved normalisers are not taken for lost`() throws {
            let group = try #require(try StarvedGroups.make(count: 3, share: share))
            defer { group.remove() }
            try Pipeline.with(PipelineSettings(normalisers: 3, subscriptions: 0)) { pipeline in
                for number in 0..<3 {
                    guard let pid = pipeline.pid("normaliser-\(number)") else {
                        throw Failure("no normaliser \(number)")
                    }
                    try group.add(pid, to: number)
                }
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 2_500)
                load.start()
                // From the moment at which more waits than they can do.
                try waitUntil("a backlog builds up, or none will") {
                    backlog(pipeline) > 500 || load.soFar.count > 5_000
                }
                let names = (0..<3).map { "normaliser-\($0)" }
                let (cpuBefore, doneBefore) = (names.map(pipeline.cpuSeconds), done(pipeline, names))
                let began = monotonicNanoseconds()
                sleepUntil(began + Int64(seconds * 1e9))
                let elapsed = Double(monotonicNanoseconds() - began) / 1e9
                let used = zip(names.map(pipeline.cpuSeconds), cpuBefore).map { ($0 - $1) / elapsed / share }
                let rate = (done(pipeline, names) - doneBefore) / elapsed
                let isOverloaded = backlog(pipeline) > 500
                load.stop()
                let sent = load.wait()
                let resends = pipeline.metric("ingress-gateway-0", "tributary_resends_total") ?? .infinity
                let passedOn =
                    pipeline.metric(
                        "ingress-gateway-0", "tributary_records_total", label: "direction=\"out\"") ?? 0
                report(
                    "starved: \(Promises.describe(sent)); normalised \(rate.rounded(to: 0))/s, quota used "
                        + "\(used.map { "\(($0 * 100).rounded(to: 0)) %" }), resends \(Int(resends)) "
                        + "of \(Int(passedOn))"
                )
                #expect(resends < max(1, passedOn) * 0.01)
                if used.contains(where: { $0 < 0.8 }) {
                    #expect(!isOverloaded, "they did less than they could")
                    report("starved: this machine cannot offer more than the normalisers can do")
                }
                group.remove()
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }

        private func backlog(_ pipeline: Pipeline) -> Double {
            pipeline.metric("ingress-gateway-0", "tributary_backlog_records") ?? 0
        }

        /// How much the normalisers passed on so far.
        private func done(_ pipeline: Pipeline, _ names: [String]) -> Double {
            names.reduce(0) {
                $0 + (pipeline.metric($1, "tributary_records_total", label: "direction=\"out\"") ?? 0)
            }
        }
    }
}
