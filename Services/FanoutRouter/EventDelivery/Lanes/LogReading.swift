import Dispatch
package import EventLog
import NIOCore

/// The reader thread: reads the log for lanes that lag and for operators, one short transaction at a time.
///
/// The reader itself is not thread-safe; the serial queue is what makes this type `@unchecked Sendable`: nothing
/// touches `reader` outside of it.
package final class LogReading: @unchecked Sendable {
    private let queue = DispatchQueue(label: "event-log-reader")
    private let reader: EventLogReader

    init(_ reader: EventLogReader) {
        self.reader = reader
    }

    /// Reads in the background; `done` runs on the reader thread.
    func submit<Value>(
        _ body: @escaping @Sendable (EventLogReader) throws -> Value,
        done: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        queue.async { done(Result { try body(self.reader) }) }
    }

    /// Reads and waits; for threads that may block.
    package func read<Value>(_ body: (EventLogReader) throws -> Value) throws -> Value {
        try queue.sync { try body(reader) }
    }
}
