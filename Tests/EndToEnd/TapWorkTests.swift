import Foundation
import FreePorts
import Glibc
import Testing

extension EndToEnd {
    @Suite struct TapWork {
        private static let sshd = "/usr/sbin/sshd"

        /// A tap that was started and goes on by itself.
        private final class Tap {
            let pid: pid_t
            private let path: String
            private var status: Int32?

            init(_ pipeline: Pipeline, _ arguments: String..., through command: [String] = []) throws {
                path = "\(pipeline.folder)/tap-\(UInt32.random(in: 0 ... .max))"
                pid = try ChildProcess.start(
                    command + [Executables.path("bus-tap"), "--eager"] + arguments + [
                        "--config", pipeline.configuration,
                    ],
                    environment: [:], output: "\(path).out", errors: "\(path).err")
            }

            deinit { if exitStatus == nil { kill(pid, SIGKILL) } }

            var output: String { Files.text("\(path).out") }
            var errors: String { Files.text("\(path).err") }

            /// Nil while it runs.
            var exitStatus: Int32? {
                var value: Int32 = 0
                if status == nil, waitpid(pid, &value, WNOHANG) == pid { status = (value >> 8) & 0xFF }
                return status
            }
        }

        @Test func `one webhook is followed to the event log, and one with a wrong signature to its refusal`() throws {
            try Pipeline.with { pipeline in
                // Its provider sends it again and again, so that one comes when the tap listens.
                func follow(_ id: String, secret: String) throws -> Tap {
                    let client = try HTTPClient(port: pipeline.port)
                    let tap = try Tap(pipeline, "--follow", id)
                    let webhook = SignedWebhook.stream(id, body: SignedWebhook.streamBody(7), secret: secret)
                    try waitUntil("the tap has seen its webhook") {
                        _ = try client.exchange(webhook)
                        return tap.exitStatus != nil
                    }
                    return tap
                }
                let logged = try follow("e2e-0000007", secret: SignedWebhook.streamSecret)
                #expect(logged.exitStatus == 0, "\(logged.errors)")
                #expect(logged.errors.contains("waiting for e2e-0000007"))
                for instance in ["ingress-gateway-0", "verifier-0", "normaliser-", "fanout-router-0"] {
                    #expect(logged.output.contains("\n  \(instance)"), "\(logged.output)")
                }
                #expect(logged.output.contains("participant.joined"))
                #expect(
                    logged.output.hasSuffix("in the event log, unless its event was there before\n"), "\(logged.output)"
                )

                let refused = try follow("e2e-0000008", secret: "another secret")
                #expect(refused.exitStatus == 1)
                #expect(refused.output.contains("refused by verifier: signature_mismatch"), "\(refused.output)")
            }
        }

