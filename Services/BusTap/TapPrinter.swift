import Events
import JSON
import Primitives
import Wire

/// Records for people, a block or a line each, or for machines, a JSON object each. Text from outside is escaped, so that
/// it cannot move a terminal's cursor.
struct TapPrinter {
    enum Form {
        /// A block with JSON that can be copied out of it.
        case block
        case line
        case json
    }

    let form: Form
    let showsHeaders: Bool
    let showsPayload: Bool
    /// Which header fields are hidden; nil: none.
    var hidden: SecretFields? = SecretFields()

    func record(_ record: TapRecord) -> String {
        switch form {
        case .block: block(record)
        case .line: line(record)
        case .json: object(record).text + "\n"
        }
    }

    func gap(_ gap: TapGap, at origin: HelloNotice) -> String {
        let instance = origin.instance
        let words: String
        let member: (String, JSONText)
        switch gap {
        case .dropped(let count):
            words = "dropped \(count)"
            member = ("dropped", .number(count))
        case .restarted:
            words = "was started again"
            member = ("restarted", .bool(true))
        case .missed(let journal, let first, let last):
            words = "sequences \(first) to \(last) of journal \(journal) were not seen here"
            member = (
                "missed",
                .object([
                    ("journal", .string(journal.description)), ("first", .number(first)), ("last", .number(last)),
                ])
            )
        case .unreadable(let count):
            words = "\(count) records cannot be read by this version"
            member = ("unreadable", .number(count))
        }
        if form == .json { return JSONText.object([("instance", .string(instance)), member]).text + "\n" }
        return "\(instance)  \(words)\n"
    }

    // MARK: for people

    private func block(_ record: TapRecord) -> String {
        var lines = [title(record)]
        if let verification = record.verification {
            lines.append("    verified by \(plain(verification.scheme)), key \(plain(verification.keyID))")
        }
        for rejection in record.rejections {
            lines.append(
                "    refused by \(rejection.stage): \(plain(rejection.code.rawValue)) \(plain(rejection.detail))")
        }
        for event in record.events {
            lines.append("    \(plain(event.type))  \(plain(event.attribute("subject") ?? ""))")
            lines.append("      id \(plain(event.attribute("id") ?? "")), time \(plain(event.attribute("time") ?? ""))")
            if showsPayload, let payload = event.payload { lines += self.payload("      data", payload) }
        }
        for stamp in record.stamps {
            let micros = (stamp.finishedNanoseconds - stamp.startedNanoseconds) / 1_000
            lines.append(
                "    \(plain(stamp.instance)) \(RFC3339.text(stamp.startedNanoseconds, digits: 6)), \(micros) µs")
        }
        if showsHeaders { lines += shown(record.fields).map { "    \(plain($0.name)): \(plain($0.value))" } }
        if showsPayload { lines += payload("    body", record.body) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func title(_ record: TapRecord) -> String {
        var line = "\(record.origin.instance)  \(record.source) #\(record.sequence)"
        line += "  received \(RFC3339.text(record.receivedAtNanoseconds, digits: 6))"
        for (flag, word) in Self.flagWords where record.flags.contains(flag) { line += "  \(word)" }
        return record.isIntact ? line : line + "  DAMAGED"
    }

    /// JSON on lines of its own, so that it can be copied; anything else escaped on one.
    private func payload(_ name: String, _ bytes: [UInt8]) -> [String] {
        guard let value = JSONValue.read(bytes) else { return ["\(name) \(text(bytes))"] }
        let margin = String(repeating: " ", count: 8)
        return [name] + value.indented().split(separator: "\n").map { margin + $0 }
    }

    /// Everything that the block says of the webhook and its events, but for verification and stamps.
    private func line(_ record: TapRecord) -> String {
        var parts = [title(record)]
        for rejection in record.rejections {
            parts.append("refused by \(rejection.stage): \(plain(rejection.code.rawValue)) \(plain(rejection.detail))")
        }
        for event in record.events {
            parts.append(
                "\(plain(event.type)) \(plain(event.attribute("subject") ?? "")) \(plain(event.attribute("id") ?? ""))")
            if showsPayload, let payload = event.payload { parts.append("data \(oneLine(payload))") }
        }
        if showsHeaders { parts += shown(record.fields).map { "\(plain($0.name)): \(plain($0.value))" } }
        if showsPayload { parts.append("body \(oneLine(record.body))") }
        return parts.joined(separator: "  ") + "\n"
    }

    private func oneLine(_ bytes: [UInt8]) -> String { JSONValue.read(bytes)?.json.text ?? text(bytes) }

    private func shown(_ fields: [(name: String, value: String)]) -> [(name: String, value: String)] {
        hidden?.shown(fields) ?? fields
    }

    private static let flagWords: [(EnvelopeFlags, String)] = [
        (.resent, "resent"), (.alone, "alone"), (.tombstone, "tombstone"),
    ]

    private func text(_ bytes: [UInt8]) -> String { plain(String(decoding: bytes, as: UTF8.self)) }

    /// JSON's escapes without its quotes.
    private func plain(_ text: String) -> String { String(JSONText.string(text).text.dropFirst().dropLast()) }

    // MARK: for machines

    private func object(_ record: TapRecord) -> JSONText {
        var members: [(String, JSONText)] = [
            ("stage", .string(record.origin.role.description)), ("instance", .string(record.origin.instance)),
            ("journal", .string(record.journal.description)), ("sequence", .number(record.sequence)),
            ("source", .string(record.source)),
            ("received_at", .string(RFC3339.text(record.receivedAtNanoseconds, digits: 6))),
            ("flags", .array(Self.flagWords.filter { record.flags.contains($0.0) }.map { .string($0.1) })),
            ("resends", .number(record.resends)), ("intact", .bool(record.isIntact)),
            (
                "verification",
                .optional(record.verification) {
                    .object([("scheme", .string($0.scheme)), ("key_id", .string($0.keyID))])
                }
            ),
            ("rejections", .array(record.rejections.map(rejection))), ("events", .array(record.events.map(event))),
            ("stamps", .array(record.stamps.map(stamp))),
        ]
        if showsHeaders {
            members.append(("headers", .object(shown(record.fields).map { ($0.name, .string($0.value)) })))
        }
        if showsPayload { members.append(("body", Self.value(record.body))) }
        return .object(members)
    }

    private func rejection(_ rejection: Rejection) -> JSONText {
        .object([
            ("stage", .string(rejection.stage.description)), ("code", .string(rejection.code.rawValue)),
            ("element", rejection.element == Rejection.wholeWebhook ? .null : .number(rejection.element)),
            ("detail", .string(rejection.detail)),
        ])
    }

    private func event(_ event: TapRecord.Event) -> JSONText {
        var members = event.attributes.map { ($0.name, JSONText.string($0.value)) }
        if showsPayload, let payload = event.payload { members.append(("data", Self.value(payload))) }
        return .object(members)
    }

    /// JSON as it is, anything else as a string.
    private static func value(_ bytes: [UInt8]) -> JSONText {
        JSONValue.read(bytes)?.json ?? .string(String(decoding: bytes, as: UTF8.self))
    }

    private func stamp(_ stamp: StageStamp) -> JSONText {
        .object([
            ("stage", .string(stamp.stage.description)), ("instance", .string(stamp.instance)),
            ("started", .string(RFC3339.text(stamp.startedNanoseconds, digits: 6))),
            ("finished", .string(RFC3339.text(stamp.finishedNanoseconds, digits: 6))),
        ])
    }
}
