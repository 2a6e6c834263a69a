import AdminServer
import Foundation
import FreePorts
import Glibc
import JSON
import NIOCore
import NIOPosix
import PipelineConfiguration
import StageMetrics
import Testing
import Threads

@testable import Tributary

/// `tributary doctor`: each finding where there is a reason for it, and none where there is not.
@Suite struct DoctorTests {
    private let folder: CommandFolder

    init() throws {
        folder = try CommandFolder()
    }

    private func configuration(_ yaml: String) throws -> TributaryConfiguration {
        try TributaryConfiguration.decode(yaml, file: "\(folder.path)/t.yaml")
    }

    private func words(_ findings: [Finding]) -> [String] {
        findings.map { "\($0.severity.rawValue) \($0.code.rawValue)" }
    }

    // MARK: disk

    @Test func `the flush of the disk is measured and its file is gone afterwards`() throws {
        let seconds = try DiskFindings.flushSeconds(in: folder.path)
        #expect(seconds.count == 32 && seconds.allSatisfy { $0 > 0 })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        #expect(words([DiskFindings.speed(of: "/d", [0.0002, 0.0003, 0.1])]) == ["ok flush"])
        let slow = DiskFindings.speed(of: "/d", [0.02, 0.03, 0.1])
        #expect(words([slow]) == ["warning flush"])
        #expect(slow.sentence == "a flush of 4 KiB in /d takes 30ms (median of 3), 100ms at worst")
    }

    @Test func `a disk on which what is configured does not fit is warned of, a full one is an error`() throws {
        func severity(_ free: Int, _ needed: Int) -> Finding.Severity {
            DiskFindings.space(in: "/d", free: free, needed: needed).severity
        }
        #expect(severity(20 << 30, 10 << 30) == .fine)
        #expect(severity(5 << 30, 10 << 30) == .warning)
        #expect(severity(100 << 20, 0) == .error)
        let budgets = DiskFindings.budgetBytes(
            try configuration(
                "{ sources: [], ingress: { instances: 2 }, router: { event_log_budget_bytes: 1073741824 } }"))
        #expect(budgets == (2 << 30) + (1 << 30) + 5 * (64 << 20) + (4 << 30))
        #expect(DiskFindings.nearestFolder("\(folder.path)/not/there") == folder.path)
    }

    @Test func `memory is no disk`() throws {
        try #require(Machine.liesInMemory("/dev/shm"), "there is a tmpfs")
        let data = "/dev/shm/tributary-\(UUID().uuidString)"
        let found = DiskFindings.of(try configuration("{ sources: [], data_dir: \(data) }"))
        #expect(words(found).contains("warning durability"))
    }

    @Test func `a file of another user than its folder's is found`() throws {
        let data = "\(folder.path)/data/verifier-0"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        let file = try folder.file("data/verifier-0/log", "x")
        #expect(words(OwnerFindings.of("\(folder.path)/data")) == ["ok owner"])
        guard chown(file, 65534, gid_t.max) == 0 else { return }
        let found = OwnerFindings.of("\(folder.path)/data")
        #expect(words(found) == ["error owner"] && found[0].sentence.hasPrefix("\(file) belongs to user 65534"))
    }

    // MARK: machine

    @Test func `a clock that nobody keeps and one that was set are warned of`() {
        #expect(words(ClockFindings.of(isKept: true, jumps: [("verifier-0", 0.2)])) == ["ok clock"])
        let found = ClockFindings.of(isKept: false, jumps: [("verifier-0", -90)])
        #expect(words(found) == ["warning clock", "warning clock"])
        #expect(found[1].sentence == "the clock was set back by 90s since verifier-0 started")
    }

