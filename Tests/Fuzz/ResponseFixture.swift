import HTTPFront

/// The reader of responses: whatever comes, in whatever pieces. The first byte says how long a piece is.
final class ResponseFixture: FuzzFixture {
    func tryOne(_ input: UnsafeRawBufferPointer) {
        guard let first = input.first else { return }
        let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        let (whole, pieces) = (Self.read(bytes, by: .max), Self.read(bytes, by: 1 + Int(first)))
        must(whole == pieces, "what it comes to does not depend on its pieces")
        must(whole.body.count <= bytes.count, "a body is no longer than what came")
    }

    private struct Reading: Equatable {
        var head: ResponseReader.Head?
        var isComplete = false
        var isReusable = false
        var isMalformed = false
        var body: [UInt8] = []
    }

    private static func read(_ bytes: UnsafeRawBufferPointer, by size: Int) -> Reading {
        var (reader, reading, rest) = (ResponseReader(), Reading(), bytes)
        do throws(ResponseReader.Malformed) {
            while !rest.isEmpty {
                let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(size))
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(size))
                try reader.read(piece) { reading.body += $0 }
            }
        } catch {
            // Which of the two limits is met first is no matter.
            reading.isMalformed = true
        }
        (reading.head, reading.isComplete, reading.isReusable) = (reader.head, reader.isComplete, reader.isReusable)
        return reading
    }

    static func seeds() -> [[UInt8]] {
        [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nok",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\n\r\n",
            "HTTP/1.0 301 Moved\nlocation: /x\ncontent-length: 0, 0\nconnection: keep-alive\n\n",
        ].map { [3] + Array($0.utf8) }
    }
}
