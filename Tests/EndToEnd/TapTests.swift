import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Tapping {
        @Test func `the tap shows every hop, filters, and hides what nobody asked for`() throws {
            try Pipeline.with { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 50, connections: 2)
                load.start()
                defer { load.stop() }
                try checkHops(pipeline)
                try checkFilters(pipeline)
                try checkHiding(pipeline)
                try checkClosedPipe(pipeline)
                load.stop()
                let sent = load.wait()
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
            }
        }

        private static let python = Executables.python.split(separator: " ").map(String.init)

        /// The reader in Python knows only the documented wire format.
        @Test(.enabled(if: try ChildProcess.run(python + ["-c", "import zmq"], in: "/tmp").status == 0))
        func `a reader in Python that knows only the documented format reads the tap`() throws {
            try Pipeline.with { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 50, connections: 2)
                load.start()
                defer { load.stop() }
                let script = "\(Executables.repository)/Tests/WireTests/read_wire.py"
                let result = try ChildProcess.run(
                    Self.python + [script, "--tap", "ipc://\(pipeline.run)/normaliser-0.tap", "10"], in: pipeline.folder
                )
                #expect(result.status == 0, "\(result.errors)")
                let records = try result.output.split(separator: "\n").map(decode)
                #expect(records.count >= 10)
                #expect(result.output.contains("e2e-"))
            }
        }

        private func checkHops(_ pipeline: Pipeline) throws {
            let records = try tap(pipeline, "--count", "200")
            #expect(records.count == 200)
            let stages = Set(records.compactMap { $0["stage"] as? String })
            #expect(stages == ["ingress-gateway", "verifier", "normaliser", "fanout-router"])
            #expect(records.allSatisfy { $0["intact"] as? Bool == true })
            let normalised = try #require(records.first { $0["stage"] as? String == "normaliser" })
            #expect((normalised["events"] as? [Any])?.count == 1)
            #expect((normalised["stamps"] as? [Any])?.count == 3)
        }

        private func checkFilters(_ pipeline: Pipeline) throws {
            let byStage = try tap(pipeline, "--stage", "verifier", "--source", "fastpix", "--count", "5")
            #expect(byStage.count == 5)
            #expect(byStage.allSatisfy { $0["stage"] as? String == "verifier" && $0["source"] as? String == "fastpix" })
            let byType = try tap(pipeline, "--stage", "normaliser", "--type", "participant.*", "--count", "5")
            #expect(byType.allSatisfy { $0["source"] as? String == "stream" })
            let bySubject = try tap(pipeline, "--subject", "calls/*", "--count", "3")
            #expect(bySubject.count == 3)
            let event = ((bySubject.first?["events"] as? [[String: Any]])?.first?["id"] as? String) ?? ""
            #expect(SignedWebhook.number(event) != nil)
            let wrong = try pipeline.command("bus-tap", "--stage", "postman", "--count", "1")
            #expect(wrong.status == 64)
        }

        private func checkHiding(_ pipeline: Pipeline) throws {
            let secretive = try pipeline.command("bus-tap", "--count", "40")
            #expect(secretive.status == 0)
            for hidden in ["x-signature", "John Doe", "town-hall\",\"session_id"] {
                #expect(!secretive.output.lowercased().contains(hidden.lowercased()), "\(hidden) is shown")
            }
            let open = try pipeline.command(
                "bus-tap", "--stage", "normaliser", "--source", "stream", "--headers", "--payload", "--count", "5")
            #expect(open.output.contains("John Doe"))
            #expect(open.output.lowercased().contains("x-signature"))
            let one = try tap(pipeline, "--source", "stream", "--count", "1")
            #expect(one.first?["body"] == nil && one.first?["headers"] == nil)
        }

        private func checkClosedPipe(_ pipeline: Pipeline) throws {
            let tap = Executables.path("bus-tap")
            let result = try ChildProcess.run(
                [
                    "bash", "-c",
                    "'\(tap)' --json --config '\(pipeline.configuration)' | head -n 1; echo ${PIPESTATUS[0]}",
                ],
                in: pipeline.folder)
            #expect(result.errors.isEmpty)
            let lines = result.output.split(separator: "\n")
            #expect(lines.count == 2)
            // Ended by SIGPIPE or by itself, never with a word.
            #expect(["0", "141"].contains(lines.last), "\(result.output)")
        }

        private func tap(_ pipeline: Pipeline, _ arguments: String...) throws -> [[String: Any]] {
            let result = try ChildProcess.run(
                [Executables.path("bus-tap"), "--json", "--config", pipeline.configuration] + arguments,
                in: pipeline.folder)
            #expect(result.status == 0, "\(result.errors)")
            return try result.output.split(separator: "\n").map(decode).filter { $0["skipped"] == nil }
        }

        private func decode(_ line: Substring) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }
}
