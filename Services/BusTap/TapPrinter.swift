import Events
import StageRuntime
import Wire

/// Records for people, a block each, or for machines, a JSON object each. Text from outside is escaped, so that it
/// cannot move a terminal's cursor.
struct TapPrinter {
    let asJSON: Bool
    let showsHeaders: Bool
    let showsPayload: Bool
    /// Which header fields are hidden; nil: none.
    var hidden: SecretFields? = SecretFields()

    func gap(dropped count: UInt64, at origin: HelloNotice) -> String {
        asJSON
            ? JSONText.object([("instance", .string(origin.instance)), ("dropped", .number(count))]).text + "\n"
            : "\(origin.instance)  dropped \(count)\n"
    }

    func record(_ record: TapRecord) -> String { asJSON ? object(record).text + "\n" : block(record) }

    // MARK: for people

    private func block(_ record: TapRecord) -> String {
        var line = "\(record.origin.instance)  \(record.source) #\(record.sequence)"
        line += "  received \(timeText(record.receivedAtNanoseconds))"
        for (flag, word) in Self.flagWords where record.flags.contains(flag) { line += "  \(word)" }
        if !record.isIntact { line += "  DAMAGED" }
        var lines = [line]
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
            if showsPayload, let payload = event.payload { lines.append("      data \(text(payload))") }
        }
        for stamp in record.stamps {
            let micros = (stamp.finishedNanoseconds - stamp.startedNanoseconds) / 1_000
            lines.append("    \(plain(stamp.instance)) \(timeText(stamp.startedNanoseconds)), \(micros) µs")
        }
        if showsHeaders { lines += shown(record.fields).map { "    \(plain($0.name)): \(plain($0.value))" } }
        if showsPayload { lines.append("    body \(text(record.body))") }
        return lines.joined(separator: "\n") + "\n"
    }

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
            ("source", .string(record.source)), ("received_at", .string(timeText(record.receivedAtNanoseconds))),
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
        if showsPayload { members.append(("body", .string(String(decoding: record.body, as: UTF8.self)))) }
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
        if showsPayload, let payload = event.payload {
            members.append(("data", .string(String(decoding: payload, as: UTF8.self))))
        }
        return .object(members)
    }

    private func stamp(_ stamp: StageStamp) -> JSONText {
        .object([
            ("stage", .string(stamp.stage.description)), ("instance", .string(stamp.instance)),
            ("started", .string(timeText(stamp.startedNanoseconds))),
            ("finished", .string(timeText(stamp.finishedNanoseconds))),
        ])
    }
}
