import Glibc
import Testing

extension EndToEnd {
    @Suite struct CutJournal {
        @Test func `a journal whose last unanswered commit was torn starts, says so and has all that was answered`()
            throws
        {
            var settings = PipelineSettings(normalisers: 1)
            settings.ingress = "verdict_timeout: 10s, disk_budget_bytes: 16777216"
            let pipeline = try Pipeline(settings)
            defer { pipeline.remove() }
            try pipeline.up()
            let load = LoadGenerator(port: pipeline.port, count: 400, perSecond: 400)
            load.start()
            var answered = load.wait()
            try pipeline.waitForDelivery(of: answered)
            // A supervisor would replace what is stopped.
            try pipeline.killSupervisor()
            answered += try acceptUnsettled(pipeline)
            let log = "\(pipeline.storage)/ingress-gateway-0/log"
            let before = files(log)
            // Its commit is on disk, but the answer waits for a verdict that does not come.
            #expect(pipeline.signal("verifier-0", SIGSTOP))
            let unanswered = try HTTPClient(port: pipeline.port)
            try unanswered.send(SignedWebhook.stream(900_000))
            try waitUntil("the last commit is on disk") { changed(before, files(log)) != nil }
            for process in pipeline.processes() { kill(process.pid, SIGKILL) }
            try waitUntil("all processes are gone") { pipeline.processes().isEmpty }
            #expect(throws: Failure.self) { try unanswered.receive() }

            guard let commit = changed(before, files(log)) else { throw Failure("the last commit is gone") }
            try copy(pipeline.storage, to: "\(pipeline.folder)/kept")
            report("journal cut: the torn commit has \(commit.bytes.count) bytes")
            let headerBytes = 80
            for size in [1, headerBytes, (headerBytes + commit.bytes.count) / 2, commit.bytes.count - 1] {
                _ = try ChildProcess.run(["rm", "-rf", pipeline.storage], in: pipeline.folder)
                try copy("\(pipeline.folder)/kept", to: pipeline.storage)
                // The power went before the process could note down in peace what it had written.
                try Files.write(before["superblock"] ?? [], to: "\(log)/superblock")
                let segment = "\(log)/\(commit.file)"
                var bytes = Files.bytes(segment)
                for offset in size..<commit.bytes.count {
                    bytes[commit.place + offset] = before[commit.file]?[commit.place + offset] ?? 0
                }
                try Files.write(bytes, to: segment)
                try start(pipeline, answered, isSaid: size >= headerBytes)
            }
        }

        private func start(_ pipeline: Pipeline, _ answered: [SentWebhook], isSaid: Bool) throws {
            unlink("\(pipeline.run)/ingress-gateway-0.log")
            try pipeline.up()
            #expect(pipeline.log("ingress-gateway-0").contains("dropped a torn commit") == isSaid)
            try pipeline.waitForDelivery(of: answered)
            try Promises.checkLog(of: pipeline, accepted: answered)
            let unanswered = SignedWebhook.id(900_000)
            #expect(try !pipeline.events().contains { $0.id == unanswered })
            try pipeline.down()
        }

        /// Webhooks that are answered but not settled: the router is stopped.
        private func acceptUnsettled(_ pipeline: Pipeline) throws -> [SentWebhook] {
            #expect(pipeline.signal("fanout-router-0", SIGSTOP))
            let load = LoadGenerator(port: pipeline.port, first: 800_000, count: 2, perSecond: 100, connections: 1)
            load.start()
            let sent = load.wait()
            guard sent.allSatisfy({ $0.isAccepted }) else { throw Failure("not accepted: \(sent)") }
            return sent
        }

        /// The files of a commit log by their names.
        private func files(_ log: String) -> [String: [UInt8]] {
            Dictionary(uniqueKeysWithValues: Files.names(in: log).map { ($0, Files.bytes("\(log)/\($0)")) })
        }

        /// What was written into a segment since: where, and the bytes, without the zeros behind them.
        private func changed(
            _ before: [String: [UInt8]], _ after: [String: [UInt8]]
        ) -> (file: String, place: Int, bytes: [UInt8])? {
            for (file, bytes) in after where file.hasPrefix("segment-") {
                guard let old = before[file], old.count == bytes.count, old != bytes,
                    let place = bytes.indices.first(where: { bytes[$0] != old[$0] }),
                    let last = bytes.indices.last(where: { bytes[$0] != old[$0] })
                else { continue }
                return (file, place, Array(bytes[place...last]))
            }
            return nil
        }

        private func copy(_ from: String, to: String) throws {
            let result = try ChildProcess.run(["cp", "-a", from, to], in: "/tmp")
            guard result.status == 0 else { throw Failure("cp: \(result.errors)") }
        }
    }
}
