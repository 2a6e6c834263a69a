import ArgumentParser
import Executable
import Foundation
import JSON
import Testing

@testable import Tributary

@Suite struct HelpTests {
    private static func commands(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap(commands)
    }

    @Test func `examples keep their lines at 80 columns`() {
        for command in Self.commands(TributaryCommand.self) {
            let help = TributaryCommand.helpMessage(for: command, columns: 80).split(separator: "\n")
            for line in command.configuration.discussion.split(separator: "\n") {
                #expect(help.contains(line), "\(command): \(line)")
            }
        }
    }

    @Test(arguments: ["ingress-gateway", "verifier", "normaliser", "fanout-router", "bus-tap", "tributary"])
    func `every executable says its version`(name: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent(name)
        process.arguments = ["--version"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(said == TributaryVersion.current + "\n")
        #expect(process.terminationStatus == 0)
    }

    @Test func `the configuration is printed for reading, and on one line for programs`() throws {
        let folder = try CommandFolder()
        let file = try folder.file("t.yaml", "sources: []\n")
        let text = try CommandRun(["config"], environment: ["TRIBUTARY_CONFIG": file])
        #expect(text.output.contains("\n  \"ingress\": {\n"))
        let line = try CommandRun(["config", "--json", "--config", file])
        #expect(line.output.count { $0 == "\n" } == 1)
        #expect(JSONValue.read(Array(text.output.utf8)) == JSONValue.read(Array(line.output.utf8)))
    }
}
