import Glibc
import Testing

extension EndToEnd {
    @Suite struct CutJournal {
        @Test func `a journal whose last unanswered commit was torn starts, says so and has all that was answered`()
            throws
        {
            var settings = PipelineSettings(normalisers: 1)
            settings.ingress = "verdict_timeout: 10s"
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
            let log = "\(pipeline.storage)/ingress-gateway-0/\(try logName(pipeline))"
            let before = usedBytes(log)
            // Its commit is on disk, but the answer waits for a verdict that does not come.
            #expect(pipeline.signal("verifier-0", SIGSTOP))
            let unanswered = try HTTPClient(port: pipeline.port)
            try unanswered.send(SignedWebhook.stream(900_000))
            try waitUntil("the last commit is on disk") { usedBytes(log) > before }
            for process in pipeline.processes() { kill(process.pid, SIGKILL) }
            try waitUntil("all processes are gone") { pipeline.processes().isEmpty }
            #expect(throws: Failure.self) { try unanswered.receive() }

            let after = usedBytes(log)
            try copy(pipeline.storage, to: "\(pipeline.folder)/kept")
            report("journal cut: the torn commit has \(after - before) bytes")
            for size in [before + 1, before + 24, (before + after) / 2, after - 1] {
                try startWithCut(pipeline, log, size, answered)
            }
        }

        /// Starts on a copy of the data in which the write-ahead log has only so many bytes.
        private func startWithCut(_ pipeline: Pipeline, _ log: String, _ size: Int, _ answered: [SentWebhook]) throws {
            _ = try ChildProcess.run(["rm", "-rf", pipeline.storage], in: pipeline.folder)
            try copy("\(pipeline.folder)/kept", to: pipeline.storage)
            truncate(log, size)
            unlink("\(pipeline.run)/ingress-gateway-0.log")
            try pipeline.up()
            #expect(pipeline.log("ingress-gateway-0").contains("dropped a torn commit"), "cut at \(size)")
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

        /// Bytes of the write-ahead log that count: behind them stand frames from before it was begun anew, which have
        /// another salt (sqlite.org/fileformat2.html#walformat).
        private func usedBytes(_ log: String) -> Int {
            let bytes = Files.bytes(log)
            guard bytes.count > 32 else { return 0 }
            let pageBytes = bytes[8..<12].reduce(0) { $0 << 8 | Int($1) }
            var end = 32
            while end + 24 + pageBytes <= bytes.count, bytes[(end + 8)..<(end + 16)] == bytes[16..<24] {
                end += 24 + pageBytes
            }
            return end
        }

        private func logName(_ pipeline: Pipeline) throws -> String {
            let names = Files.names(in: "\(pipeline.storage)/ingress-gateway-0").filter { $0.hasSuffix("-wal") }
            guard let name = names.first else { throw Failure("the journal has no write-ahead log") }
            return name
        }

        private func copy(_ from: String, to: String) throws {
            let result = try ChildProcess.run(["cp", "-a", from, to], in: "/tmp")
            guard result.status == 0 else { throw Failure("cp: \(result.errors)") }
        }
    }
}
