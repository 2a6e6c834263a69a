import ArgumentParser
import Executable
import JSON
import PipelineConfiguration

/// What a subscription is to be, from a document and options; options go before the document.
struct SubscriptionFields: ParsableArguments {
    @Option(help: ArgumentHelp("A JSON or YAML document; - is standard input.", valueName: "file"))
    var fromFile: String?

    @Option(help: ArgumentHelp("Where deliveries go.", valueName: "url"))
    var url: String?

    @Option(help: ArgumentHelp("Only events of this type, with *. May be repeated.", valueName: "type"))
    var type: [String] = []

    @Option(help: ArgumentHelp("Only events of this source. May be repeated.", valueName: "name"))
    var source: [String] = []

    @Option(help: ArgumentHelp("Only events of this provider. May be repeated.", valueName: "provider"))
    var provider: [String] = []

    @Option(
        help: ArgumentHelp(
            "Only events about this subject: a room, call or stream, with *. May be repeated.",
            valueName: "subject"))
    var subject: [String] = []

    @Option(help: ArgumentHelp("Only events with this partition key, with *. May be repeated.", valueName: "key"))
    var key: [String] = []

    @Option(help: ArgumentHelp("cloudevents, cloudevents-binary, original or superviz.", valueName: "format"))
    var format: String?

    @Option(help: ArgumentHelp("Deliver together what came in so long, 10ms to 1h.", valueName: "duration"))
    var batch: String?

    @Option(help: ArgumentHelp("With --batch: events in one request, 1 to 1000.", valueName: "n"))
    var batchEvents: Int?

    @Option(help: ArgumentHelp("Most bytes of a batch's request.", valueName: "n"))
    var batchBytes: Int?

    @Option(help: ArgumentHelp("standard-webhooks, stream, header or none.", valueName: "scheme"))
    var signing: String?

    @Option(help: ArgumentHelp("What secret the router is to make: hmac or ed25519.", valueName: "kind"))
    var signingKey: String?

    @Option(
        help: ArgumentHelp(
            "Where a secret to sign with is: env:NAME or file:PATH. May be repeated, newest first.",
            valueName: "reference"))
    var secret: [String] = []

    @Option(help: ArgumentHelp("With --signing stream: what goes into X-API-KEY.", valueName: "key"))
    var apiKey: String?

    @Option(help: ArgumentHelp("With --signing header: the field that holds the secret.", valueName: "name"))
    var header: String?

    @Option(help: ArgumentHelp("With --signing header: what stands before the secret.", valueName: "text"))
    var prefix: String?

    @Option(
        help: ArgumentHelp("standard, stream or superviz; a schedule is written in a document.", valueName: "policy"))
    var retry: String?

    @Option(help: ArgumentHelp("Requests in flight at once, 1 to 1000.", valueName: "n"))
    var concurrency: Int?

    @Option(help: ArgumentHelp("Requests per second at most, 1 to 100000.", valueName: "n"))
    var rateLimit: Int?

    @Option(help: ArgumentHelp("Disable it after so long without a success, 60s to 365d.", valueName: "duration"))
    var disableAfter: String?

    @Option(help: ArgumentHelp("How long one attempt may take, 100ms to 300s.", valueName: "duration"))
    var timeout: String?

    @Option(help: ArgumentHelp("none, or key: events of one partition key one after the other.", valueName: "order"))
    var order: String?

    @Option(
        help: ArgumentHelp(
            "With --order key: how long a failing event may hold up its key, 1s to 1d.", valueName: "duration"))
    var keyHold: String?

    func validate() throws {
        guard batchEvents == nil || batch != nil else { throw ValidationError("--batch-events belongs to --batch") }
        guard batchBytes == nil || batch != nil else { throw ValidationError("--batch-bytes belongs to --batch") }
    }

    /// The document with the options in it. Words and ranges are judged by the router alone.
    func document() throws(StageFailure) -> JSONDocument {
        var document = JSONDocument()
        if let fromFile { document = try Self.read(fromFile) }
        let texts: [([String], String?)] = [
            (["url"], url), (["format"], format), (["signing", "scheme"], signing), (["signing", "key"], signingKey),
            (["signing", "api_key"], apiKey), (["signing", "header"], header), (["signing", "prefix"], prefix),
            (["retry"], retry), (["disable_after"], disableAfter), (["timeout"], timeout), (["order"], order),
            (["key_hold"], keyHold), (["mode", "batch", "every"], batch),
        ]
        for (path, text) in texts { if let text { document.set(path, .string(text)) } }
        let numbers: [([String], Int?)] = [
            (["concurrency"], concurrency), (["rate_limit"], rateLimit),
            (["mode", "batch", "max_events"], batchEvents), (["mode", "batch", "max_bytes"], batchBytes),
        ]
        for (path, number) in numbers { if let number { document.set(path, .number(String(number))) } }
        let lists = [
            ("types", type), ("sources", source), ("providers", provider), ("subjects", subject), ("keys", key),
        ]
        for (name, list) in lists where !list.isEmpty {
            document.set(["filter", name], .array(list.map(JSONValue.string)))
        }
        if !secret.isEmpty {
            var secrets: [JSONValue] = []
            for reference in secret { secrets.append(.string(try Self.secret(reference))) }
            document.set(["signing", "secrets"], .array(secrets))
        }
        return document
    }

    /// The secret behind a reference, as text.
    static func secret(_ reference: String) throws(StageFailure) -> String {
        let bytes = try SecretArgument.resolve(try SecretArgument.reference(reference, option: "--secret"))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StageFailure(.usage, "secret_malformed: --secret \(reference) is not UTF-8 text")
        }
        return text
    }

    private static func read(_ path: String) throws(StageFailure) -> JSONDocument {
        let bytes = try BodySource(path: path, mostBytes: 1 << 20).read()
        guard case .object(let members) = YAMLDocument.read(bytes) else {
            throw StageFailure(.usage, "document_malformed: \(path) is neither a JSON object nor a YAML mapping")
        }
        var document = JSONDocument(.object(members))
        // The router would take a reference for the secret itself, so it is read here.
        let secrets = document.value["signing"]["secrets"].elements
        if !secrets.isEmpty {
            var resolved: [JSONValue] = []
            for element in secrets {
                let text = element.text
                let isReference = text.hasPrefix("env:") || text.hasPrefix("file:")
                resolved.append(isReference ? .string(try Self.secret(text)) : element)
            }
            document.set(["signing", "secrets"], .array(resolved))
        }
        return document
    }
}

/// A JSON object under construction.
struct JSONDocument {
    private(set) var value: JSONValue

    init(_ value: JSONValue = .object([])) {
        self.value = value
    }

    /// Puts a value at the end of a path of names; what stands in the way and is no object is replaced.
    mutating func set(_ path: [String], _ new: JSONValue) {
        value = Self.setting(path[...], new, in: value)
    }

    private static func setting(_ path: ArraySlice<String>, _ new: JSONValue, in value: JSONValue) -> JSONValue {
        guard let name = path.first else { return new }
        var members: [JSONMember] = []
        if case .object(let present) = value { members = present }
        let inner = setting(path.dropFirst(), new, in: value[name])
        if let index = members.firstIndex(where: { $0.name == name }) {
            members[index] = JSONMember(name: name, value: inner)
        } else {
            members.append(JSONMember(name: name, value: inner))
        }
        return .object(members)
    }
}
