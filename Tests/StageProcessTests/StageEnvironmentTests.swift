import ArgumentParser
import Foundation
import Glibc
import Logging
import StageMetrics
import Synchronization
import Testing
import Threads

@testable import Executable
@testable import PipelineConfiguration
@testable import StageProcess

@Suite(.serialized) struct StageEnvironmentTests {
    let folder = "/tmp/tributary-stage-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"

    init() throws {
        try #require(mkdir(folder, 0o755) == 0)
        write("ingress: { metrics_listen: \"127.0.0.1:9100\" }\nrun_dir: run\ndata_dir: data\n", to: "t.yaml")
    }

    private func write(_ text: String, to name: String) {
        let descriptor = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        _ = Glibc.write(descriptor, text, text.utf8.count)
        close(descriptor)
    }

    private func options(_ arguments: [String] = []) throws -> StageOptions {
        try StageOptions.parse(["--config", "\(folder)/t.yaml"] + arguments)
    }

    private func failure(_ arguments: [String] = []) throws -> StageFailure? {
        let options = try options(arguments)
        return #expect(throws: StageFailure.self) { try StageEnvironment.open(.verifier, options) }
    }

    @Test func `a stage gets its name, its directory and its metrics`() throws {
        let environment = try StageEnvironment.open(.ingressGateway, options())
        #expect(environment.instance == "ingress-gateway-0")
        #expect(environment.runDirectory == "\(folder)/run")
        #expect(environment.socketPath("out") == "\(folder)/run/ingress-gateway-0.out")
        #expect(environment.registry.render().contains("stage_instance=\"ingress-gateway-0\""))
        #expect(environment.metricsListen?.port == 9100)
        var status = stat()
        #expect(stat(environment.runDirectory, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
        #expect(try environment.makeDataDirectory() == "\(folder)/data/ingress-gateway-0")
    }

