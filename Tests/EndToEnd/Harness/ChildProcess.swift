import Glibc

/// What a finished command left.
struct CommandResult {
    /// The exit code, or minus the number of the signal that ended it.
    let status: Int32
    let output: String
    let errors: String
}

/// Runs commands, with their output in files so that no pipe can fill.
enum ChildProcess {
    /// Runs a command to its end. `environment` is added to PATH and HOME.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], in folder: String
    ) throws -> CommandResult {
        let (out, err) = (
            "\(folder)/.out-\(UInt32.random(in: 0 ... .max))", "\(folder)/.err-\(UInt32.random(in: 0 ... .max))"
        )
        defer {
            unlink(out)
            unlink(err)
        }
        let pid = try start(arguments, environment: environment, output: out, errors: err)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return CommandResult(
            status: signal == 0 ? (status >> 8) & 0xFF : -signal, output: Files.text(out), errors: Files.text(err))
    }

    /// Starts a command; whoever calls waits for it.
    static func start(
        _ arguments: [String], environment: [String: String], output: String, errors: String
    ) throws -> pid_t {
        var variables = environment
        for name in ["PATH", "HOME"] where variables[name] == nil {
            variables[name] = getenv(name).map { String(cString: $0) } ?? ""
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, arguments[0], &actions, nil, &argv, &envp)
        guard result == 0 else {
            throw Failure("\(arguments[0]) cannot be started: \(String(cString: strerror(result)))")
        }
        return pid
    }
}

/// Files as whole values.
enum Files {
    /// The bytes of a file; empty where there is none.
    static func bytes(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }

    static func text(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

    static func write(_ text: String, to path: String) throws { try write(Array(text.utf8), to: path) }

    static func write(_ bytes: [UInt8], to path: String) throws {
        guard let file = fopen(path, "we") else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
        fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0 else { throw Failure("\(path): \(String(cString: strerror(errno)))") }
    }

    /// The names in a folder; none where there is no folder.
    static func names(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}
