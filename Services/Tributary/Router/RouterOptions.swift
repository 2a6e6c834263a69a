import ArgumentParser
import Glibc
import StageRuntime

/// Which router is asked, and how the answer is printed.
struct RouterOptions: ParsableArguments {
    /// Where the token is when `--token` does not say it.
    static let defaultToken = "env:TRIBUTARY_API_TOKEN"

    @OptionGroup var basic: CommandOptions

    @Option(
        help: ArgumentHelp(
            "A router elsewhere, such as https://router.example.com:8443; TRIBUTARY_API when left out, and without "
                + "that the router of the configuration, on its admin socket.", valueName: "url"))
    var api: String?

    @Option(
        help: ArgumentHelp(
            "Where the token for --api is: env:NAME or file:PATH; env:TRIBUTARY_API_TOKEN when left out.",
            valueName: "reference"))
    var token: String?

    @Option(help: ArgumentHelp("A PEM file with the authorities that --api may be signed by.", valueName: "file"))
    var ca: String?

    @Flag(help: "Send the token to --api over plain http.")
    var insecure = false

    var json: Bool { basic.json }

    /// Nil: the router is on this machine.
    var remoteURL: String? {
        let named = api ?? getenv("TRIBUTARY_API").map { String(cString: $0) } ?? ""
        return named.isEmpty ? nil : named
    }

    /// Header fields that hold tokens, as the configuration names them; of a router elsewhere only the usual ones are known.
    var tokenFields: [String] {
        remoteURL == nil ? basic.configuration().tokenFields : []
    }

    /// Ends the process where the configuration, the URL or the token cannot be used.
    func router() -> StageClient {
        orExit { () throws(StageFailure) in try client() }
    }

    func client() throws(StageFailure) -> StageClient {
        guard let remoteURL else {
            return .router(try StageEnvironment.loadConfiguration(basic.config))
        }
        let reference = try SecretArgument.reference(token ?? Self.defaultToken, option: "--token")
        let token: [UInt8]
        do {
            token = try reference.resolve()
        } catch {
            throw StageFailure(.usage, "\(error.code): \(error.sentence)")
        }
        return StageClient(try RemoteRouter(remoteURL, token: token, caFile: ca, isInsecure: insecure))
    }
}