    @Test func `the configuration says how much is logged, and the command line says it before`() throws {
        write("log_level: warning\nrun_dir: run\ndata_dir: data\n", to: "t.yaml")
        #expect(try StageEnvironment.open(.verifier, options()).logger.logLevel == .warning)
        #expect(
            try StageEnvironment.open(.verifier, options(["--instance", "other", "--log-level", "debug"])).logger
                .logLevel == .debug)
    }

    @Test(arguments: [(Stage.normaliser, true), (.fanoutRouter, true), (.ingressConnector, true), (.verifier, false)])
    func `threads that no provider waits for wake up without interrupting who runs`(
        stage: Stage, expected: Bool
    ) throws {
        let options = try options()
        let isPatient = Mutex(!expected)
        BlockingThread(name: "stage") {
            // This one begins with the policy of a thread of other tests.
            var parameters = sched_param()
            sched_setscheduler(0, SCHED_OTHER, &parameters)
            let environment = try? StageEnvironment.open(stage, options)
            BlockingThread(name: "bus") { isPatient.withLock { $0 = Scheduling.isPatient } }.join()
            withExtendedLifetime(environment) {}
        }.join()
        #expect(isPatient.withLock { $0 } == expected)
    }

    @Test func `no core file of a stage is written and no debugger of the same user reads it`() throws {
        let environment = try StageEnvironment.open(.verifier, options())
        defer { withExtendedLifetime(environment) {} }
        #expect(!ProcessMemory.mayBeDumped)
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
        #expect(limit.rlim_cur == 0 && limit.rlim_max == 0)
    }

    @Test func `what only the start needed of the program is given back, and code runs on`() async {
        await #expect(processExitsWith: .success) {
            let before = Self.residentProgramBytes()
            ProcessMemory.giveBackProgram()
            let after = Self.residentProgramBytes()
            #expect(0 < after && after < before, "\(before), \(after)")
        }
    }

    /// What of the program's file is in memory where its code lies.
    private static func residentProgramBytes() -> Int {
        guard let program = realpath("/proc/self/exe", nil),
            let maps = try? String(contentsOfFile: "/proc/self/smaps", encoding: .utf8)
        else { return 0 }
        defer { free(program) }
        var (isCode, kilobytes) = (false, 0)
        for line in maps.split(separator: "\n") {
            if line.contains(" r-x") || line.contains(" rw-") || line.contains(" r--") || line.contains(" ---") {
                isCode = line.contains(" r-x") && line.hasSuffix(String(cString: program))
            } else if isCode, line.hasPrefix("Rss:") {
                kilobytes += line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
            }
        }
        return kilobytes * 1024
    }

    @Test func `a secret's file that others can open is named, a certificate's is not`() throws {
        for (name, mode) in [("secret", 0o644), ("key", 0o640), ("open-key", 0o644), ("cert", 0o644)]
            as [(String, UInt32)]
        {
            write("x", to: name)
            try #require(chmod("\(folder)/\(name)", mode) == 0)
        }
        write(
            """
            ingress: { tls: { certificate: "file:\(folder)/cert", key: "file:\(folder)/open-key" } }
            router: { listen: "127.0.0.1:8081", api_tokens: ["env:T"], tls: { certificate: "file:\(folder)/cert", key: "file:\(folder)/key" } }
            sources:
              - { name: app, provider: stream, secrets: [{ id: key, value: "file:\(folder)/secret" }] }
            run_dir: run
            data_dir: data
            """, to: "t.yaml")
        let configuration = try TributaryConfiguration.loadForProcess("\(folder)/t.yaml")
        let warnings = configuration.exposedSecrets(of: Stage.allCases)
        #expect(warnings.count == 2)
        #expect(warnings.contains { $0.contains("file:\(folder)/open-key") })
        #expect(warnings.contains { $0.contains("file:\(folder)/secret") })
        #expect(configuration.exposedSecrets(of: [.normaliser, .fanoutRouter]).isEmpty)
    }

    @Test func `instance n serves its metrics n ports higher`() throws {
        let environment = try StageEnvironment.open(.ingressGateway, options(["--instance", "ingress-gateway-3"]))
        #expect(environment.metricsListen?.port == 9103)
    }

    @Test func `an instance cannot run twice`() throws {
        let first = try StageEnvironment.open(.verifier, options())
        let second = try failure()
        #expect(second?.status == .temporary)
        #expect(second?.sentence.contains("verifier-0 runs already") ?? false)
        #expect(throws: Never.self) { try StageEnvironment.open(.verifier, options(["--instance", "verifier-1"])) }
        _ = first.lock
    }

    @Test func `a router with a run directory of its own is refused the event log of another`() throws {
        let first = try StageEnvironment.open(.fanoutRouter, options())
        let lock = try first.lockEventLog()
        defer { withExtendedLifetime(lock) {} }
        write("run_dir: other-run\ndata_dir: data\n", to: "t.yaml")
        let second = try StageEnvironment.open(.fanoutRouter, options())
        let refused = #expect(throws: StageFailure.self) { try second.lockEventLog() }
        #expect(refused?.status == .temporary)
        #expect(
            refused?.sentence.hasPrefix("event_log_locked: the event log in \(folder)/data/fanout-router-0") ?? false)
    }

    @Test func `a run directory that others may enter is refused`() throws {
        try #require(mkdir("\(folder)/run", 0o700) == 0)
        try #require(chmod("\(folder)/run", 0o755) == 0)
        let refused = try failure()
        #expect(refused?.status == .io)
        #expect(refused?.sentence == "\(folder)/run is open to other users; close it with: chmod 700 \(folder)/run")
    }

    @Test func `a run directory may be shared with a group by mode 2770, and only by that`() throws {
        try #require(mkdir("\(folder)/run", 0o700) == 0)
        #expect(!PrivateDirectory.isShared("\(folder)/run"))
        for (mode, isShared) in [(0o2770, true), (0o770, false), (0o2775, false), (0o3770, false)] as [(mode_t, Bool)] {
            try #require(chmod("\(folder)/run", mode) == 0)
            #expect(PrivateDirectory.isShared("\(folder)/run") == isShared)
            if isShared {
                #expect(throws: Never.self) { try PrivateDirectory.create("\(folder)/run") }
            } else {
                #expect(throws: StageFailure.self) { try PrivateDirectory.create("\(folder)/run") }
            }
        }
    }

    @Test func `a run directory that is a file is refused`() throws {
        write("x", to: "run")
        #expect(try failure()?.status == .io)
    }

    @Test func `a wrong configuration is status 78 with every error`() throws {
        write("run_dri: a\nverifier: 1\n", to: "t.yaml")
        let refused = try failure()
        #expect(refused?.status == .configuration)
        #expect(refused?.sentence.split(separator: "\n").count == 2)
    }

    @Test(arguments: ["", "A", "a/b", "../a", String(repeating: "a", count: 64)])
    func `a name that is no instance name is wrong usage`(_ name: String) throws {
        #expect(try failure(["--instance", name])?.status == .usage)
    }

    @Test func `a secret that is missing names stage, key and variable`() throws {
        let environment = try StageEnvironment.open(.verifier, options())
        let reference = SecretReference(place: .env("TRIBUTARY_TEST_UNSET"), keyPath: "sources[0].secrets[0].value")
        let refused = #expect(throws: StageFailure.self) { try environment.resolve(reference) }
        #expect(refused?.status == .configuration)
        for part in ["verifier", "sources[0].secrets[0].value", "TRIBUTARY_TEST_UNSET"] {
            #expect(refused?.sentence.contains(part) ?? false)
        }
    }
}