    @Test func `a limit of open files below the configured connections is warned of`() throws {
        #expect(DescriptorFindings.finding("i", "k", limit: 1024, needed: 4352).severity == .warning)
        #expect(DescriptorFindings.finding("i", "k", limit: 8192, needed: 4352).severity == .fine)
        let found = DescriptorFindings.of(try configuration("sources: []"), [])
        #expect(found.map(\.key) == ["ingress.max_connections", "router.push.max_connections"])
        #expect(found.allSatisfy { $0.sentence.hasPrefix("a process of this shell may open ") })
    }

    @Test func `an address is free, taken, held by the pipeline, or missing`() throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let port = Int(FreePorts.next())
        let channel = try ServerBootstrap(group: group).serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .bind(host: "127.0.0.1", port: port).wait()
        let configuration = try configuration("{ sources: [], ingress: { listen: \"127.0.0.1:\(port)\" } }")
        let taken = PortFindings.of(configuration, pids: [])
        #expect(words(taken) == ["error port"])
        #expect(taken[0].sentence.contains("is taken by process \(getpid()) ("))
        #expect(words(PortFindings.of(configuration, pids: [getpid()])) == ["ok port"])
        #expect(words(PortFindings.of(configuration, pids: [1])) == ["error port"])
        try channel.close().wait()
        #expect(words(PortFindings.of(configuration, pids: [])) == ["ok port"])
        #expect(PortFindings.of(configuration, pids: [getpid()])[0].sentence.hasSuffix("is listened on by nobody"))
        let elsewhere = try self.configuration("{ sources: [], ingress: { listen: \"192.0.2.1:8080\" } }")
        #expect(PortFindings.of(elsewhere, pids: [])[0].sentence.contains("cannot be listened on"))
    }

    // MARK: stages

    @Test func `stages are ready, not ready, of another version, or missing`() throws {
        try FileManager.default.createDirectory(atPath: "\(folder.path)/run", withIntermediateDirectories: true)
        let waiting = HealthCheck(name: "router", ok: false, detail: "no router is linked")
        let stages = try [("verifier", [HealthCheck]()), ("normaliser", [waiting])].map { stage, checks in
            try AdminEndpoint(
                socketPath: "\(folder.path)/run/\(stage)-0.admin", metricsListen: nil,
                registry: MetricRegistry(stage: stage, instance: "\(stage)-0", version: "0.0.0"),
                readiness: { checks })
        }
        defer { for stage in stages { stage.close() } }
        let found = StageFindings(try configuration("sources: []"))
        #expect(found.runs && found.pids == [getpid()])
        #expect(found.clockJumps.map(\.instance) == ["verifier-0", "normaliser-0"])
        #expect(
            words(found.findings) == [
                "ok stage", "warning version", "error stage", "warning version", "error stage", "error stage",
            ])
        #expect(found.findings[2].sentence == "normaliser-0 is not-ready: no router is linked")
        #expect(found.findings[4].sentence == "no ingress-gateway runs")
    }

    @Test func `a stage whose thread stands still hangs`() throws {
        try FileManager.default.createDirectory(atPath: "\(folder.path)/run", withIntermediateDirectories: true)
        let configuration = try configuration("sources: []")
        let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1")
        let heartbeat = registry.heartbeat(of: "bus")
        heartbeat.beat(at: monotonicNanoseconds() - 2 * Heartbeat.stalledAfterNanoseconds)
        let stage = try AdminEndpoint(
            socketPath: "\(folder.path)/run/verifier-0.admin", metricsListen: nil, registry: registry, readiness: { [] }
        )
        defer { stage.close() }
        let found = withExtendedLifetime(heartbeat) { StageFindings(configuration).findings }
        #expect(words(found).first == "error hang")
        #expect(found[0].sentence.hasPrefix("verifier-0: stalled: the bus thread has not moved for 2"))
    }

    @Test func `where nothing runs that is said and no error`() throws {
        #expect(words(StageFindings(try configuration("sources: []")).findings) == ["ok stage"])
    }

    // MARK: destinations

    private func destination(_ url: String, _ further: String = "", router: String = "") throws -> [Finding] {
        let yaml = """
            sources: []
            router: { \(router.isEmpty ? "egress_allow: [127.0.0.0/8, \"::1/128\"]" : router) }
            subscriptions: [{ name: app, url: "\(url)", signing: { scheme: none }\(further) }]
            """
        return DestinationFindings.of(try configuration(yaml), api: [])
    }

    @Test func `name, address and connection of a destination are looked at in this order`() throws {
        #expect(words(try destination("https://name.invalid/")) == ["error name"])
        let refused = try destination("https://127.0.0.1:1/", router: "egress_allow: [10.0.0.0/8]")
        #expect(words(refused) == ["error egress"] && refused[0].sentence == "127.0.0.1 is not a global address")
        let closed = try destination("https://127.0.0.1:1/")
        #expect(words(closed) == ["error connection"])
        #expect(closed[0].key == "subscription app (127.0.0.1:1)")
        #expect(closed[0].sentence.hasSuffix("the connection was refused; nothing listens there"))
        #expect(
            words(try destination("https://a.example/", router: "egress_proxy: \"http://127.0.0.1:1\"")) == [
                "ok connection"
            ])
    }

    @Test func `a certificate is trusted by its authority, and says how long it counts`() throws {
        let server = try TLSRouter(folder: folder.path, answer: "{}")
        defer { server.close() }
        let unknown = try destination("https://localhost:\(server.port)/")
        #expect(words(unknown) == ["error tls"] && unknown[0].sentence.contains("its certificate is not trusted"))
        let known = try destination(
            "https://localhost:\(server.port)/", ", tls: { ca: \"file:\(server.certificate)\" }")
        #expect(words(known) == ["ok connection", "warning certificate"])
        #expect(known[1].sentence.hasPrefix("its certificate counts for "))
        #expect(words(try destination("http://localhost:\(server.port)/")) == ["ok connection"])
        #expect(server.asked.isEmpty)
    }

    @Test func `a certificate is near its end, over, or neither`() {
        func severity(_ days: Int) -> Finding.Severity {
            CertificateFindings.finding("k", expiresAtSeconds: days * 86_400, nowNanoseconds: 0).severity
        }
        #expect([-1, 3, 30].map(severity) == [.error, .warning, .fine])
    }

    // MARK: the command

    @Test func `what is not in order is followed by why and what to do, and errors end with 1`() throws {
        let listen = "127.0.0.1:\(FreePorts.next())"
        let file = try folder.file("t.yaml", "{ sources: [], ingress: { listen: \"\(listen)\" } }\n")
        let fine = try CommandRun(["doctor", "--offline", "--config", file])
        #expect(fine.status == 0 && fine.errors.isEmpty, "\(fine.output)")
        #expect(fine.output.contains("ok       port") && fine.output.contains("\n0 errors, "))
        let wrong = try folder.file("w.yaml", "{ sources: [], ingress: { listen: \"192.0.2.1:8080\" } }\n")
        let text = try CommandRun(["doctor", "--offline", "--config", wrong])
        #expect(text.status == 1)
        #expect(text.output.contains("do:  \(FindingCode.port.remedy)") && text.output.contains("\n1 error, "))
        let json = try #require(
            JSONValue.read(Array(try CommandRun(["doctor", "--offline", "--json", "--config", wrong]).output.utf8)))
        #expect(json["ok"] == .bool(false))
        let port = json["findings"].elements.first { $0["code"].text == "port" }
        #expect(port?["severity"].text == "error" && port?["key"].text == "ingress.listen")
        #expect(port?["remedy"].text == FindingCode.port.remedy)
        let none = try CommandRun(["doctor", "--config", "\(folder.path)/none.yaml"])
        #expect(none.status == 78)
    }

    @Test func `the operators' page has every code`() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: root.appending(path: "compose/README.md"), encoding: .utf8)
        for code in FindingCode.allCases { #expect(page.contains("`\(code.rawValue)`"), "\(code)") }
    }
}
