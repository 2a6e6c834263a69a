import Glibc
import Testing

extension EndToEnd {
    @Suite struct Poison {
        private let crashText = "deadly-7f3a"

        @Test func `a webhook that crashes the normaliser is quarantined and holds nobody up`() throws {
            var settings = PipelineSettings(normalisers: 2)
            settings.environment["TRIBUTARY_FAULT_CRASH_ON"] = crashText
            let text = crashText
            try Pipeline.with(settings) { pipeline in
                let deadly = 1_000
                let load = LoadGenerator(port: pipeline.port, count: 3_000, perSecond: 300) { number in
                    SignedWebhook.stream(number, extra: number == deadly ? text : "")
                }
                load.start()
                try waitUntil("the deadly webhook is sent") { load.soFar.contains { $0.number == deadly } }
                let began = monotonicNanoseconds()
                try waitUntil("it is in quarantine") { try !pipeline.quarantineCodes().isEmpty }
                let seconds = Double(monotonicNanoseconds() - began) / 1e9
                let sent = load.wait()
                try pipeline.waitForDelivery(of: sent.filter { $0.number != deadly })
                let deaths = pipeline.log("supervisor").split(separator: "\n").count {
                    $0.contains("killed by SIGABRT")
                }
                report(
                    "poison: in quarantine after \(seconds.rounded(to: 1)) s and \(deaths) deaths; "
                        + Promises.describe(sent)
                )
                #expect((5...10).contains(deaths), "two in company, three alone; hardly more, however slow")
                #expect(try pipeline.quarantineCodes() == ["poison"])
                try Promises.checkLog(of: pipeline, accepted: sent.filter { $0.number != deadly })
                #expect(pipeline.metric("ingress-gateway-0", "tributary_poisoned_total") == 1)
            }
        }
    }
}