        @Test func `what was recorded is shown again, and reprocessed by another pipeline`() throws {
            try Pipeline.with { pipeline in
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 50, connections: 2)
                load.start()
                defer { load.stop() }
                let file = "\(pipeline.folder)/bug.tap"
                let made = try pipeline.command(
                    "bus-tap", "--record", file, "--oneline", "--source", "stream", "--where", "/participant/role=user",
                    "--count", "40")
                #expect(made.status == 0, "\(made.errors)")
                #expect(made.output.split(separator: "\n").count { $0.contains(" #") } == 40)
                var status = stat()
                #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
                let again = try pipeline.command("bus-tap", "--record", file, "--count", "1")
                #expect(again.status == 74 && again.errors.contains("is there already; --force replaces it"))
                let piped = try pipeline.command("bus-tap", "--record", "-", "--count", "1")
                #expect(piped.output.contains("TRIB"))

                let shown = try records(pipeline, "--from", file, "--json", "--headers")
                #expect(shown.count == 40)
                let hops = Set(shown.compactMap { $0["stage"] as? String })
                #expect(hops == ["ingress-gateway", "verifier", "normaliser", "fanout-router"])
                let ids = Set(shown.compactMap { ($0["headers"] as? [String: String])?["x-webhook-id"] })
                let page = try ChildProcess.run(
                    Executables.python.split(separator: " ").map(String.init)
                        + ["\(Executables.repository)/Tests/WireTests/read_wire.py", "--recording", file],
                    in: pipeline.folder)
                #expect(page.output.split(separator: "\n").count == 40, "\(page.errors)")
                try reprocess(file, ids)
            }
        }

        private func reprocess(_ file: String, _ ids: Set<String>) throws {
            try Pipeline.with { other in
                let rehearsed = try other.command("tributary", "reprocess", "--from", file, "--dry-run")
                #expect(rehearsed.status == 0, "\(rehearsed.output) \(rehearsed.errors)")
                let summary = "\(ids.count) entries: \(ids.count) would be accepted; nothing was sent"
                #expect(rehearsed.output.contains(summary))
                let sent = try other.command("tributary", "reprocess", "--from", file, "--json")
                #expect(sent.status == 0, "\(sent.output) \(sent.errors)")
                #expect(sent.output.contains("\"replayed\":\(ids.count)"), "\(sent.output)")
                try waitUntil("what was recorded is delivered") {
                    other.subscriber.hasAll(ids.compactMap { SignedWebhook.number($0) })
                }
                #expect(try Set(other.events().map(\.id)) == ids)
                let none = try other.command("tributary", "reprocess", "--from", other.configuration)
                #expect(none.status == 74 && none.errors.contains("is no recording of bus-tap"), "\(none.errors)")
            }
        }

        @Test func `a stopped tap costs the pipeline nothing: what it does not take is dropped, and said later`() throws
        {
            try Pipeline.with { pipeline in
                let stages = ["ingress-gateway-0", "verifier-0", "normaliser-0", "fanout-router-0"]
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 400)
                load.start()
                defer { load.stop() }
                let tap = try Tap(pipeline, "--oneline", "--payload")
                try waitUntil("the tap shows all hops") { stages.allSatisfy { tap.output.contains($0) } }
                kill(tap.pid, SIGSTOP)
                let before = stages.map { pipeline.residentBytes($0) }
                let printed = tap.output.utf8.count
                func passed() -> Double { pipeline.metric("verifier-0", "tributary_batches_total", label: "out") ?? 0 }
                let start = passed()
                // Far more than queues of a tap hold.
                try waitUntil("the pipeline has gone on for 1500 batches") { passed() > start + 1500 }
                for (stage, bytes) in zip(stages, before) {
                    let more = pipeline.residentBytes(stage) - bytes
                    report("\(stage) has \(more >> 20) MiB more with a stopped tap")
                    #expect(more < 48 << 20)
                }
                #expect(tap.output.utf8.count == printed)
                kill(tap.pid, SIGCONT)
                try waitUntil("the tap goes on and says what it missed") { tap.output.contains("  skipped ") }
                load.stop()
                let sent = load.wait()
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
            }
        }

        @Test func `a tap that shows nothing ends with its reader, too`() throws {
            try Pipeline.with { pipeline in
                let tap = Executables.path("bus-tap")
                let result = try ChildProcess.run(
                    ["bash", "-c", "'\(tap)' --config '\(pipeline.configuration)' | true; echo ${PIPESTATUS[0]}"],
                    in: pipeline.folder)
                #expect(result.output == "0\n", "\(result.output) \(result.errors)")
            }
        }

        @Test(.enabled(if: access(sshd, X_OK) == 0 && geteuid() == 0, "needs openssh-server and root"))
        func `from another host it is tapped over ssh, which takes the tap with it when it ends`() throws {
            try Pipeline.with { pipeline in
                let ssh = try startServer(in: pipeline.folder)
                defer { kill(ssh.server, SIGTERM) }
                let load = LoadGenerator(port: pipeline.port, count: 100_000, perSecond: 50, connections: 2)
                load.start()
                defer { load.stop() }
                let shown = try ChildProcess.run(
                    ssh.client + [
                        Executables.path("bus-tap"), "--json", "--count", "3", "--config", pipeline.configuration,
                    ], in: pipeline.folder)
                #expect(shown.status == 0, "\(shown.errors)")
                #expect(shown.output.split(separator: "\n").count == 3)

                let idle = try Tap(pipeline, "--id", "nothing-has-this-id", through: ssh.client)
                try waitUntil("the tap runs") { remoteTaps().count == 1 }
                kill(idle.pid, SIGKILL)
                try waitUntil("the tap has ended with its ssh") { remoteTaps().isEmpty }
            }
        }

        /// The processes of taps for an id that nothing has.
        private func remoteTaps() -> [String] {
            Files.names(in: "/proc").filter { name in
                pid_t(name) != nil && Pipeline.isAlive(pid_t(name) ?? 0)
                    && Files.text("/proc/\(name)/cmdline").hasPrefix(Executables.path("bus-tap") + "\0")
                    && Files.text("/proc/\(name)/cmdline").contains("nothing-has-this-id")
            }
        }

        /// An OpenSSH server for root on the loopback interface; the command that connects to it.
        private func startServer(in folder: String) throws -> (server: pid_t, client: [String]) {
            let port = FreePorts.next()
            for key in ["host", "client"] {
                _ = try ChildProcess.run(
                    ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "\(folder)/\(key)"], in: folder)
            }
            let log = "\(folder)/sshd.log"
            mkdir("/run/sshd", 0o755)
            let options = [
                "HostKey=\(folder)/host", "AuthorizedKeysFile=\(folder)/client.pub", "StrictModes=no", "UsePAM=no",
                "PidFile=none", "ListenAddress=127.0.0.1:\(port)", "PermitRootLogin=prohibit-password",
            ]
            let server = try ChildProcess.start(
                [Self.sshd, "-D", "-e", "-f", "/dev/null"] + options.flatMap { ["-o", $0] }, environment: [:],
                output: log, errors: log)
            let client =
                ["ssh", "-F", "none", "-i", "\(folder)/client", "-p", String(port)]
                + ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes", "LogLevel=ERROR"]
                .flatMap { ["-o", $0] } + ["root@127.0.0.1"]
            try waitUntil("sshd listens") { Files.text(log).contains("listening on") }
            return (server, client)
        }

        private func records(_ pipeline: Pipeline, _ arguments: String...) throws -> [[String: Any]] {
            let result = try ChildProcess.run(
                [Executables.path("bus-tap"), "--eager"] + arguments + ["--config", pipeline.configuration],
                in: pipeline.folder)
            #expect(result.status == 0, "\(result.errors)")
            return try result.output.split(separator: "\n").map { line in
                try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
        }
    }
}
