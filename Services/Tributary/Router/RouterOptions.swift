import ArgumentParser
import Executable
import Glibc
import JSON
import PipelineConfiguration

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

    @Option(
        name: .customLong("router"),
        help: ArgumentHelp("Which of several routers, by its number.", valueName: "number"))
    var routerNumber: Int?

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
        guard remoteURL == nil else { return [] }
        // `router` has said what there is to say about the file.
        let configuration = orExit { () throws(StageFailure) in try AcceptedConfiguration.running(basic.config) { _ in }
        }
        return configuration.tokenFields
    }

    /// Ends the process where the configuration, the URL or the token cannot be used. `configuration`: what runs here,
    /// where the command has asked for it already.
    func router(_ configuration: TributaryConfiguration? = nil) -> StageClient {
        orExit { () throws(StageFailure) in try client(configuration) }
    }

    /// Says on standard error where no source has that name, or no event that type, by the configuration that runs here;
    /// what was kept earlier may have them all the same.
    func hint(source: String?, type: String? = nil) {
        guard remoteURL == nil, let running = try? AcceptedConfiguration.running(basic.config, warn: { _ in }) else {
            return
        }
        do throws(StageFailure) {
            if let source { _ = try running.source(named: source) }
            if let type { try KnownTypes.require(type) }
        } catch {
            StandardError.write("tributary: \(error.sentence)\n")
        }
    }

    func client(_ configuration: TributaryConfiguration? = nil) throws(StageFailure) -> StageClient {
        guard let remoteURL else {
            let running = if let configuration { configuration } else { try basic.running() }
            return .router(running, number: try number(running))
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

    private func number(_ configuration: TributaryConfiguration) throws(StageFailure) -> Int {
        let sources = configuration.sourcesOfRouters
        let number = routerNumber ?? (sources.count == 1 ? 0 : -1)
        if sources.indices.contains(number) { return number }
        let each = sources.enumerated().map { number, names in
            "\(number) of \(names.isEmpty ? "no source" : names.joined(separator: ", "))"
        }
        throw StageFailure(
            .usage, "router_unknown: say --router NUMBER; the routers are \(each.joined(separator: "; "))")
    }

    /// Makes one request of the router and prints the answer: as it came with `--json`, otherwise as `text` puts it.
    @discardableResult
    func show(
        as text: (JSONValue) -> String, _ ask: (StageClient) throws(StageFailure) -> StageReply
    ) -> JSONValue {
        let router = router()
        let reply = orExit { () throws(StageFailure) in try ask(router) }
        print(json ? reply.text : text(reply.value))
        return reply.value
    }

    /// The same for a request without a body.
    @discardableResult
    func show(_ method: String, _ target: String, as text: (JSONValue) -> String) -> JSONValue {
        show(as: text) { router throws(StageFailure) in try router.reply(method, target) }
    }

    /// Makes a request whose answer may have a secret that the router has just made. That alone goes to standard output,
    /// so that it can be piped into a file; the sentence goes beside it.
    func showSecret(
        _ ask: (StageClient) throws(StageFailure) -> StageReply, saying sentence: (JSONValue) -> String
    ) {
        func text(_ answer: JSONValue) -> String {
            let secret = answer["generated_secret"].text
            let said = printable(sentence(answer))
            guard !secret.isEmpty else { return said }
            StandardError.write("tributary: \(said); its secret is shown this once:\n")
            return printable(secret)
        }
        show(as: text, ask)
    }

    /// Prints a list of the control API: the records of the member `name`, with these members as columns.
    func list(
        _ path: String, _ parameters: [(String, String?)], _ name: String, _ page: PageOptions, usualLimit: Int = 100,
        columns: [String], empty: String
    ) {
        let router = router()
        orExit { () throws(StageFailure) in
            var walk = PageWalk(router, path, parameters, name: name, options: page, usualLimit: usualLimit)
            try walk.show(json: json, columns: columns, empty: empty)
        }
    }
}
