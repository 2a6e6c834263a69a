import Foundation
import Testing

/// One run of the built `tributary`: what it printed and how it ended.
struct CommandRun {
    let output: String
    let errors: String
    let status: Int32

    /// Beside the test bundle, where `swift build --build-tests` puts it.
    private static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("tributary")

    /// Without the variables that name a router elsewhere, unless `environment` has them.
    init(_ arguments: [String], input: String = "", environment: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment
        for name in ["TRIBUTARY_API", "TRIBUTARY_API_TOKEN"] { variables[name] = nil }
        process.environment = variables.merging(environment) { $1 }
        let (standardInput, standardOutput, standardError) = (Pipe(), Pipe(), Pipe())
        process.standardInput = standardInput
        process.standardOutput = standardOutput
        process.standardError = standardError
        try process.run()
        // Everything fits into the buffers of the pipes, so nobody waits for the other.
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        output = String(decoding: standardOutput.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        errors = String(decoding: standardError.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        status = process.terminationStatus
    }
}
