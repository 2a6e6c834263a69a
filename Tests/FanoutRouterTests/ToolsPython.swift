import Foundation

/// The Python with the packages that `scripts/bootstrap` installs, or else the one on the path.
enum ToolsPython {
    private static let command: [String] = {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let own = repository.appendingPathComponent(".build/tools-venv/bin/python").path
        return FileManager.default.isExecutableFile(atPath: own) ? [own] : ["/usr/bin/env", "python3"]
    }()

    /// Whether a package can be imported.
    static func has(_ package: String) -> Bool { (try? run(["-c", "import \(package)"])) == 0 }

    /// The exit status.
    static func run(_ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = command.dropFirst() + arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
