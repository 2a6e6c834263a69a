internal import CZlib

/// Compresses as a sender would.
package enum Gzip {
    /// One gzip member holding `bytes`.
    package static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        precondition(tributary_gzip_deflate_init(&stream) == Z_OK, "zlib has memory for one stream")
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 1000 + 1024)
        let capacity = output.count
        let status = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target in
                stream.next_in = source.baseAddress
                stream.avail_in = UInt32(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = UInt32(capacity)
                return deflate(&stream, Z_FINISH)
            }
        }
        precondition(status == Z_STREAM_END, "the output has room for the worst case")
        return Array(output.prefix(capacity - Int(stream.avail_out)))
    }
}
