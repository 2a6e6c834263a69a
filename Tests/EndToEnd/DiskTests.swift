import Glibc
import Testing

extension EndToEnd {
    @Suite(.enabled(if: access("/usr/bin/strace", X_OK) == 0)) struct FailingDisk {
        struct Fault: Sendable, CustomStringConvertible {
            let instance: String
            /// Which write fails.
            let number: Int

            var description: String { "write \(number) of \(instance)" }
        }

        /// Some; each of the first `TRIBUTARY_DISK_FAULTS` writes where that is set.
        private static let faults: [Fault] = {
            let most = getenv("TRIBUTARY_DISK_FAULTS").flatMap { Int(String(cString: $0)) }
            return ["ingress-gateway-0", "fanout-router-0"].flatMap { instance in
                (most.map { Array(1...max(1, $0)) } ?? [1, 7]).map { Fault(instance: instance, number: $0) }
            }
        }()

        @Test(arguments: faults)
        func `a stage whose disk fails once ends, and everything that was accepted is delivered`(_ fault: Fault) throws
        {
            try Pipeline.with(PipelineSettings(subscriptions: 1)) { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 1_000_000, perSecond: 300)
                load.start()
                defer { load.stop() }
                try waitUntil("the load has begun") { pipeline.subscriber.distinct(0) > 200 }
                let victim = try #require(pipeline.pid(fault.instance))
                // It ends with the process that it traces.
                let tracer = try ChildProcess.start(
                    [
                        "strace", "-f", "-qq", "-e", "trace=pwrite64", "-e",
                        "inject=pwrite64:error=EIO:when=\(fault.number)", "-p", "\(victim)",
                    ],
                    environment: [:], output: "/dev/null", errors: "\(pipeline.folder)/strace.txt")
                defer {
                    kill(tracer, SIGKILL)
                    waitpid(tracer, nil, 0)
                }
                try waitUntil("the stage has ended") { !Pipeline.isAlive(victim) }
                let ended = monotonicNanoseconds()
                try waitUntil("webhooks are accepted") {
                    load.soFar.count { $0.isAccepted && $0.startedNanoseconds > ended } > 100
                }
                load.stop()
                let sent = load.wait()
                let log = pipeline.log(fault.instance)
                // The commit log says the former, the state of the event log the latter.
                #expect(log.contains("Input/output error") || log.contains("disk I/O error"))
                #expect(pipeline.log("supervisor").contains("exited with 74"))
                report("\(fault) fails: \(Promises.describe(sent))")
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try Promises.checkQuarantineIsEmpty(of: pipeline)
            }
        }
    }

    @Suite(.enabled(if: Pipeline.canMountSmallDisks)) struct FullDisk {
        /// Far more than a journal or a write-ahead log grows to, so that it is the filler that takes the space.
        private let sizeBytes = 96 << 20
        private let settings = PipelineSettings(ingress: "disk_budget_bytes: \(48 << 20)")

        @Test func `an ingress with a full disk answers 503 and goes on when there is space`() throws {
            let (pipeline, load) = try underLoad(smallDiskFor: "ingress-gateway-0")
            defer {
                load.stop()
                pipeline.remove()
            }
            // Nothing is settled from here on, so the journal grows. A supervisor would replace what is stopped.
            try pipeline.killSupervisor()
            #expect(pipeline.signal("fanout-router-0", SIGSTOP))
            let filler = try fill(pipeline, "ingress-gateway-0")
            try waitUntil("the ingress refuses") { load.soFar.count { $0.status == 503 } > 50 }
            #expect(load.soFar.allSatisfy { $0.status == 202 || ($0.status == 503 && $0.hasRetryAfter) })
            unlink(filler)
            let freed = monotonicNanoseconds()
            try waitUntil("the ingress accepts again") {
                load.soFar.count { $0.isAccepted && $0.startedNanoseconds > freed } > 100
            }
            #expect(pipeline.signal("fanout-router-0", SIGCONT))
            try pipeline.up()
            load.stop()
            let sent = load.wait()
            let firstAgain = sent.first { $0.isAccepted && $0.startedNanoseconds > freed }
            let seconds = Double((firstAgain?.answeredNanoseconds ?? freed) - freed) / 1e9
            report(
                "full disk of the ingress: \(sent.count { $0.status == 503 }) answers of 503, accepting again "
                    + "\(seconds.rounded(to: 2)) s after there was space; \(Promises.describe(sent))")
            try pipeline.waitForDelivery(of: sent)
            try Promises.checkLog(of: pipeline, accepted: sent)
            try Promises.checkQuarantineIsEmpty(of: pipeline)
            try killAndCompare(pipeline, sent)
        }

        /// The journal that was full must also be whole for the next process.
        private func killAndCompare(_ pipeline: Pipeline, _ sent: [SentWebhook]) throws {
            #expect(pipeline.signal("ingress-gateway-0", SIGKILL))
            let load = LoadGenerator(port: pipeline.port, first: 2_000_000, count: 50, perSecond: 200)
            load.start()
            let more = load.wait()
            #expect(more.count { $0.isAccepted } > 0)
            try pipeline.waitForDelivery(of: more)
            try Promises.checkLog(of: pipeline, accepted: sent + more)
        }

        @Test func `a router with a full disk holds up nobody's webhooks and catches up`() throws {
            let (pipeline, load) = try underLoad(smallDiskFor: "fanout-router-0")
            defer {
                load.stop()
                pipeline.remove()
            }
            let filler = try fill(pipeline, "fanout-router-0")
            try waitUntil("the router says that its disk is full") {
                pipeline.log("fanout-router-0").contains("the event log cannot write")
            }
            let full = monotonicNanoseconds()
            try waitUntil("the ingress accepts all the same") {
                load.soFar.count { $0.startedNanoseconds > full } > 500
            }
            unlink(filler)
            load.stop()
            let sent = load.wait()
            report("full disk of the router: \(Promises.describe(sent))")
            #expect(sent.allSatisfy { $0.isAccepted })
            try pipeline.waitForDelivery(of: sent)
            try Promises.checkLog(of: pipeline, accepted: sent)
            try Promises.checkQuarantineIsEmpty(of: pipeline)
        }

        /// A pipeline under load, one instance of which has a small disk.
        private func underLoad(smallDiskFor instance: String) throws -> (Pipeline, LoadGenerator) {
            let pipeline = try Pipeline(settings)
            var load: LoadGenerator?
            do {
                try pipeline.mountSmallDisk(for: instance, sizeBytes: sizeBytes)
                try pipeline.up()
                let started = LoadGenerator(port: pipeline.port, count: 1_000_000, perSecond: 300)
                load = started
                started.start()
                try waitUntil("the load has begun") { pipeline.subscriber.distinct(0) > 200 }
                return (pipeline, started)
            } catch {
                load?.stop()
                pipeline.remove()
                throw error
            }
        }

        /// Takes all space of an instance's disk; returns the file that does.
        private func fill(_ pipeline: Pipeline, _ instance: String) throws -> String {
            let path = "\(pipeline.storage)/\(instance)/filler"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
            defer { close(descriptor) }
            let page = [UInt8](repeating: 0x5A, count: 4096)
            while write(descriptor, page, page.count) > 0 {}
            return path
        }
    }
}
