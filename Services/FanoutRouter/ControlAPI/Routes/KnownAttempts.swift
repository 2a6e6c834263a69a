import EventDelivery
import EventLog
import JSON

/// Where a page of attempts ended: in the log, and among those that the lanes remember.
struct AttemptPlace: Sendable, Equatable {
    static let list = "attempts"

    /// The log goes on behind this attempt; nil: from its newest.
    var before: Int64?
    /// Of the remembered ones, those are left that began before this; nanoseconds since 1970.
    var remembered = Int64.max
    /// Whether the log was read to its end.
    var isAtEnd = false

    var elements: [JSONText] { [.optional(before) { .number($0) }, .number(remembered), .bool(isAtEnd)] }
}

extension AttemptPlace {
    /// Where the page before ended; the beginning where there is none.
    init(_ request: APIRequest) throws(APIProblem) {
        guard let elements = try request.cursor(Self.list, elements: 3) else {
            self.init()
            return
        }
        guard elements[0] == .null || elements[0].integer != nil, let remembered = elements[1].integer else {
            throw APIProblem(.badRequest, "cursor must be the next_cursor of the page before, unchanged")
        }
        self.init(before: elements[0].integer, remembered: remembered, isAtEnd: elements[2] == .bool(true))
    }
}

/// Attempts of the log and those that only the lanes remember, put together: each once.
struct KnownAttempts {
    typealias Named = (subscription: String, attempt: AttemptRecord)

    /// One attempt is the same wherever it lies.
    private struct Name: Hashable {
        let subscription: String
        let position: UInt64
        let number: Int
        let started: Int64

        init(_ named: Named) {
            subscription = named.subscription
            position = named.attempt.position
            number = named.attempt.number
            started = named.attempt.startedNanoseconds
        }
    }

    let stage: RouterStage

    /// A page, newest first, and where to go on.
    func page(
        _ asked: AttemptQuery, from place: AttemptPlace
    ) throws -> (attempts: [Named], next: AttemptPlace?) {
        // The lanes first: what is saved in between is found twice, which is better than not at all.
        let remembered = try remembered(asked, before: place.remembered)
        var query = asked
        query.before = place.before
        // Nothing of the log was shown yet: what was shown as remembered may have been saved since.
        if place.before == nil { query.until = min(query.until ?? .max, place.remembered) }
        var saved = try place.isAtEnd ? nil : read(query)
        let found = saved?.attempts ?? []
        let shares = Self.shares(found, remembered, limit: asked.limit)
        let chosen = Array(remembered.prefix(shares.remembered))
        var next = place
        next.remembered = chosen.last?.attempt.startedNanoseconds ?? place.remembered
        if shares.saved == 0, !found.isEmpty { return (chosen, next) }
        if shares.saved < found.count {
            // Only the log can say where fewer of them end.
            query.limit = shares.saved
            saved = try read(query)
        }
        next.before = saved?.next ?? place.before
        next.isAtEnd = saved?.next == nil
        let isEnd = next.isAtEnd && chosen.count == remembered.count
        return (Self.merged(saved?.attempts ?? [], chosen), isEnd ? nil : next)
    }

    /// All attempts for one event, oldest first, by subscription.
    func attempts(
        for position: UInt64, remembered: [Named]
    ) throws -> [String: [AttemptRecord]] {
        let saved = try stage.reading.read { try $0.attempts(position: position) }
        return Dictionary(grouping: Self.merged(saved, remembered).reversed()) { $0.subscription }
            .mapValues { $0.map(\.attempt) }
    }

    private func read(_ query: AttemptQuery) throws -> AttemptPage {
        try stage.reading.read { try $0.attempts(query) }
    }

    /// What lanes hold in memory and is asked for, newest first.
    private func remembered(_ query: AttemptQuery, before cutoff: Int64) throws -> [Named] {
        guard query.subscription != nil || query.position != nil else { return [] }
        let found = try stage.loops.lanes { lane in
            let name = lane.settings.name
            guard query.subscription.map({ $0 == name }) ?? true else { return [] as [Named] }
            return lane.history.attempts { query.wants($0) && $0.startedNanoseconds < cutoff }.map { (name, $0) }
        }
        return Self.merged([], found.flatMap { $0 })
    }

    /// How many of each are among the newest `limit`.
    private static func shares(_ saved: [Named], _ remembered: [Named], limit: Int) -> (saved: Int, remembered: Int) {
        var shares = (saved: 0, remembered: 0)
        while shares.saved + shares.remembered < limit {
            let ofSaved = saved.dropFirst(shares.saved).first?.attempt.startedNanoseconds ?? .min
            let ofRemembered = remembered.dropFirst(shares.remembered).first?.attempt.startedNanoseconds ?? .min
            guard max(ofSaved, ofRemembered) > .min else { break }
            if ofRemembered >= ofSaved { shares.remembered += 1 } else { shares.saved += 1 }
        }
        return shares
    }

    /// Newest first, each once.
    private static func merged(_ saved: [Named], _ remembered: [Named]) -> [Named] {
        var seen: Set<Name> = []
        return (saved + remembered)
            .filter { seen.insert(Name($0)).inserted }
            .sorted { $0.attempt.startedNanoseconds > $1.attempt.startedNanoseconds }
    }
}

extension AttemptQuery {
    /// Whether an attempt that is not on disk is meant, of the lanes that are.
    fileprivate func wants(_ attempt: AttemptRecord) -> Bool {
        position.map { $0 == attempt.position } ?? true
            && (outcomes.isEmpty || outcomes.contains(attempt.outcome))
            && since.map { attempt.startedNanoseconds >= $0 } ?? true
            && until.map { attempt.startedNanoseconds < $0 } ?? true
    }
}
