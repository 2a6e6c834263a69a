import EventLog
import Events
import StageRuntime
import Wire

extension AdminRoutes {
    /// `GET /events` and `GET /events/{position or id}`.
    func events(_ request: AdminRequest) throws -> AdminReply {
        if !Self.tail(request).isEmpty { return try event(named: String(request.path.dropFirst("/events/".count))) }
        var query = EventQuery()
        query.source = request.query["source"]
        query.type = request.query["type"].map { Self.completeType($0) }
        query.subject = request.query["subject"]
        query.id = request.query["id"]
        query.after = request.query["after"].flatMap { UInt64($0) } ?? 0
        query.limit = Self.limit(request)
        let page = try stage.reading.read { try $0.search(query) }
        let summaries = page.matches.compactMap { match in
            match.batch.withRecord(at: match.position) { Self.summary($0, match.position) }
        }
        return .json(
            200, .object([("events", .array(summaries)), ("next", .optional(page.next) { .number($0) })]))
    }

    private func event(named name: String) throws -> AdminReply {
        var found: (batch: EventBatch, position: UInt64)?
        if let position = UInt64(name), let batch = try stage.reading.read({ try $0.batch(holding: position) }) {
            found = (batch, position)
        }
        var query = EventQuery()
        query.id = name
        query.limit = 1
        // A search gives up its turn now and then; an id is looked for until the end of the log.
        while found == nil {
            let page = try stage.reading.read { try $0.search(query) }
            found = page.matches.first
            guard let next = page.next else { break }
            query.after = next
        }
        guard let (batch, position) = found else {
            return .error(404, "not_found", "no event has the position or id \(name), or it is no longer kept")
        }
        let journey = batch.withRecord(at: position) { self.journey($0, batch) } ?? .array([])
        return .json(
            200,
            .object([
                ("event", JSONText(raw: RenderedBatch.body(at: position, of: batch))),
                ("position", .number(position)),
                ("original", batch.withRecord(at: position) { Self.original($0) } ?? .null), ("journey", journey),
                ("deliveries", .array(try deliveries(of: position, in: batch))),
            ]))
    }

    /// What the provider sent, where the event's data is a translation of it.
    private static func original(_ record: EventRecord) -> JSONText {
        .optional(record.original) { original in
            .object([
                ("content_type", .string(String(decoding: original.contentType, as: UTF8.self))),
                ("bytes_base64", .string(Base64.encode(original.bytes))),
            ])
        }
    }

    /// One line of a list.
    private static func summary(_ record: EventRecord, _ position: UInt64) -> JSONText {
        var members: [(String, JSONText)] = [("position", .number(position))]
        for name in ["id", "source", "type", "subject", "time", "provider", "providertype"] as [StaticString] {
            let value = record.attribute(name).map { String(decoding: $0, as: UTF8.self) }
            members.append(("\(name)", .optional(value) { .string($0) }))
        }
        members.append(("recordedtime", time(record.receivedAtNanoseconds)))
        return .object(members)
    }

    /// When each stage had the webhook in its hands; the router's own stamp ends with the commit.
    private func journey(_ record: EventRecord, _ batch: EventBatch) -> JSONText {
        var stamps = record.stamps
        stamps.append(
            StageStamp(
                stage: .router, instance: stage.instance, startedNanoseconds: batch.takenAtNanoseconds,
                finishedNanoseconds: batch.appendedAtNanoseconds))
        return .array(
            stamps.map { stamp in
                .object([
                    ("stage", .string("\(stamp.stage)")), ("instance", .string(stamp.instance)),
                    ("started", Self.time(stamp.startedNanoseconds)),
                    ("finished", Self.time(stamp.finishedNanoseconds)),
                ])
            })
    }

    private func deliveries(of position: UInt64, in batch: EventBatch) throws -> [JSONText] {
        let states = try stage.withHub { hub in
            hub.lanes.compactMap { lane in lane.describe(position, in: batch).map { (lane.settings.name, $0) } }
        }
        let saved = try stage.reading.read { try $0.attempts(position: position) }
        return try states.map { name, description in
            var state = description.state
            if state == "delivered",
                let letter = try stage.reading.read({ try $0.deadLetter(subscription: name, position: position) })
            {
                state = letter.reason == "expired" ? "expired" : "dead"
            }
            let attempts = saved.filter { $0.subscription == name }.map(\.attempt) + description.unsaved
            return .object([
                ("subscription", .string(name)), ("state", .string(state)),
                (
                    "attempts",
                    .array(attempts.sorted { $0.startedNanoseconds < $1.startedNanoseconds }.map(Self.attempt))
                ),
            ])
        }
    }

    private static func attempt(_ attempt: AttemptRecord) -> JSONText {
        .object([
            ("number", .number(attempt.number)), ("started", time(attempt.startedNanoseconds)),
            ("duration_seconds", .number(Double(attempt.durationNanoseconds) / 1e9)),
            ("outcome", .string(attempt.outcome)), ("status", .optional(attempt.status) { .number($0) }),
            ("detail", .string(attempt.detail)),
        ])
    }

    /// Operators write types as filters do, without the prefix.
    private static func completeType(_ type: String) -> String {
        let prefix = String(decoding: EventMatcher.typePrefix, as: UTF8.self)
        return type.hasPrefix(prefix) ? type : prefix + type
    }
}

extension Lane {
    /// What the lane knows of one event: nil where its filter does not take it. `delivered` may also mean dead; the
    /// log knows.
    func describe(_ position: UInt64, in batch: EventBatch) -> (state: String, unsaved: [AttemptRecord])? {
        guard batch.withRecord(at: position, takes) ?? false else { return nil }
        let unsaved = history.attempts(at: position)
        if let entry = cursor.delivery(holding: position) {
            switch entry.state {
            case .ready: return ("queued", unsaved)
            case .inFlight: return ("in_flight", unsaved)
            case .held: return ("held", unsaved)
            case .waiting: return (cursor.isDisabled ? "disabled" : "retrying", unsaved)
            }
        }
        if position > cursor.taken { return (cursor.isDisabled ? "disabled" : "waiting", unsaved) }
        return ("delivered", unsaved)
    }
}
