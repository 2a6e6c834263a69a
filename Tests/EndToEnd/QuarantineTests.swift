import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Quarantine {
        private let count = 300

        @Test func `a wrong secret loses nothing: what was quarantined and replayed after the fix arrives once each`()
            throws
        {
            var settings = PipelineSettings()
            settings.streamSecret = "file:stream-secret"
            let pipeline = try Pipeline(settings)
            defer { pipeline.remove() }
            do {
                try run(pipeline)
            } catch {
                pipeline.printLogs()
                throw error
            }
        }

        private func run(_ pipeline: Pipeline) throws {
            let secret = "\(pipeline.folder)/stream-secret"
            try Files.write("not what the provider has", to: secret)
            try pipeline.up()
            // The other source goes on all the while.
            let load = LoadGenerator(port: pipeline.port, count: count, perSecond: 300) { number in
                number % 10 == 9 ? SignedWebhook.fastPix(number) : SignedWebhook.stream(number)
            }
            load.start()
            // Until a verdict is in time an answer is 202; both end in the same place.
            #expect(load.wait().allSatisfy { [202, 401].contains($0.status) })
            let refused = count - count / 10
            try waitUntil("all are in quarantine") { try total(pipeline).webhooks == refused }
            #expect(try rehearsal(pipeline)["refused"] as? [String: Int] == ["signature_mismatch": refused])

            try Files.write(SignedWebhook.streamSecret, to: secret)
            #expect(pipeline.signal("verifier-0", SIGHUP))
            let after = count + 1
            try waitUntil("the new secret counts") {
                _ = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(after))
                return pipeline.subscriber.hasAll([after])
            }
            let rehearsed = try rehearsal(pipeline)
            #expect((rehearsed["refused"] as? [String: Int])?.isEmpty ?? false, "\(rehearsed)")
            #expect((rehearsed["accepted"] as? Int ?? 0) >= refused)
            #expect(try pipeline.events().count { $0.source.contains("stream") } == 1, "a dry run stores nothing")

            let replayed = try replay(pipeline, "--source", "stream", "--reason", "signature_mismatch", "--since", "1h")
            #expect(replayed >= refused)
            let all = Array(0..<count) + [after]
            try waitUntil("all are delivered") { pipeline.subscriber.hasAll(all) }
            #expect(try replay(pipeline, "--all") == 0, "each is marked")
            #expect(try replay(pipeline, "--all", "--again") == replayed, "the same ids once more change nothing")
            try waitUntil("the journal is settled") {
                pipeline.metric("ingress-gateway-0", "tributary_backlog_records") == 0
            }
            #expect(try pipeline.events().compactMap { SignedWebhook.number($0.id) }.sorted() == all)
            for subscription in 0..<pipeline.settings.subscriptions {
                #expect(pipeline.subscriber.ledger(subscription).counts.values.allSatisfy { $0 == 1 })
            }
            #expect(try total(pipeline) == (replayed, replayed), "nothing was refused again")
            try purge(pipeline, replayed)
            try pipeline.down()
        }

        /// What is in quarantine, and how much of it was replayed.
        private func total(_ pipeline: Pipeline) throws -> (webhooks: Int, replayed: Int) {
            let totals =
                try pipeline.ask("fanout-router-0", "/v1/quarantine/totals")["totals"] as? [[String: Any]] ?? []
            func sum(_ name: String) -> Int { totals.reduce(0) { $0 + ($1[name] as? Int ?? 0) } }
            return (sum("webhooks"), sum("replayed"))
        }

        /// The summary of a dry run of everything.
        private func rehearsal(_ pipeline: Pipeline) throws -> [String: Any] {
            let lines = try output(pipeline, "replay", "--all", "--dry-run", "--json").split(separator: "\n")
            let last = try JSONSerialization.jsonObject(with: Data((lines.last ?? "").utf8)) as? [String: Any]
            let summary = try #require(last?["summary"] as? [String: Any])
            #expect(summary["entries"] as? Int == lines.count - 1)
            return summary
        }

        private func replay(_ pipeline: Pipeline, _ arguments: String...) throws -> Int {
            let text = try output(pipeline, ["replay"] + arguments + ["--json"])
            let answer = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
            #expect(answer?["failed"] as? Int == 0)
            return try #require(answer?["replayed"] as? Int)
        }

        private func purge(_ pipeline: Pipeline, _ count: Int) throws {
            let refusal = try pipeline.command("tributary", "quarantine", "purge", "--all")
            #expect(refusal.status == 64 && refusal.errors.contains("would delete \(count) webhooks"))
            #expect(try output(pipeline, "purge", "--all", "--yes") == "deleted \(count)\n")
            #expect(try total(pipeline).webhooks == 0)
        }

        private func output(_ pipeline: Pipeline, _ arguments: String...) throws -> String {
            try output(pipeline, arguments)
        }

        private func output(_ pipeline: Pipeline, _ arguments: [String]) throws -> String {
            let result = try ChildProcess.run(
                [Executables.path("tributary"), "quarantine"] + arguments + ["--config", pipeline.configuration],
                in: pipeline.folder)
            guard result.status == 0 else {
                throw Failure("quarantine \(arguments) ended with \(result.status): \(result.output) \(result.errors)")
            }
            return result.output
        }
    }
}
