import Foundation
import Testing

/// Runs of the built `bus-tap` that end by themselves because of what they are asked for.
@Suite struct BusTapCommandTests {
    private static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("bus-tap")

    private func run(_ arguments: [String]) throws -> (errors: String, status: Int32) {
        let folder = NSTemporaryDirectory() + "bus-tap-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = "\(folder)/t.yaml"
        try Data("sources: [{ name: stream, provider: stream, secrets: [{ id: k, value: \"env:S\" }] }]\n".utf8)
            .write(to: URL(fileURLWithPath: file))
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = ["--config", file] + arguments
        let standardError = Pipe()
        process.standardError = standardError
        try process.run()
        let errors = String(decoding: standardError.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (errors, process.terminationStatus)
    }

    @Test(arguments: [
        (["--source", "strem"], "has no source strem; did you mean \"stream\"?"),
        (["--type", "particpant.joined"], "type like particpant.joined; did you mean \"participant.joined\"?"),
        (["--type", "dev.tributary.nothing.*"], "no event has a type like dev.tributary.nothing.*"),
        (["--stage", "postman"], "the stages are ingress-gateway (or ingress), ingress-connector (or connector)"),
        (["--instance", "postman-0"], "stage_unknown: --instance postman-0"),
        (["--where", "call/id=1"], "pointer_malformed: --where call/id=1"),
        (["--follow", "1", "--stage", "verifier"], "--follow looks at every hop"),
        (["--follow", "1", "--count", "1"], "--follow excludes --diff, --oneline, --count and --id"),
        (["--force"], "--force goes with --record"),
    ])
    func `unknown names are said at once`(arguments: [String], sentence: String) throws {
        let result = try run(arguments)
        #expect(result.status == 64)
        #expect(result.errors.contains(sentence), "\(result.errors)")
    }
}
