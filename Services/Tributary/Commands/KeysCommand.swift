import ArgumentParser
import Executable
import Glibc
import JSON
import ZeroMQ

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Makes keys for links between hosts.", subcommands: [KeysGenerate.self])
}

struct KeysGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Makes a key pair for one role.",
        discussion: """
            Example:
              tributary keys generate verifier.key

            The secret key goes into the file, which must not exist yet, for its owner
            alone. The public key is printed; it belongs into topology.verifier.public_key
            of the configuration, and file:verifier.key into secret_key beside it.
            """)

    @Argument(help: "Where the secret key is written.")
    var file: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
        do {
            let keys = try CurveKeys.generate()
            try write(keys.secretKey + "\n")
            guard json else { return print(keys.publicKey) }
            print(
                JSONText.object([("public_key", .string(keys.publicKey)), ("secret_key_file", .string(file))]))
        } catch let failure as StageFailure {
            failure.exit(as: "tributary")
        }
    }

    private func write(_ text: String) throws(StageFailure) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StageFailure(.io, "\(file) cannot be created: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw StageFailure(.io, "\(file) cannot be written: \(String(cString: strerror(errno)))")
        }
    }
}
