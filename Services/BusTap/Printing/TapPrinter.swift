import Events
import JSON
import Primitives
package import Wire

/// Records for people, a block or a line each, or for machines, a JSON object each, written from the envelope's bytes into
/// one buffer. Only payloads and header fields, when they are asked for, are read into values first.
package struct TapPrinter {
    package enum Form {
        /// A block with JSON that can be copied out of it.
        case block
        case line
        case json
        /// Webhooks before and after normalisation.
        case diff(DiffLayout)
        case diffJSON
    }

    let form: Form
    let showsHeaders: Bool
    let showsPayload: Bool
    /// Which header fields are hidden; nil: none.
    let hidden: SecretFields?

    package init(form: Form, showsHeaders: Bool, showsPayload: Bool, hidden: SecretFields? = SecretFields()) {
        self.form = form
        self.showsHeaders = showsHeaders
        self.showsPayload = showsPayload
        self.hidden = hidden
    }

    /// Returns whether the form has anything to show of the record.
    @discardableResult package func append(_ record: TapRecord, to out: inout ByteWriter) -> Bool {
        switch form {
        case .block: block(record, &out)
        case .line: line(record, &out)
        case .json: object(record, showsBody: showsPayload, &out)
        case .diff(let layout):
            guard let diff = TapDiff(record, showsHeaders: showsHeaders, hidden: hidden) else { return false }
            title(record, &out)
            diff.append(layout, to: &out)
        case .diffJSON:
            guard TapDiff.isFor(record) else { return false }
            object(record, showsBody: true, &out)
        }
        out.text("\n")
        return true
    }

    package func append(_ gap: TapGap, at origin: HelloNotice, to out: inout ByteWriter) {
        let words: String
        let member: (String, JSONText)
        switch gap {
        case .skipped(let count):
            words = "skipped \(count) records"
            member = ("skipped", .number(count))
        case .restarted:
            words = "was started again"
            member = ("restarted", .bool(true))
        case .missed(let journal, let first, let last):
            words = "sequences \(first) to \(last) of journal \(journal) were not seen here"
            member = (
                "missed",
                .object([
                    "journal": .string(journal.description), "first": .number(first), "last": .number(last),
                ])
            )
        case .unreadable(let count):
            words = "\(count) records cannot be read by this version"
            member = ("unreadable", .number(count))
        }
        if isJSON {
            out.raw(JSONText.object([("instance", .string(origin.instance)), member]).bytes)
        } else {
            out.plain("\(origin.instance)  \(words)")
        }
        out.text("\n")
    }

    /// Whether programs read it.
    package var isJSON: Bool {
        switch form {
        case .json, .diffJSON: true
        case .block, .line, .diff: false
        }
    }

    // MARK: for people

    private func block(_ record: TapRecord, _ out: inout ByteWriter) {
        title(record, &out)
        if let verification = record.verification {
            out.text("\n    verified by ")
            out.plain(verification.scheme)
            out.text(", key ")
            out.plain(verification.keyID)
        }
        record.forEachRejection { refused($0, "\n    ", &out) }
        record.forEachEvent { event in
            out.text("\n    ")
            out.plain(event.shortType)
            out.text("  ")
            out.plain(event.subject ?? .empty)
            out.text("\n      id ")
            out.plain(event.id ?? .empty)
            out.text(", time ")
            out.plain(event.attribute("time") ?? .empty)
            if showsPayload, let payload = event.payload { indented("\n      data", shown(payload), &out) }
        }
        record.forEachStamp { stamp in
            out.text("\n    ")
            out.plain(stamp.instance)
            out.text(" ")
            RFC3339.append(nanoseconds: stamp.startedNanoseconds, digits: 6, to: &out.bytes)
            out.plain(", \((stamp.finishedNanoseconds &- stamp.startedNanoseconds) / 1_000) µs")
        }
        if showsHeaders { fields(record, "\n    ", &out) }
        if showsPayload { indented("\n    body", shown(record), &out) }
    }

    private func title(_ record: TapRecord, _ out: inout ByteWriter) {
        let envelope = record.envelope
        out.raw(record.origin.instance)
        out.text("  ")
        out.plain(envelope.sourceBytes)
        out.text(" #")
        out.decimal(envelope.sequence)
        out.text("  received ")
        RFC3339.append(nanoseconds: envelope.receivedAtNanoseconds, digits: 6, to: &out.bytes)
        for (flag, word) in Self.flagWords where envelope.flags.contains(flag) {
            out.text("  ")
            out.text(word)
        }
        if !envelope.isIntact { out.text("  DAMAGED") }
    }

    /// Everything that the block says of the webhook and its events, but for verification and stamps.
    private func line(_ record: TapRecord, _ out: inout ByteWriter) {
        title(record, &out)
        record.forEachRejection { refused($0, "  ", &out) }
        record.forEachEvent { event in
            out.text("  ")
            out.plain(event.shortType)
            out.text(" ")
            out.plain(event.subject ?? .empty)
            out.text(" ")
            out.plain(event.id ?? .empty)
            if showsPayload, let payload = event.payload { oneLine("  data ", shown(payload), &out) }
        }
        if showsHeaders { fields(record, "  ", &out) }
        if showsPayload { oneLine("  body ", shown(record), &out) }
    }

    private func refused(_ rejection: Rejection, _ margin: StaticString, _ out: inout ByteWriter) {
        out.text(margin)
        out.plain("refused by \(rejection.stage): \(rejection.code) \(rejection.detail)")
    }

    private func fields(_ record: TapRecord, _ margin: StaticString, _ out: inout ByteWriter) {
        for (name, value) in record.fields(hiding: hidden) {
            out.text(margin)
            out.plain("\(name): \(value)")
        }
    }

    private func shown(_ record: TapRecord) -> TapBody { TapBody(record, hidesCredentials: hidden != nil) }

    /// Data of an event, in which the normaliser has hidden what is to be hidden.
    private func shown(_ data: UnsafeRawBufferPointer) -> TapBody { TapBody(data) }

    /// JSON on lines of its own, so that it can be copied; anything else escaped on one.
    private func indented(_ name: StaticString, _ body: TapBody, _ out: inout ByteWriter) {
        out.text(name)
        guard let value = body.value else {
            out.text(" ")
            return body.bytes.withUnsafeBytes { out.plain($0) }
        }
        for line in value.indented().utf8.split(separator: UInt8(ascii: "\n")) {
            out.text("\n        ")
            out.raw(Array(line))
        }
    }

    private func oneLine(_ name: StaticString, _ body: TapBody, _ out: inout ByteWriter) {
        out.text(name)
        if let value = body.value {
            out.raw(value.json.bytes)
        } else {
            body.bytes.withUnsafeBytes { out.plain($0) }
        }
    }

    private static let flagWords: [(EnvelopeFlags, StaticString)] = [
        (.resent, "resent"), (.alone, "alone"), (.tombstone, "tombstone"),
    ]

    // MARK: for machines

    private func object(_ record: TapRecord, showsBody: Bool, _ out: inout ByteWriter) {
        let envelope = record.envelope
        out.raw(record.origin.jsonHead)
        out.hexadecimal(envelope.journal)
        out.text("\",\"sequence\":")
        out.decimal(envelope.sequence)
        out.text(",\"source\":\"")
        out.plain(envelope.sourceBytes)
        out.text("\",\"received_at\":\"")
        RFC3339.append(nanoseconds: envelope.receivedAtNanoseconds, digits: 6, to: &out.bytes)
        if let passed = record.passedNanoseconds {
            out.text("\",\"passed_at\":\"")
            RFC3339.append(nanoseconds: passed, digits: 6, to: &out.bytes)
        }
        out.text("\",\"flags\":[")
        flags(envelope.flags, &out)
        out.text("],\"resends\":")
        out.decimal(UInt64(envelope.resends))
        out.text(envelope.isIntact ? ",\"intact\":true,\"verification\":" : ",\"intact\":false,\"verification\":")
        if let verification = record.verification {
            out.member("{\"scheme\":\"", verification.scheme)
            out.member(",\"key_id\":\"", verification.keyID)
            out.text("}")
        } else {
            out.text("null")
        }
        rejections(record, &out)
        events(record, showsData: showsBody, &out)
        stamps(record, &out)
        if showsHeaders {
            let shown = record.fields(hiding: hidden).map { ($0.name, JSONText.string($0.value)) }
            out.text(",\"headers\":")
            out.raw(JSONText.object(shown).bytes)
        }
        if showsBody {
            out.text(",\"body\":")
            out.raw(shown(record).json.bytes)
        }
        out.text("}")
    }

    private func flags(_ flags: EnvelopeFlags, _ out: inout ByteWriter) {
        var isFirst = true
        for (flag, word) in Self.flagWords where flags.contains(flag) {
            out.text(isFirst ? "\"" : ",\"")
            out.text(word)
            out.text("\"")
            isFirst = false
        }
    }

    private func rejections(_ record: TapRecord, _ out: inout ByteWriter) {
        var separator: StaticString = "{\"stage\":\""
        out.text(",\"rejections\":[")
        record.forEachRejection { rejection in
            out.member(separator, rejection.stage.description)
            out.member(",\"code\":\"", rejection.code.rawValue)
            out.text(",\"element\":")
            if rejection.element == Rejection.wholeWebhook {
                out.text("null")
            } else {
                out.decimal(UInt64(rejection.element))
            }
            out.member(",\"detail\":\"", rejection.detail)
            out.text("}")
            separator = ",{\"stage\":\""
        }
        out.text("]")
    }

    private func events(_ record: TapRecord, showsData: Bool, _ out: inout ByteWriter) {
        var separator: StaticString = "{"
        out.text(",\"events\":[")
        record.forEachEvent { event in
            out.text(separator)
            var quote: StaticString = "\""
            AttributeList(event.attributeBytes).forEach { name, value in
                out.text(quote)
                out.plain(name)
                out.text("\":\"")
                out.plain(value)
                quote = "\",\""
                return true
            }
            if event.attributeCount > 0 { out.text("\"") }
            if showsData, let payload = event.payload {
                out.text(event.attributeCount > 0 ? ",\"data\":" : "\"data\":")
                out.raw(shown(payload).json.bytes)
            }
            out.text("}")
            separator = ",{"
        }
        out.text("]")
    }

    private func stamps(_ record: TapRecord, _ out: inout ByteWriter) {
        var separator: StaticString = "{\"stage\":\""
        out.text(",\"stamps\":[")
        record.forEachStamp { stamp in
            out.member(separator, stamp.stage.description)
            out.member(",\"instance\":\"", stamp.instance)
            out.text(",\"started\":\"")
            RFC3339.append(nanoseconds: stamp.startedNanoseconds, digits: 6, to: &out.bytes)
            out.text("\",\"finished\":\"")
            RFC3339.append(nanoseconds: stamp.finishedNanoseconds, digits: 6, to: &out.bytes)
            out.text("\"}")
            separator = ",{\"stage\":\""
        }
        out.text("]")
    }
}
