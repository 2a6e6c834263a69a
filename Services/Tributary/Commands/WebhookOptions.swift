import ArgumentParser
import Events
import Executable
import Primitives
import StageMetrics
import Wire

/// One webhook from the command line: its body from a file or standard input, and what else came with it.
struct WebhookOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A source of the configuration, with its secrets and mapping.", valueName: "name"))
    var source: String?

    @Option(help: ArgumentHelp("The body; standard input when left out.", valueName: "file"))
    var body: String?

    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp("A header field, as \"Name: value\". May be repeated.", valueName: "field"))
    var header: [String] = []

    @Option(
        help: ArgumentHelp(
            "Header fields, one per line; a request line before them gives path and query.", valueName: "file"))
    var headersFile: String?

    @Option(help: ArgumentHelp("What stood behind the question mark of its URL.", valueName: "query"))
    var query: String?

    @Option(
        help: ArgumentHelp(
            "Where the path token is that it was sent with, unescaped: env:NAME or file:PATH.",
            valueName: "reference"))
    var pathToken: String?

    @Option(help: ArgumentHelp("The client's address.", valueName: "address"))
    var peer: String?

    @Option(
        help: ArgumentHelp(
            "When it was received: RFC 3339 or seconds since 1970; now when left out. Time stamps and the windows of "
                + "secrets are judged against it.", valueName: "time"))
    var at: String?

    @Option(
        help: ArgumentHelp(
            "The largest body, 1 to 1073741824; ingress.max_body_bytes when left out.", valueName: "bytes"))
    var maxBodyBytes: Int?

    @Option(help: ArgumentHelp("The configuration file, for --source.", valueName: "file"))
    var config = StageOptions.defaultConfiguration

    func validate() throws {
        guard maxBodyBytes.map({ (1...(1 << 30)).contains($0) }) ?? true else {
            throw ValidationError("--max-body-bytes must be 1 to 1073741824")
        }
        if let at, Self.time(at) == nil {
            throw ValidationError(
                "time_malformed: --at wants a time such as 2026-12-01T00:00:00Z, or seconds since 1970")
        }
    }

    /// Reads everything. `source` becomes the source's name, `limit` is what the configuration says.
    func webhook(source: String, limit: Int) throws(StageFailure) -> LocalRecord.Webhook {
        var head = try self.head()
        if let pathToken {
            let reference = try SecretArgument.reference(pathToken, option: "--path-token")
            let token = String(decoding: try SecretArgument.resolve(reference), as: UTF8.self)
            head.append((RequestHead.pathToken, PercentCoding.encode(token.utf8)))
        }
        if let peer { head.append((RequestHead.peer, peer)) }
        return LocalRecord.Webhook(
            source: source, head: head, body: try BodySource(path: body, mostBytes: maxBodyBytes ?? limit).read(),
            receivedAtNanoseconds: at.flatMap(Self.time) ?? wallNanoseconds())
    }

    private func head() throws(StageFailure) -> [(name: String, value: String)] {
        var head: [(name: String, value: String)] = []
        var query = query
        if let headersFile {
            let text = String(
                decoding: try BodySource(path: headersFile, mostBytes: 1 << 20).read(), as: UTF8.self)
            let file = try HeaderText.fields(text)
            head += file.fields
            let question = file.target?.firstIndex(of: "?")
            if query == nil, let target = file.target, let question {
                query = String(target[target.index(after: question)...])
            }
            // Behind the source, where its provider's clients call a path of their own.
            let parts = (file.target ?? "").prefix { $0 != "?" }.split(separator: "/", maxSplits: 2)
            if parts.count == 3, parts[0] == "in" { head.append((RequestHead.endpointPath, String(parts[2]))) }
        }
        for text in header { head.append(try HeaderText.field(text)) }
        if let query, !query.isEmpty { head.append((RequestHead.query, query)) }
        return head
    }

    /// Nanoseconds since 1970.
    static func time(_ text: String) -> Int64? {
        if let nanoseconds = RFC3339.nanoseconds(text) { return nanoseconds }
        guard text.utf8.count <= 10, let seconds = UInt32(text) else { return nil }
        return Int64(seconds) * 1_000_000_000
    }
}
