import NIOCore

/// The rows that a lane holds, the one with its next event and those read from the log behind it, and the reading of
/// what it can't go on without. Confined to the event loop.
final class LaneRows {
    /// Ticks without progress after which rows are given back: slow lanes do not read the same rows again and again.
    private static let patienceTicks = 25

    private let source: any LaneSource
    private let loop: any EventLoop
    private let pump: () -> Void
    private var current: RenderedBatch?
    private var chunk: [RenderedBatch] = []
    /// The log holds nothing before; retention took it.
    private(set) var firstHeld: UInt64 = 0
    private(set) var isReading = false
    private var isStopped = false
    /// Where the cursor was at the last tick, and how often it has been there since.
    private var takenAtTick: UInt64 = 0
    private var idleTicks = 0

    /// `pump`: called when something was read, and a while after nothing could be.
    init(_ source: any LaneSource, loop: any EventLoop, pump: @escaping () -> Void) {
        self.source = source
        self.loop = loop
        self.pump = pump
    }

    /// The row with the event at `position`, or the first one behind it where retention dropped that; nil while it is
    /// being read, or there is none.
    func row(holding position: UInt64) -> RenderedBatch? {
        if let current, current.first <= position, position <= current.last { return current }
        current = nil
        guard position < source.feed.next else { return nil }
        if let batch = source.feed.batch(holding: position) {
            chunk.removeAll()
            current = batch
        } else if let index = chunk.firstIndex(where: { $0.last >= position }) {
            current = chunk[index]
            chunk.removeFirst(index + 1)
        } else {
            chunk.removeAll()
            read({ source.readChunk(from: position, done: $0) }) { [weak self] found in
                guard let self, let found else { return false }
                firstHeld = found.1
                if !isStopped { chunk = found.0 }
                return !found.0.isEmpty
            }
        }
        return current
    }

    /// Reads one thing at a time, and pumps. `take` gets it, or nil where the log can't be read, and returns whether there
    /// was anything; where not, it is asked again in a while, without a busy loop.
    func read<Value>(
        _ begin: (@escaping (Result<Value, any Error>) -> Void) -> Void, _ take: @escaping (Value?) -> Bool
    ) {
        guard !isReading else { return }
        isReading = true
        begin { [weak self] result in
            guard let self else { return }
            isReading = false
            if take(try? result.get()) { return pump() }
            loop.assumeIsolated().scheduleTask(in: .milliseconds(200)) { [weak self] in self?.pump() }
        }
    }

    /// Gives rows back that are not being worked off: a thousand subscriptions that wait hold no part of the log.
    func tick(taken: UInt64, isHalted: Bool) {
        idleTicks = takenAtTick == taken ? idleTicks + 1 : 0
        takenAtTick = taken
        if isHalted || idleTicks >= Self.patienceTicks { drop() }
    }

    func stop() {
        isStopped = true
        drop()
    }

    private func drop() {
        current = nil
        chunk = []
    }
}
