import ArgumentParser
import Executable
import JSON
import LibCrypto
import PipelineConfiguration
import Primitives
import Wire

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Makes tokens for the control API.", subcommands: [TokenMake.self])
}

struct TokenMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Makes a random token and the lines that let it in.",
        discussion: """
            Examples:
              tributary token make --name ops > ops.token
                  the lines for router.api_tokens go to the terminal
              tributary token make --name dashboard --scopes read

            The token is printed this once, on standard output. The configuration keeps its
            SHA-256 alone, so that nobody who reads the file can use the API.
            """)

    @Option(help: ArgumentHelp("Whose token it is; the router's log and metrics name it.", valueName: "name"))
    var name = "ops"

    @Option(
        help: ArgumentHelp(
            "What it may do, comma-separated: read (look), write (change subscriptions), replay (send again, delete "
                + "from the quarantine).", valueName: "scopes"))
    var scopes = APITokenConfiguration.allScopes.joined(separator: ",")

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func validate() throws {
        let isName =
            (1...63).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
        guard isName else { throw ValidationError("--name must be 1 to 63 characters a-z, 0-9 and -") }
        let known = APITokenConfiguration.allScopes
        guard !chosenScopes.isEmpty, chosenScopes.allSatisfy(known.contains) else {
            throw ValidationError("--scopes must be some of \(known.joined(separator: ", "))")
        }
    }

    private var chosenScopes: [String] { scopes.split(separator: ",").map { String($0).trimmed } }

    func run() {
        let made = MadeToken(name: name, scopes: chosenScopes)
        if json { return print(made.json) }
        StandardError.write(made.lines + "\n")
        print(made.token)
    }
}

/// A new token of 32 random bytes.
struct MadeToken {
    let name: String
    let scopes: [String]
    let token: String

    init(name: String, scopes: [String]) {
        self.name = name
        self.scopes = scopes
        var source = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &source) }
        token = "trb_" + bytes.withUnsafeBytes { Hexadecimal.encode($0) }
    }

    private var sha256: String {
        let digest = Array(token.utf8).withUnsafeBytes { SHA256Digest.of($0) }
        return digest.withUnsafeBytes { Hexadecimal.encode($0) }
    }

    /// What the configuration must hold.
    var lines: String {
        """
        tributary: this token is shown once; let it in with these lines of the configuration and reload the router:
        router:
          api_tokens:
            - { name: \(name), sha256: "\(sha256)", scopes: [\(scopes.joined(separator: ", "))] }
        """
    }

    var json: JSONText {
        .object([
            "token": .string(token), "name": .string(name), "sha256": .string(sha256),
            "scopes": .array(scopes.map(JSONText.string)),
        ])
    }
}
