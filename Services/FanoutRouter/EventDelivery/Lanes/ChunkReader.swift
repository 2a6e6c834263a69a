import EventLog
import Logging
import NIOCore

/// Reads the event log for those who lag, off their event loop: who lags at the same place reads and renders it once with
/// the others.
///
/// Confined to its event loop; completions run there, later.
final class ChunkReader {
    typealias Rows = Result<([RenderedBatch], UInt64), any Error>

    private let reading: LogReading
    private let loop: any EventLoop
    private let logger: Logger
    /// For whom, as the log says it.
    private let purpose: String
    private var recent = RecentRows(budgetBytes: recentBytes)
    /// Whether anybody read since the last tick.
    private var isUsed = false
    private static let recentBytes = 4 << 20
    /// Who waits for the rows from a position on.
    private var joined: [UInt64: [(Rows) -> Void]] = [:]

    init(_ reading: LogReading, loop: any EventLoop, logger: Logger, purpose: String) {
        (self.reading, self.loop, self.logger, self.purpose) = (reading, loop, logger, purpose)
    }

    /// Gives up what nobody came back for.
    func tick() {
        if !isUsed { recent = RecentRows(budgetBytes: Self.recentBytes) }
        isUsed = false
    }

    /// Rows from the one that holds `position` on, and the first position still held.
    func rows(from position: UInt64, maxBytes: Int, done: @escaping (Rows) -> Void) {
        isUsed = true
        let near = recent.rows(from: position, maxBytes: maxBytes)
        guard near.isEmpty else {
            return loop.assumeIsolated().execute { done(.success((near, position))) }
        }
        joined[position, default: []].append(done)
        guard joined[position]?.count == 1 else { return }
        let ended = { [weak self] (result: Rows) in
            guard let self else { return }
            if case .success(let (rows, _)) = result { recent.keep(rows) }
            for done in joined.removeValue(forKey: position) ?? [] { done(result) }
        }
        read(ended) { reader in
            let chunk = try reader.batches(from: position, maxBytes: maxBytes)
            return (chunk.batches.map { RenderedBatch($0) }, chunk.firstPosition)
        }
    }

    /// Anything else; an error is logged too.
    func read<Value: Sendable>(
        _ done: @escaping (Result<Value, any Error>) -> Void,
        _ body: @escaping @Sendable (EventLogReader) throws -> Value
    ) {
        let bound = NIOLoopBound(done, eventLoop: loop)
        let (loop, logger, purpose) = (loop, logger, purpose)
        reading.submit(body) { result in
            if case .failure(let error) = result {
                logger.error(
                    "the event log cannot be read for \(purpose); it tries again",
                    metadata: ["cause": "\(EventLogError(error))"])
            }
            loop.execute { bound.value(result) }
        }
    }
}
