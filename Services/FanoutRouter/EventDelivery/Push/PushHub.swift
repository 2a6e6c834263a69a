package import EventLog
import Logging
import NIOCore
package import PipelineConfiguration
import Primitives
import StageMetrics
import Wire

/// All who watch the event log, with a feed of the newest rows that they share: each reads on from its own position, and
/// one that takes nothing costs the others nothing.
///
/// Confined to its event loop, which is not that of the deliveries. Watchers at the head whose filter names its subjects
/// are found by subject, so that a thousand of them do not each look at each event.
package final class PushHub {
    /// What one watcher reads from disk at once, and writes before others have their turn.
    static let bytesPerTurn = 256 * 1024
    /// What new rows write to all watchers at once; then each has a turn of its own, so that the loop moves.
    private static let framesPerTurn = 4096
    /// Most positions that one watcher looks at before others have their turn.
    private static let positionsPerTurn: UInt64 = 4096
    private static let tickInterval = TimeAmount.seconds(2)
    private static let saveInterval = TimeAmount.milliseconds(100)
    private static let readAgain = TimeAmount.milliseconds(200)

    package let lineage: LogLineage
    private let loop: any EventLoop
    private var limits: PushConfiguration
    private let mailbox: FeedMailbox
    private let chunks: ChunkReader
    private let metrics: PushMetrics
    private var feed: EventFeed
    private var watchers: [ObjectIdentifier: Watcher] = [:]
    /// Those at the head: by the hash of each subject that they name, and the others.
    private var headBySubject: [UInt64: [ObjectIdentifier: Watcher]] = [:]
    private var headOthers: [ObjectIdentifier: Watcher] = [:]
    private var touched: [Watcher] = []
    private var framesLeft = 0
    private var ticker: RepeatedTask?
    private var isStopping = false
    /// What was acknowledged and is not saved yet, and who waits for that.
    private var cursors: [String: UInt64] = [:]
    private var acknowledged: [() -> Void] = []
    private let saveCursors: @Sendable ([String: UInt64], @escaping @Sendable (Bool) -> Void) -> Void

    init(
        lineage: LogLineage, mailbox: FeedMailbox, feed: EventFeed, reading: LogReading, loop: any EventLoop,
        registry: MetricRegistry, limits: PushConfiguration = PushConfiguration(), logger: Logger,
        saveCursors: @escaping @Sendable ([String: UInt64], @escaping @Sendable (Bool) -> Void) -> Void
    ) {
        self.saveCursors = saveCursors
        (self.lineage, self.mailbox, self.feed, self.loop, self.limits) = (lineage, mailbox, feed, loop, limits)
        chunks = ChunkReader(reading, loop: loop, logger: logger, purpose: "a watcher")
        metrics = PushMetrics(registry)
        let bound = NIOLoopBound(self, eventLoop: loop)
        ticker = loop.scheduleRepeatedTask(initialDelay: Self.tickInterval, delay: Self.tickInterval) { _ in
            bound.value.closeSlow(now: .now())
            bound.value.chunks.tick()
        }
    }

    /// Behind the newest event.
    package var headToken: PositionToken { token(feed.next - 1) }

    package func token(_ position: UInt64) -> PositionToken { PositionToken(lineage.id(of: position), position) }

    /// Where a watcher goes on when it comes again.
    package func token(of watcher: Watcher) -> PositionToken {
        switch watcher.state {
        case .atHead: headToken
        case .behind(let next): token(next - 1)
        }
    }

    /// Other limits, from now on.
    func set(_ limits: PushConfiguration) { self.limits = limits }

    // MARK: Watchers

    /// Finds the place where a watcher begins, then begins. `done` runs on the loop, later or at once; it gets nil where
    /// too many watch already or the router stops.
    package func add(
        _ filter: SubscriptionFilter, from start: WatchStart, output: any WatcherOutput,
        done: @escaping (Watcher?) -> Void
    ) {
        func begin(_ position: UInt64, _ gap: WatchGap?) {
            guard !isStopping, watchers.count < limits.maxConnections else { return done(nil) }
            let watcher = Watcher(filter, at: position, output: output)
            watchers[ObjectIdentifier(watcher)] = watcher
            metrics.watchers.set(Double(watchers.count))
            done(watcher)
            if let gap { self.gap(gap, watcher) }
            pump(watcher)
        }
        func read(_ find: @escaping @Sendable (EventLogReader) throws -> UInt64, _ gap: WatchGap? = nil) {
            chunks.read(
                { (found: Result<UInt64, any Error>) in
                    switch found {
                    case .success(let position): begin(position, gap)
                    case .failure: done(nil)
                    }
                }, find)
        }
        switch start {
        case .latest: begin(feed.next, nil)
        case .earliest: read { try $0.firstPosition() }
        case .time(let nanoseconds): read { try $0.position(at: nanoseconds) }
        case .cursor(let name):
            let latest = feed.next
            read { try $0.cursor(name).map { $0 + 1 } ?? latest }
        case .behind(let token):
            guard let (position, isKept) = token.position(in: lineage) else {
                return read(
                    { try $0.firstPosition() },
                    WatchGap(
                        positions: nil,
                        sentence: "the token is of another event log; everything that this one keeps follows"))
            }
            guard position < feed.next else {
                return begin(
                    feed.next,
                    WatchGap(
                        positions: nil,
                        sentence: "the token lies beyond the newest event, as after a restored copy; new events follow")
                )
            }
            begin(
                position + 1,
                isKept
                    ? nil
                    : WatchGap(
                        positions: nil,
                        sentence: "the log is an older copy of the one that the token is of; what came in since follows"
                    ))
        }
    }

    /// Another filter, from where the watcher is.
    package func change(_ watcher: Watcher, to filter: SubscriptionFilter) {
        let wasAtHead = leaveHead(watcher)
        watcher.filter = LaneFilter(filter)
        watcher.subjects = Watcher.subjects(filter)
        if wasAtHead { enterHead(watcher) }
    }

    package func remove(_ watcher: Watcher) {
        guard watchers.removeValue(forKey: ObjectIdentifier(watcher)) != nil else { return }
        watcher.isStopped = true
        leaveHead(watcher)
        metrics.watchers.set(Double(watchers.count))
    }

    /// The output takes something again; it gets that later, as outputs say this while they write.
    package func resume(_ watcher: Watcher) {
        watcher.blockedSince = nil
        if case .behind = watcher.state { pumpLater(watcher, .zero) }
    }

    /// Notes that everything up to a position was taken care of under a name; `done` when that is on disk. A log that takes
    /// nothing keeps them waiting.
    package func acknowledge(_ position: UInt64, as name: String, done: @escaping () -> Void) {
        if cursors.isEmpty { saveLater(Self.saveInterval) }
        cursors[name] = position
        acknowledged.append(done)
    }

    private func saveLater(_ wait: TimeAmount) {
        let bound = NIOLoopBound(self, eventLoop: loop)
        let loop = loop
        loop.scheduleTask(in: wait) {
            let hub = bound.value
            let (cursors, done) = (hub.cursors, NIOLoopBound(hub.acknowledged, eventLoop: loop))
            (hub.cursors, hub.acknowledged) = ([:], [])
            hub.saveCursors(cursors) { isSaved in
                loop.execute {
                    if isSaved { return done.value.forEach { $0() } }
                    let hub = bound.value
                    if hub.cursors.isEmpty { hub.saveLater(Self.tickInterval) }
                    hub.cursors.merge(cursors) { newer, _ in newer }
                    hub.acknowledged = done.value + hub.acknowledged
                }
            }
        }
    }

    /// Ends all watchers and takes no more.
    package func stop() {
        isStopping = true
        ticker?.cancel()
        for watcher in watchers.values { end(watcher, .stopping) }
    }

    private func end(_ watcher: Watcher, _ reason: WatchEnd) {
        remove(watcher)
        watcher.output.close(reason)
    }

    // MARK: New rows

    /// Takes new rows out of the mailbox and gives them to those at the head.
    func drain() {
        let (rows, next) = mailbox.take()
        guard next > 0 else { return }
        let head = feed.next
        for row in rows { feed.append(row) }
        feed.advance(to: next)
        // Rows are left out of a full mailbox from its beginning; what is missing is read from the log.
        guard rows.first?.first == head else { return catchUp(from: head) }
        framesLeft = Self.framesPerTurn
        for row in rows { offer(row) }
        for watcher in touched {
            watcher.isTouched = false
            watcher.output.flush()
        }
        touched.removeAll(keepingCapacity: true)
    }

    private func catchUp(from position: UInt64) {
        let atHead = watchers.values.filter { if case .atHead = $0.state { true } else { false } }
        for watcher in atHead {
            leaveHead(watcher)
            watcher.state = .behind(position)
            pumpLater(watcher, .zero)
        }
    }

    private func offer(_ row: RenderedBatch) {
        if !headBySubject.isEmpty {
            row.forEachSubject { position, subject in
                guard let named = headBySubject[Self.hash(subject)] else { return }
                for watcher in named.values { offer(row, from: position, through: position, to: watcher) }
            }
        }
        for watcher in headOthers.values { offer(row, from: row.first, through: row.last, to: watcher) }
    }

    /// Gives what matches to a watcher at the head; where it takes no more, or the turn is over, it goes on later.
    private func offer(_ row: RenderedBatch, from first: UInt64, through last: UInt64, to watcher: Watcher) {
        guard case .atHead = watcher.state else { return }
        var position = first
        while position <= last, let found = watcher.filter.firstMatch(in: row, from: position), found <= last {
            guard watcher.output.isWritable else {
                leaveHead(watcher)
                watcher.state = .behind(found)
                watcher.blockedSince = .now()
                return
            }
            guard framesLeft > 0 else {
                leaveHead(watcher)
                watcher.state = .behind(found)
                return pumpLater(watcher, .zero)
            }
            framesLeft -= 1
            write(WatchedEvent(position: found, row: row), watcher)
            position = found + 1
        }
    }

    private func write(_ event: WatchedEvent, _ watcher: Watcher) {
        watcher.output.write(event)
        metrics.events.add()
        guard !watcher.isTouched else { return }
        watcher.isTouched = true
        touched.append(watcher)
    }

    // MARK: Behind the head

    /// Reads on until the output takes no more, the head is reached, or others should have their turn.
    private func pump(_ watcher: Watcher) {
        guard !watcher.isReading, !watcher.isStopped, case .behind(var position) = watcher.state else { return }
        let end = position + Self.positionsPerTurn
        defer { flush(watcher) }
        while true {
            watcher.state = .behind(position)
            guard !watcher.isStopped else { return }
            guard watcher.output.isWritable else {
                watcher.blockedSince = watcher.blockedSince ?? .now()
                return
            }
            guard position < feed.next else {
                enterHead(watcher)
                return watcher.output.writeCaughtUp()
            }
            guard position < end else { return pumpLater(watcher, .zero) }
            guard let row = feed.batch(holding: position) else { return read(from: position, watcher) }
            position = give(row, from: position, to: watcher)
        }
    }

    private func pumpLater(_ watcher: Watcher, _ wait: TimeAmount) {
        guard !watcher.isReading else { return }  // a second turn would write the same again
        watcher.isReading = true
        let bound = NIOLoopBound((self, watcher), eventLoop: loop)
        loop.scheduleTask(in: wait) {
            let (hub, watcher) = bound.value
            watcher.isReading = false
            hub.pump(watcher)
        }
    }

    /// Gives what matches of a row; the position to go on with.
    private func give(_ row: RenderedBatch, from first: UInt64, to watcher: Watcher) -> UInt64 {
        var position = first
        while let found = watcher.filter.firstMatch(in: row, from: position) {
            guard watcher.output.isWritable, !watcher.isStopped else { return found }
            write(WatchedEvent(position: found, row: row), watcher)
            position = found + 1
        }
        return row.last + 1
    }

    private func read(from position: UInt64, _ watcher: Watcher) {
        watcher.isReading = true
        chunks.rows(from: position, maxBytes: Self.bytesPerTurn) { [weak self] result in
            watcher.isReading = false
            guard let self, !watcher.isStopped else { return }
            guard case .success(let (rows, kept)) = result, !rows.isEmpty || kept > position else {
                return pumpLater(watcher, Self.readAgain)
            }
            take(rows, kept: kept, from: position, watcher)
        }
    }

    private func take(_ rows: [RenderedBatch], kept: UInt64, from first: UInt64, _ watcher: Watcher) {
        var position = first
        if kept > position {
            gap(
                WatchGap(
                    positions: position...(kept - 1),
                    sentence: "the events \(position) to \(kept - 1) are no longer kept"), watcher)
            position = kept
        }
        for row in rows where row.last >= position && !watcher.isStopped {
            position = give(row, from: max(position, row.first), to: watcher)
            guard position > row.last else { break }
        }
        watcher.state = .behind(position)
        flush(watcher)
        pumpLater(watcher, .zero)
    }

    private func gap(_ gap: WatchGap, _ watcher: Watcher) {
        metrics.gaps.add()
        watcher.output.writeGap(gap)
    }

    private func flush(_ watcher: Watcher) {
        if watcher.isTouched {
            watcher.isTouched = false
            touched.removeAll { $0 === watcher }
        }
        if !watcher.isStopped { watcher.output.flush() }
    }

    // MARK: The head

    private func enterHead(_ watcher: Watcher) {
        watcher.state = .atHead
        watcher.blockedSince = nil
        let id = ObjectIdentifier(watcher)
        guard let subjects = watcher.subjects else { return headOthers[id] = watcher }
        for subject in subjects {
            headBySubject[subject.withUnsafeBytes { Self.hash($0) }, default: [:]][id] = watcher
        }
    }

    /// Whether it was there.
    @discardableResult
    private func leaveHead(_ watcher: Watcher) -> Bool {
        guard case .atHead = watcher.state else { return false }
        let id = ObjectIdentifier(watcher)
        headOthers[id] = nil
        for subject in watcher.subjects ?? [] {
            let hash = subject.withUnsafeBytes { Self.hash($0) }
            headBySubject[hash]?[id] = nil
            if headBySubject[hash]?.isEmpty ?? false { headBySubject[hash] = nil }
        }
        watcher.state = .behind(feed.next)
        return true
    }

    /// FNV-1a; what it finds is compared by the filter all the same.
    private static func hash(_ subject: UnsafeRawBufferPointer) -> UInt64 {
        subject.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    /// Ends those that could not be written to for too long.
    func closeSlow(now: NIODeadline) {
        let patience = TimeAmount.nanoseconds(limits.slowConsumer.nanoseconds)
        let slow = watchers.values.filter { watcher in watcher.blockedSince.map { now - $0 >= patience } ?? false }
        for watcher in slow {
            metrics.slow.add()
            end(watcher, .tooSlow)
        }
    }
}
