import EventLog

/// The whole filter of a subscription: attributes first, then data. Belongs to one thread.
struct LaneFilter {
    private let matcher: EventMatcher
    private let content: ContentMatcher?

    init(_ settings: LaneSettings) {
        matcher = settings.matcher
        content = ContentMatcher(settings.conditions)
    }

    /// The first event from `position` on that it takes; nil where none of this row is.
    func firstMatch(in row: RenderedBatch, from position: UInt64) -> UInt64? {
        var position = position
        while let next = row.firstMatch(from: position, matcher) {
            guard let content else { return next }
            if row.batch.withRecord(at: next, content.matches) ?? false { return next }
            position = next + 1
        }
        return nil
    }

    /// The first part that does not match; nil where all do.
    func mismatch(_ record: EventRecord) -> LaneExplanation.Mismatch? {
        matcher.mismatch(record) ?? content?.mismatch(record)
    }
}
