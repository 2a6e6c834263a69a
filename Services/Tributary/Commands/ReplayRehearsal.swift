import Events
import Executable
import JSON
import Normalisation
import PipelineConfiguration
import Providers
import Wire

/// What a replay would give: the running verifier judges the entries with the keys in use, the normalisers of what runs
/// are run in this process, and what becomes of them is counted.
struct ReplayRehearsal {
    private let verifier: StageClient
    private let normalisers: [String: any WebhookNormaliser]
    private var entries = 0
    private var accepted = 0
    private var refusals: [String: Int] = [:]
    private var types: [String: Int] = [:]

    /// `configuration`: what runs.
    init(configuration: TributaryConfiguration) {
        verifier = .verifier(configuration)
        let made = configuration.sources.compactMap { source in
            ProviderRegistry.provider(named: source.provider).map { (source.name, $0.makeNormaliser(source.mapping)) }
        }
        normalisers = Dictionary(made) { first, _ in first }
    }

    /// Whether something would be refused again.
    var isAnyRefused: Bool { accepted < entries }

    /// Throws where no verifier runs or answers.
    mutating func judge(_ asked: [QuarantineEntry]) throws(StageFailure) -> [RehearsedReplay] {
        let readable = asked.filter { $0.webhook != nil }
        var answers: ArraySlice<JSONValue> = []
        if !readable.isEmpty {
            let body = JSONText.object(["webhooks": .array(readable.map(\.replay))])
            answers = try verifier.ask("POST", "/rehearse", body)["answers"].elements[...]
            guard answers.count == readable.count else {
                throw StageFailure(
                    .failure, "\(verifier.instance) answered \(answers.count) of \(readable.count) webhooks")
            }
        }
        return asked.map { entry in
            guard let webhook = entry.webhook else {
                return count(RehearsedReplay(id: entry.id, source: "", unreadable: true))
            }
            let outcome = normalised(webhook, judged: answers.removeFirst())
            return count(RehearsedReplay(id: entry.id, source: webhook.source, outcome: outcome))
        }
    }

    /// What normalising gives where the verifier's answer is yes.
    private func normalised(_ webhook: LocalRecord.Webhook, judged answer: JSONValue) -> LocalOutcome {
        var outcome = LocalOutcome()
        guard answer["verified"] == .bool(true) else {
            outcome.refusal = Rejection(
                RejectionCode(rawValue: answer["code"].text), stage: .verifier, detail: answer["detail"].text)
            return outcome
        }
        guard var record = LocalRecord(webhook), let normaliser = normalisers[webhook.source] else {
            outcome.refusal = Rejection(
                .sourceUnknown, stage: .normaliser, detail: "what runs has no source \(webhook.source)")
            return outcome
        }
        record.pass { _, writer in
            Verification(scheme: answer["scheme"].text, keyID: answer["key"].text).write(to: &writer)
        }
        LocalPipeline.normalise(&record, normaliser, &outcome)
        outcome.events = record.events(position: 0)
        return outcome
    }

    private mutating func count(_ result: RehearsedReplay) -> RehearsedReplay {
        entries += 1
        for code in result.codes { refusals[code, default: 0] += 1 }
        if result.codes.isEmpty { accepted += 1 }
        for event in result.events { types[event.type, default: 0] += 1 }
        return result
    }

    var json: JSONText {
        .object([
            "entries": .number(entries), "accepted": .number(accepted), "refused": Self.counts(refusals),
            "events": Self.counts(types),
        ])
    }

    var text: String {
        var lines = ["\(entries) entries: \(accepted) would be accepted; nothing was sent"]
        lines += refusals.sorted { $0.key < $1.key }.map { "  \($0.value) would be refused again: \($0.key)" }
        lines += types.sorted { $0.key < $1.key }.map { "  \($0.value) events \(printable($0.key))" }
        return lines.joined(separator: "\n")
    }

    private static func counts(_ counts: [String: Int]) -> JSONText {
        .object(counts.sorted { $0.key < $1.key }.map { ($0.key, .number($0.value)) })
    }
}

/// What would become of one entry.
struct RehearsedReplay {
    /// An event that it would give.
    struct Event {
        let type: String
        let subject: String
        let id: String
    }

    let id: String
    let source: String
    /// The distinct codes that would refuse it, or elements of it, again.
    private(set) var codes: [String] = []
    private(set) var events: [Event] = []
    /// A sentence per refusal; elements with their index.
    private var refusals: [(element: UInt32?, code: String, detail: String)] = []

    init(id: String, source: String, unreadable: Bool) {
        self.id = id
        self.source = source
        if unreadable { refuse(nil, "entry_unreadable", "the router's answer lacks a part of it") }
    }

    init(id: String, source: String, outcome: LocalOutcome) {
        self.id = id
        self.source = source
        if let refusal = outcome.refusal { refuse(nil, refusal.code.rawValue, refusal.detail) }
        for refusal in outcome.elementRefusals { refuse(refusal.element, refusal.code.rawValue, refusal.detail) }
        events = outcome.events.map { event in
            let event = JSONValue.read(Array(event.utf8)) ?? .null
            return Event(type: event["type"].text, subject: event["subject"].text, id: event["id"].text)
        }
    }

    private mutating func refuse(_ element: UInt32?, _ code: String, _ detail: String) {
        refusals.append((element, code, detail))
        if !codes.contains(code) { codes.append(code) }
    }

    var json: JSONText {
        .object([
            "id": JSONText(raw: Array(id.utf8)), "source": .string(source),
            "refused": .array(
                refusals.map {
                    .object([
                        "element": .optional($0.element) { .number($0) }, "code": .string($0.code),
                        "detail": .string($0.detail),
                    ])
                }),
            "events": .array(
                events.map {
                    .object(["type": .string($0.type), "subject": .string($0.subject), "id": .string($0.id)])
                }),
        ])
    }

    /// One line; of many events or refusals the first three.
    var text: String {
        let said = refusals.map { refusal in
            let element = refusal.element.map { "element \($0) " } ?? ""
            return "\(element)refused again, \(refusal.code)\(refusal.detail.isEmpty ? "" : ": \(refusal.detail)")"
        }
        let given = events.map { "\($0.type) \($0.subject) (\($0.id))" }
        let parts = Self.shortened(said) + Self.shortened(given)
        return printable("\(id) \(source): " + (parts.isEmpty ? "no event" : parts.joined(separator: "; ")))
    }

    private static func shortened(_ parts: [String]) -> [String] {
        parts.count <= 3 ? parts : parts.prefix(3) + ["… and \(parts.count - 3) more"]
    }
}
