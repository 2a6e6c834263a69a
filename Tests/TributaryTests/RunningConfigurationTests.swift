import Executable
import Foundation
import PipelineConfiguration
import Testing

@testable import Tributary

@Suite struct RunningConfigurationTests {
    private static let accepted = "sources: []\ningress: { idle_timeout: 75s }\n"

    /// A configuration that was accepted, and what its file says now.
    private func pipeline(_ file: String) throws -> (folder: CommandFolder, file: String) {
        let folder = try CommandFolder()
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/run", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        _ = try folder.file("run/accepted.yaml", Self.accepted)
        return (folder, try folder.file("t.yaml", file))
    }

    private func running(_ file: String) throws -> (configuration: TributaryConfiguration, warnings: [String]) {
        var warnings: [String] = []
        let configuration = try AcceptedConfiguration.running(file) { warnings.append($0) }
        return (configuration, warnings)
    }

    @Test func `what runs is asked although the file was edited, and one line says so`() throws {
        let (folder, file) = try pipeline("sources: []\ningress: { idle_timeout: 30s }\n")
        let found = try running(file)
        #expect(found.configuration.ingress.idleTimeout == .seconds(75))
        #expect(found.configuration.runDir == "\(folder.path)/run")
        #expect(
            found.warnings == [
                "warning: \(file) differs from what runs in 1 place, and what runs is asked; `tributary check --running` "
                    + "says how, `scripts/supervisor reload` takes it over"
            ])
    }

    @Test(arguments: ["sources: []\ningres: {}\n", "sources: [\n", "run_dir: run\nsources: 7\n"])
    func `what runs is asked although the file has errors`(text: String) throws {
        let (folder, file) = try pipeline(text)
        let found = try running(file)
        #expect(found.configuration.runDir == "\(folder.path)/run")
        #expect(found.configuration.ingress.idleTimeout == .seconds(75))
        #expect(found.warnings.count == 1)
        #expect(found.warnings.first?.hasPrefix("warning: \(file) has 1 error, so what runs is asked") == true)
    }

    @Test func `nothing is said about another comment, nor where no configuration was accepted`() throws {
        let (folder, file) = try pipeline("# edited\n" + Self.accepted)
        #expect(try running(file).warnings == [])
        try FileManager.default.removeItem(atPath: "\(folder.path)/run/accepted.yaml")
        #expect(try running(file).warnings == [])
        let wrong = try folder.file("w.yaml", "sources: 7\n")
        #expect(throws: StageFailure.self) { try running(wrong) }
    }

    @Test func `check --running says how the file differs and ends with 1, with 0 where it does not`() throws {
        let (folder, file) = try pipeline("sources: []\ningress: { idle_timeout: 30s }\n")
        let differs = try CommandRun(["check", "--running", "--config", file])
        #expect(differs.status == 1)
        #expect(
            differs.output.hasSuffix(
                "changed: ingress.idle_timeout: 75s → 30s (taken over in place: ingress-gateway)\n"))
        _ = try folder.file("t.yaml", Self.accepted)
        let same = try CommandRun(["check", "--running"], environment: ["TRIBUTARY_CONFIG": file])
        #expect(same.status == 0)
        #expect(same.output.hasSuffix("what runs has this configuration\n"))
        try FileManager.default.removeItem(atPath: "\(folder.path)/run/accepted.yaml")
        let unknown = try CommandRun(["check", "--running", "--config", file])
        #expect(unknown.status == 69)
        #expect(unknown.errors.contains("what runs is not known: \(folder.path)/run/accepted.yaml is not there"))
    }

    @Test func `a command that looks says on standard error that the file differs`() throws {
        let (folder, file) = try pipeline("sources: []\ningress: { idle_timeout: 30s }\n")
        let stats = try CommandRun(["stats", "--config", file])
        #expect(stats.errors.contains("\(folder.path)/run/fanout-router-0.admin"))
        #expect(stats.status == 69)
        #expect(stats.errors.hasPrefix("tributary: warning: \(file) differs from what runs in 1 place"))
    }
}
