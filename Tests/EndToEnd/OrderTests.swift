import Testing

extension EndToEnd {
    @Suite struct Order {
        @Test func `twenty thousand webhooks through four normalisers keep the order of acceptance`() throws {
            try Pipeline.with(PipelineSettings(normalisers: 4, subscriptions: 1)) { pipeline in
                let load = LoadGenerator(
                    port: pipeline.port, count: 20_000, perSecond: 100_000, connections: 16
                ) { SignedWebhook.stream($0) }
                load.start()
                let sent = load.wait()
                report("order: \(Promises.describe(sent))")
                #expect(sent.allSatisfy { $0.isAccepted })
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                let shares = (0..<4).map {
                    pipeline.metric("normaliser-\($0)", "tributary_records_total", label: "direction=\"out\"") ?? 0
                }
                report("order: the normalisers' shares are \(shares.map { Int($0) })")
                #expect(shares.allSatisfy { $0 > 0 })
            }
        }
    }
}
