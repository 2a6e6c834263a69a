/// Reads HTTP/1.1 responses as browsers and proxies do (RFC 9110, RFC 9112): the status line counts, what is doubtful behind
/// it costs the connection alone. Takes bytes as they come, keeps one unfinished line, and is bounded.
package struct ResponseReader: Sendable {
    /// What is wanted of a head; of a success only its status. The first field of a name counts.
    package struct Head: Equatable, Sendable {
        package let status: Int
        package fileprivate(set) var retryAfter: String?
        package fileprivate(set) var date: String?
        package fileprivate(set) var location: String?
    }

    /// What came is no response.
    package enum Malformed: Error, Equatable {
        case noHTTP
        case headTooLarge
    }

    private enum Phase {
        case statusLine
        case fields
        case bytes(UInt64)
        /// Whatever comes until the connection ends.
        case untilClose
        case chunkSize
        case chunkEnd
        case trailers
        case complete
    }

    /// What a head may have, with those of informational responses before it, and what the lines between chunks may.
    package static let headBytes = 64 * 1024

    private var phase = Phase.statusLine
    /// The line that is not here whole.
    private var line: [UInt8] = []
    private var lineBytes = 0
    private var pending = Head(status: 0)
    private var minorVersion: UInt8 = 1
    private var length: UInt64?
    private var hasLength = false
    private var isChunked = false
    private var hasEncoding = false
    private var closes = false
    private var staysOpen = false
    /// Whether the framing is in doubt, so that the connection ends with this response.
    private var isDoubtful = false
    private var isInChunk = false

    /// The final response's head, once it is whole.
    package private(set) var head: Head?

    package init() {}

    /// Whether everything of the response is here.
    package var isComplete: Bool { if case .complete = phase { true } else { false } }

    /// Whether what came so far leaves the connection open when the response is complete.
    package var keepsConnection: Bool { !isDoubtful && !closes && (minorVersion > 0 || staysOpen) }

    /// Whether the connection can take another request.
    package var isReusable: Bool { isComplete && keepsConnection }

    /// Reads on; `body` is called with what belongs to the body.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer, body: (UnsafeRawBufferPointer) -> Void
    ) throws(Malformed) {
        var rest = bytes
        while !rest.isEmpty {
            switch phase {
            case .complete:
                // Nothing was asked for that it could answer.
                isDoubtful = true
                return
            case .untilClose:
                return body(rest)
            case .bytes(let left):
                let part = rest.part(0..<Int(min(left, UInt64(rest.count))))
                body(part)
                rest = rest.part(part.count..<rest.count)
                guard left == UInt64(part.count) else { phase = .bytes(left - UInt64(part.count)); continue }
                phase = isInChunk ? .chunkEnd : .complete
            case .statusLine, .fields, .chunkSize, .chunkEnd, .trailers:
                try readLine(&rest)
            }
        }
    }

    /// Takes one line, or what is here of it.
    private mutating func readLine(_ rest: inout UnsafeRawBufferPointer) throws(Malformed) {
        let end = rest.firstIndex(of: 0x0A)
        let part = rest.part(0..<(end ?? rest.count))
        let taken = part.count + (end == nil ? 0 : 1)
        lineBytes += taken
        guard lineBytes <= Self.headBytes else { return try tooMuch() }
        rest = rest.part(taken..<rest.count)
        guard end != nil else {
            line += part
            // So that what speaks another protocol is not waited for.
            if case .statusLine = phase, !line.withUnsafeBytes(Self.mayBegin) { throw .noHTTP }
            return
        }
        guard !line.isEmpty else { return try take(part) }
        var whole: [UInt8] = []
        swap(&whole, &line)
        whole += part
        var failure: Malformed?
        whole.withUnsafeBytes { bytes in
            do throws(Malformed) { try take(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private mutating func tooMuch() throws(Malformed) {
        guard head != nil else { throw .headTooLarge }
        giveUp()
    }

    /// Its end cannot be told: the head counts.
    private mutating func giveUp() {
        isDoubtful = true
        phase = .complete
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        var line = bytes
        if line.last == 0x0D { line = line.part(0..<line.count - 1) } else { isDoubtful = true }
        switch phase {
        case .statusLine: try takeStatus(line)
        case .fields where line.isEmpty: endHead()
        case .fields: takeField(line)
        case .chunkSize: takeChunkSize(line)
        case .chunkEnd where line.isEmpty: phase = .chunkSize
        case .chunkEnd: giveUp()
        case .trailers: if line.isEmpty { phase = .complete }
        case .bytes, .untilClose, .complete: break
        }
    }

    // MARK: Head

    /// Whether a line, or what is here of it, is the first of a response, or empty.
    private static func mayBegin(_ line: UnsafeRawBufferPointer) -> Bool {
        let name: StaticString = "HTTP/1."
        let count = min(line.count, name.utf8CodeUnitCount)
        return (0..<count).allSatisfy { line[$0] == name.utf8Start[$0] } || line.count == 1 && line[0] == 0x0D
    }

    /// `HTTP/1.1 200 OK`; a later 1.x is read as 1.1 (RFC 9110, section 6.2). The reason may be anything, or missing with
    /// its blank.
    private mutating func takeStatus(_ line: UnsafeRawBufferPointer) throws(Malformed) {
        if line.isEmpty {
            // Left over from the response before.
            isDoubtful = true
            return
        }
        guard line.count >= 12, Self.mayBegin(line), (0x30...0x39).contains(line[7]), line[8] == 0x20 else {
            throw .noHTTP
        }
        var start = 9
        while start < line.count, line[start] == 0x20 { start += 1 }
        let end = start + 3
        guard end <= line.count, end == line.count || line[end] == 0x20,
            let status = Self.number(line.part(start..<end)), status >= 100
        else { throw .noHTTP }
        minorVersion = line[7] - 0x30
        if minorVersion > 1 || start > 9 || !HeadRules.isText(line.part(end..<line.count)) { isDoubtful = true }
        pending = Head(status: Int(status))
        phase = .fields
    }

    private mutating func takeField(_ line: UnsafeRawBufferPointer) {
        guard let (name, value) = line.asField() else {
            // No field, or the rest of a folded one.
            isDoubtful = true
            return
        }
        if !HeadRules.isText(value) { isDoubtful = true }
        let isSuccess = (200..<300).contains(pending.status)
        func text() -> String { String(decoding: value, as: UTF8.self) }
        switch name.count {
        case 10 where name.isWord("connection"):
            value.forEachElement { word in
                if word.isWord("close") { closes = true }
                if word.isWord("keep-alive") { staysOpen = true }
            }
        case 14 where name.isWord("content-length"): takeLength(value)
        case 17 where name.isWord("transfer-encoding"): takeEncoding(value)
        case _ where isSuccess: break
        case 4 where name.isWord("date"): pending.date = pending.date ?? text()
        case 8 where name.isWord("location"): pending.location = pending.location ?? text()
        case 11 where name.isWord("retry-after"): pending.retryAfter = pending.retryAfter ?? text()
        default: break
        }
    }

    /// One number, or the same one several times (RFC 9110, section 8.6), which no careful sender writes.
    private mutating func takeLength(_ value: UnsafeRawBufferPointer) {
        value.forEachElement { text in
            let number = Self.number(text)
            if hasLength || number == nil { isDoubtful = true }
            (length, hasLength) = (hasLength && number != length ? nil : number, true)
        }
    }

    /// `chunked` alone is understood; any other coding ends with the connection.
    private mutating func takeEncoding(_ value: UnsafeRawBufferPointer) {
        isChunked = !hasEncoding && value.isWord("chunked") && minorVersion > 0
        hasEncoding = true
        if !isChunked { isDoubtful = true }
    }

    /// How the body ends (RFC 9112, section 6.3).
    private mutating func endHead() {
        if (100..<200).contains(pending.status), pending.status != 101 {
            // Informational: the response follows.
            let (doubt, read) = (isDoubtful || hasLength || hasEncoding, lineBytes)
            self = ResponseReader()
            (isDoubtful, lineBytes) = (doubt, read)
            return
        }
        head = pending
        lineBytes = 0
        switch pending.status {
        case 101, 204, 304:
            // Without a body whatever its fields say.
            if pending.status == 101 || hasEncoding || length ?? 0 > 0 && pending.status == 204 { isDoubtful = true }
            phase = .complete
        case _ where hasEncoding:
            if hasLength { isDoubtful = true }
            phase = isChunked ? .chunkSize : .untilClose
        case _ where hasLength: phase = length.map { $0 == 0 ? .complete : .bytes($0) } ?? .untilClose
        default: phase = .untilClose
        }
        if case .untilClose = phase { closes = true }
    }

    // MARK: Chunks

    private mutating func takeChunkSize(_ line: UnsafeRawBufferPointer) {
        let digits = line.prefix { $0 != 0x3B && $0 != 0x20 && $0 != 0x09 }
        guard (1...15).contains(digits.count),
            let size = digits.reduce(
                UInt64?(0), { sum, byte in Self.hex(byte).flatMap { digit in sum.map { $0 << 4 | digit } } })
        else { return giveUp() }
        isInChunk = true
        phase = size == 0 ? .trailers : .bytes(size)
    }

    // MARK: Bytes

    private static func hex(_ byte: UInt8) -> UInt64? {
        switch byte {
        case 0x30...0x39: UInt64(byte - 0x30)
        case 0x41...0x46, 0x61...0x66: UInt64((byte | 0x20) - 0x61 + 10)
        default: nil
        }
    }

    /// Decimal digits, at most 18; nil where there is anything else, or nothing.
    private static func number(_ digits: UnsafeRawBufferPointer) -> UInt64? {
        guard (1...18).contains(digits.count) else { return nil }
        var value: UInt64 = 0
        for byte in digits {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + UInt64(byte - 0x30)
        }
        return value
    }
}
