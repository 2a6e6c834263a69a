internal import CZlib

/// Takes off gzip (RFC 1952) with a hard limit on what may come out. One per thread; its memory is used again.
package final class Inflater {
    /// What came of an attempt.
    package enum Outcome {
        case inflated(UnsafeRawBufferPointer)
        /// Damaged, truncated, or followed by something else.
        case damaged
        /// More than `maxInflatedBytes` would come out; nothing beyond that was inflated.
        case tooLarge
    }

    /// Most bytes that may come out.
    package let maxInflatedBytes: Int
    /// What came out last, refused or not: never more than one byte beyond the limit, or than the first 16 KiB.
    package private(set) var inflatedBytes = 0
    private let stream: UnsafeMutablePointer<z_stream>
    private var output: UnsafeMutableRawBufferPointer

    private static let firstOutputBytes = 16 * 1024
    private static let keptOutputBytes = 256 * 1024

    package init(maxInflatedBytes: Int) {
        self.maxInflatedBytes = maxInflatedBytes
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        output = .allocate(byteCount: Self.firstOutputBytes, alignment: 16)
        precondition(tributary_gzip_inflate_init(stream) == Z_OK, "zlib has memory for a window of 32 KiB")
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        output.deallocate()
    }

    /// Whether `body` begins like gzip. Proxies strip `Content-Encoding`, so the first bytes decide; no JSON text
    /// begins with them.
    package static func isCompressed(_ body: UnsafeRawBufferPointer) -> Bool {
        body.count >= 2 && body[0] == 0x1f && body[1] == 0x8b
    }

    /// Lends what `body` inflates to; the bytes are valid inside `use` alone.
    package func inflate<Result>(_ body: UnsafeRawBufferPointer, _ use: (Outcome) -> Result) -> Result {
        defer { if output.count > Self.keptOutputBytes { resize(to: Self.firstOutputBytes, keeping: 0) } }
        return use(run(body))
    }

    private func run(_ body: UnsafeRawBufferPointer) -> Outcome {
        inflateReset(stream)
        var written = 0
        var offset = 0
        defer { inflatedBytes = written }
        while true {
            if written == output.count {
                if written > maxInflatedBytes { return .tooLarge }
                resize(to: min(output.count * 4, max(maxInflatedBytes, output.count) + 1), keeping: written)
            }
            let status = step(body, offset: &offset, written: &written)
            if written > maxInflatedBytes { return .tooLarge }
            switch status {
            case Z_STREAM_END:
                if offset == body.count {
                    return .inflated(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<written]))
                }
                // Members may follow one another (RFC 1952, section 2.2); anything else is not gzip.
                guard Self.isCompressed(UnsafeRawBufferPointer(rebasing: body[offset...])) else { return .damaged }
                inflateReset(stream)
            case Z_OK where offset < body.count || written == output.count:
                continue
            default:
                return .damaged
            }
        }
    }

    /// One call of zlib from `offset` of `body` into the free part of the output.
    private func step(_ body: UnsafeRawBufferPointer, offset: inout Int, written: inout Int) -> Int32 {
        let given = min(body.count - offset, Int(UInt32.max))
        let room = min(output.count - written, Int(UInt32.max))
        stream.pointee.next_in = UnsafeMutablePointer(
            mutating: body.baseAddress?.advanced(by: offset).assumingMemoryBound(to: UInt8.self))
        stream.pointee.avail_in = UInt32(given)
        stream.pointee.next_out = output.baseAddress?.advanced(by: written).assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(room)
        let status = CZlib.inflate(stream, Z_NO_FLUSH)
        offset += given - Int(stream.pointee.avail_in)
        written += room - Int(stream.pointee.avail_out)
        return status
    }

    private func resize(to byteCount: Int, keeping kept: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(output)[..<kept]))
        output.deallocate()
        output = larger
    }
}
