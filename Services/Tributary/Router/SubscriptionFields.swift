import ArgumentParser
import Executable
import JSON
import PipelineConfiguration

/// What a subscription is to be, from a document and options; options go before the document.
struct SubscriptionFields: ParsableArguments {
    @Option(help: ArgumentHelp("A JSON or YAML document; - is standard input.", valueName: "file"))
    var fromFile: String?

    /// Every key but the name, and what counts at creation only.
    enum Selection: FieldSelection {
        static let options =
            SubscriptionConfiguration.table.options().filter { $0.path != ["name"] } + [
                FieldOption(
                    name: "signing-key", path: ["signing", "key"], form: .text,
                    doc: "What secret the router is to make.", expected: "hmac or ed25519")
            ]
    }

    @OptionGroup var options: FieldOptions<Selection>

    func validate() throws {
        for name in ["batch-events", "batch-bytes"] where options.has(name) && !options.has("batch") {
            throw ValidationError("--\(name) belongs to --batch")
        }
    }

    /// The document with the options in it. Words and ranges are judged by the router alone.
    func document() throws(StageFailure) -> JSONDocument {
        var document = JSONDocument()
        if let fromFile { document = try Self.read(fromFile) }
        for (option, value) in options.values {
            guard option.path == ["signing", "secrets"] else {
                document.set(option.path, value)
                continue
            }
            var secrets: [JSONValue] = []
            for reference in value.elements { secrets.append(.string(try Self.secret(reference.text))) }
            document.set(option.path, .array(secrets))
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
