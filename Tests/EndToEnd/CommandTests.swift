import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Commands {
        @Test(arguments: ["stream", "fastpix"])
        func `every sample of a provider arrives and shows its journey`(provider: String) throws {
            try Pipeline.with { pipeline in
                let report = try json(pipeline.command("tributary", "send", provider, "all", "--json"))
                let webhooks = try #require(report["webhooks"] as? [[String: Any]])
                #expect(webhooks.count > 30)
                #expect(webhooks.allSatisfy { ($0["status"] as? NSNumber)?.intValue == 202 })
                let ids = webhooks.compactMap { $0["id"] as? String }
                try waitUntil("every sample is delivered") { ids.allSatisfy(pipeline.subscriber.hasOther) }
                let events = try pipeline.events()
                #expect(events.map(\.id) == ids, "in the order in which they were sent")
                try Promises.checkQuarantineIsEmpty(of: pipeline)
                try checkJourney(pipeline, ids.last ?? "")
            }
        }

        private func checkJourney(_ pipeline: Pipeline, _ id: String) throws {
            var event: [String: Any] = [:]
            try waitUntil("both deliveries are noted") {
                event = try json(pipeline.command("tributary", "events", id, "--json"))
                return deliveries(event).count { $0["state"] as? String == "delivered" } == 2
            }
            let journey = try #require(event["journey"] as? [[String: Any]])
            #expect(
                journey.compactMap { $0["stage"] as? String } == [
                    "ingress-gateway", "verifier", "normaliser", "fanout-router",
                ])
            let times = journey.flatMap { [$0["started"] as? String ?? "", $0["finished"] as? String ?? ""] }
            #expect(times.allSatisfy { $0.hasPrefix("20") })
            #expect((event["event"] as? [String: Any])?["id"] as? String == id)
        }

        private func deliveries(_ event: [String: Any]) -> [[String: Any]] {
            event["deliveries"] as? [[String: Any]] ?? []
        }

        @Test func `a wrongly signed webhook is refused, kept, and delivered once after the secret is put right`()
            throws
        {
            var settings = PipelineSettings()
            settings.streamSecret = "file:stream-secret"
            // A busy machine may not have a verdict within the usual time.
            settings.ingress = "verdict_timeout: 3s"
            let pipeline = try Pipeline(settings)
            defer { pipeline.remove() }
            let secret = "\(pipeline.folder)/stream-secret"
            try Files.write("not what the provider has", to: secret)
            try pipeline.up()
            try pipeline.waitForVerdicts()
            let refused = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(1))
            #expect(refused.status == 401)
            #expect(refused.text.contains("signature_mismatch"))
            try waitUntil("it is in quarantine") {
                try pipeline.quarantineCodes().count >= 2
            }

            try Files.write(SignedWebhook.streamSecret, to: secret)
            #expect(pipeline.signal("verifier-0", SIGHUP))
            try waitUntil("the new secret counts") {
                try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(2)).status == 202
            }
            let replay = try json(
                pipeline.command("tributary", "quarantine", "replay", "--code", "signature_mismatch", "--json"))
            #expect(replay["failed"] as? Int == 0)
            try waitUntil("both are delivered") { pipeline.subscriber.hasAll([1, 2]) }
            #expect(try pipeline.events().count { $0.id == SignedWebhook.id(1) } == 1)
            #expect(pipeline.subscriber.ledger(0).counts[1] == 1)
            let list = try json(pipeline.command("tributary", "quarantine", "list", "--json"))
            let entries = list["quarantine"] as? [[String: Any]] ?? []
            #expect(entries.contains { $0["replayed"] is String })
            let before = try pipeline.quarantineCodes().count
            let bad = try pipeline.command("tributary", "send", "stream", "call.ended", "--bad-signature", "--json")
            #expect((try json(bad)["statuses"] as? [String: Any])?["401"] as? Int == 1)
            try waitUntil("the bad sample is in quarantine") {
                try pipeline.quarantineCodes().count > before
            }
        }

        private func json(_ result: CommandResult) throws -> [String: Any] {
            guard result.status == 0,
                let tree = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            else { throw Failure("status \(result.status): \(result.output) \(result.errors)") }
            return tree
        }
    }
}
