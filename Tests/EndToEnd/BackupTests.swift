import Foundation
import Testing

extension EndToEnd {
    @Suite struct Backups {
        @Test func `a backup under load, restored elsewhere, has all that was accepted before it, and new names`()
            throws
        {
            let target = "/tmp/tributary-backup-\(ProcessInfo.processInfo.processIdentifier)"
            defer { try? FileManager.default.removeItem(atPath: target) }
            // A small journal, whose segments are used again all the time.
            let settings = PipelineSettings(subscriptions: 1, ingress: "disk_budget_bytes: \(48 << 20)")
            var before: [SentWebhook] = []
            var former: [String: Any] = [:]
            try Pipeline.with(settings) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 1_000_000, perSecond: 500)
                load.start()
                defer { load.stop() }
                try waitUntil("the load is under way") { pipeline.subscriber.distinct(0) > 500 }
                let began = monotonicNanoseconds()
                let result = try pipeline.command("tributary", "backup", target)
                try #require(result.status == 0, "\(result.errors)")
                #expect(result.output.contains("the backup is whole"))
                before = load.soFar.filter { $0.isAccepted && $0.answeredNanoseconds < began }
                former = try pipeline.api("GET", "/stats")
                #expect(try pipeline.command("tributary", "backup", target).status == 78)
                #expect(try pipeline.command("tributary", "restore", target).status == 78)
                load.stop()
                try pipeline.waitForDelivery(of: load.wait())
            }
            #expect(before.count > 500)
            let restored = try Pipeline(settings)
            defer { restored.remove() }
            let result = try restored.command("tributary", "restore", target)
            try #require(result.status == 0, "\(result.errors)")
            try restored.up()
            try waitUntil("the journal is settled") {
                restored.metric("ingress-gateway-0", "tributary_backlog_records") == 0
            }
            let now = try restored.api("GET", "/stats")
            #expect(id(now) != id(former) && !id(now).isEmpty)
            let events = try restored.events().compactMap { SignedWebhook.number($0.id) }
            #expect(Set(before.map(\.number)).subtracting(events).isEmpty)
            #expect(events.count == Set(events).count)
            let more = LoadGenerator(port: restored.port, first: 2_000_000, count: 50, perSecond: 200)
            more.start()
            try restored.waitForDelivery(of: more.wait())
            try Promises.checkQuarantineIsEmpty(of: restored)
            try restored.down()
        }

        private func id(_ stats: [String: Any]) -> String { (stats["log"] as? [String: Any])?["id"] as? String ?? "" }
    }
}
