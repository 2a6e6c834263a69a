package import EventLog
package import NIOCore
import Wire

/// The body of a delivery, in the pieces in which it lies in memory: it is copied where it is written, and nowhere before.
package enum EventBody: Sendable {
    /// In a piece of its own.
    case buffer(ByteBuffer)
    /// A part of a row of the log.
    case stored(EventBatch, Range<Int>)
    /// The CloudEvents JSON of the event at that position.
    case rendered(RenderedBatch, UInt64)
    /// Several as a JSON array.
    case array([EventBody])

    package var count: Int {
        switch self {
        case .buffer(let buffer): buffer.readableBytes
        case .stored(_, let place): place.count
        case .rendered(let row, let position): row.bodyBytes(at: position)
        case .array(let bodies): bodies.reduce(2) { $0 + $1.count } + max(0, bodies.count - 1)
        }
    }

    /// Lends the pieces in their order.
    package func forEachPart(_ body: (UnsafeRawBufferPointer) -> Void) {
        switch self {
        case .buffer(let buffer): buffer.withUnsafeReadableBytes(body)
        case .stored(let row, let place): row.withBytes { body(UnsafeRawBufferPointer(rebasing: $0[place])) }
        case .rendered(let row, let position): row.forEachPart(of: position, body)
        case .array(let bodies):
            body(("[" as StaticString).bytes)
            for (index, each) in bodies.enumerated() {
                if index > 0 { body(("," as StaticString).bytes) }
                each.forEachPart(body)
            }
            body(("]" as StaticString).bytes)
        }
    }

    package func write(to buffer: inout ByteBuffer) {
        forEachPart { buffer.writeBytes($0) }
    }

    /// In one piece; copied unless it is one.
    package var buffer: ByteBuffer {
        if case .buffer(let buffer) = self { return buffer }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count)
        write(to: &buffer)
        return buffer
    }

    /// Copied into an array.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        forEachPart { bytes.append(contentsOf: $0) }
        return bytes
    }
}
