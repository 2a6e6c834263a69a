package import NIOCore

/// A part of what a client sends, in order.
package enum RequestPart {
    case head(ReceivedHead, HeadFacts)
    case body(ByteBuffer)
    case end
    /// The bytes are no request. Nothing comes after it.
    case refused(HeadRefusal)
}

/// Reads requests out of the bytes of a connection, to the letter of RFC 9112: lines end in CR LF, blanks stand where
/// they belong and nowhere else, and what is not a request ends the reading. Values of fields come trimmed; trailers are
/// checked and left out.
///
/// However the bytes are cut into pieces, the parts are the same but for the cuts of the bodies.
package struct RequestParser {
    /// A chunk's size with its extension.
    private static let chunkLineBytes = 1024

    private enum State {
        case requestLine
        case fields
        case fixed(left: Int)
        case chunkSize
        case chunk(left: Int)
        case chunkEnd
        case trailers
        /// Whatever follows is passed over.
        case ended
    }

    private let limits: HeadLimits
    private var state = State.requestLine
    /// What is not passed on; a head stays here until it is whole.
    private var pending = ByteBuffer()
    /// Of the pending bytes: where the line begins that is read, and up to where there is known to be no end of it.
    private var lineStart = 0
    private var scanned = 0
    private var requestLine = HeadRules.RequestLine()
    private var rules = HeadRules()
    private var fields = 0
    private var fieldsBytes = 0
    private var hasEmptyLine = false
    private var isLast = false

    package init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Whether a head has begun and is not complete.
    package var isInHead: Bool {
        switch state {
        case .requestLine: pending.readableBytes > 0
        case .fields: true
        default: false
        }
    }

    package mutating func append(_ bytes: ByteBuffer) {
        if case .ended = state { return }
        if pending.readableBytes == 0 {
            pending = bytes
        } else {
            pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next part; nil until more bytes come. Then nothing is kept of those that are passed on, so that the socket can
    /// use their buffer again.
    package mutating func next() -> RequestPart? {
        let part = read()
        if part == nil, pending.readableBytes == 0 { pending = ByteBuffer() }
        return part
    }

    private mutating func read() -> RequestPart? {
        do throws(HeadRefusal) {
            while true {
                switch state {
                case .requestLine: guard try takeRequestLine() else { return nil }
                case .fields:
                    guard let line = try takeLine(.field) else { return nil }
                    if line.isEmpty { return try completeHead() }
                    try takeField(line)
                case .fixed(let left):
                    guard left > 0 else { return end() }
                    guard let bytes = take(left) else { return nil }
                    state = .fixed(left: left - bytes.readableBytes)
                    return .body(bytes)
                case .chunkSize: guard try takeChunkSize() else { return nil }
                case .chunk(let left):
                    guard let bytes = take(left) else { return nil }
                    state = left == bytes.readableBytes ? .chunkEnd : .chunk(left: left - bytes.readableBytes)
                    return .body(bytes)
                case .chunkEnd:
                    guard let line = try takeLine(.chunkEnd) else { return nil }
                    guard line.isEmpty else { throw tooLong(.chunkEnd) }
                    dropLine()
                    state = .chunkSize
                case .trailers:
                    guard let line = try takeLine(.field) else { return nil }
                    if !line.isEmpty { try takeField(line) }
                    dropLine()
                    if line.isEmpty { return end() }
                case .ended: return nil
                }
            }
        } catch {
            stop()
            return .refused(error)
        }
    }

    /// Reads nothing more.
    package mutating func stop() {
        state = .ended
        pending = ByteBuffer()
    }

    private mutating func end() -> RequestPart {
        if isLast { stop() } else { state = .requestLine }
        return .end
    }

    // MARK: Head

    /// False when more bytes are needed.
    private mutating func takeRequestLine() throws(HeadRefusal) -> Bool {
        if scanned == 0, let first = pending.getInteger(at: pending.readerIndex, as: UInt8.self) {
            // No need to wait for the end of a line that begins like none.
            guard (0x41...0x5A).contains(first) || first == 0x0D || first == 0x0A else {
                throw .malformed("The bytes are not an HTTP/1.1 request.")
            }
        }
        guard let line = try takeLine(.requestLine) else { return false }
        if line.isEmpty {
            // One is passed over (RFC 9112, section 2.2).
            guard !hasEmptyLine else { throw .malformed("Empty lines stand before the request.") }
            hasEmptyLine = true
            dropLine()
            return true
        }
        let blanks = pending.withUnsafeReadableBytes { all in
            let bytes = all.part(line)
            return (bytes.firstIndex(of: 0x20) ?? 0, bytes.lastIndex(of: 0x20) ?? 0)
        }
        guard blanks.0 + 1 < blanks.1 else {
            throw .malformed("The request line is not a method, a target and a version with one blank between them.")
        }
        requestLine = .init(
            method: 0..<blanks.0, target: blanks.0 + 1..<blanks.1, version: blanks.1 + 1..<line.upperBound)
        hasEmptyLine = false
        rules = HeadRules()
        (fields, fieldsBytes) = (0, 0)
        state = .fields
        return true
    }

    /// Of a head, or of trailers, whose bytes alone count.
    private mutating func takeField(_ line: Range<Int>) throws(HeadRefusal) {
        let all = pending
        let isField = all.withUnsafeReadableBytes { all in
            guard let (name, value) = all.part(line).asField(), HeadRules.isText(value) else { return false }
            fieldsBytes += name.count + value.count
            if case .fields = state, let start = all.baseAddress, let place = value.baseAddress {
                fields += 1
                rules.note(name, value, at: place - start)
            }
            return true
        }
        guard isField else {
            throw .malformed("A header field is not a name, a colon and a value without control characters.")
        }
        guard fields <= limits.fields, fieldsBytes <= limits.fieldsBytes else { throw .headTooLarge(limits) }
    }

    private mutating func completeHead() throws(HeadRefusal) -> RequestPart? {
        let (rules, requestLine) = (rules, requestLine)
        let facts = try pending.withUnsafeReadableBytes { all in
            Result { () throws(HeadRefusal) in try rules.facts(of: all, requestLine) }
        }.get()
        guard let head = pending.readSlice(length: lineStart) else { return nil }
        (lineStart, scanned, fields) = (0, 0, 0)
        state = facts.isChunked ? .chunkSize : .fixed(left: facts.contentLengthBytes ?? 0)
        isLast = facts.closes || facts.asksForUpgrade
        return .head(ReceivedHead(head, requestLine), facts)
    }

    // MARK: Body

    /// Bytes of a body, at most that many; nil while there are none.
    private mutating func take(_ atMost: Int) -> ByteBuffer? {
        let count = min(atMost, pending.readableBytes)
        return count == 0 ? nil : pending.readSlice(length: count)
    }

    /// False when more bytes are needed.
    private mutating func takeChunkSize() throws(HeadRefusal) -> Bool {
        guard let line = try takeLine(.chunkSize) else { return false }
        let size = pending.withUnsafeReadableBytes { all -> Int? in
            let bytes = all.part(line)
            let digits = bytes.prefix { HeadRules.isHexDigit($0) }
            let rest = bytes[digits.endIndex...]
            guard (1...15).contains(digits.count), rest.isEmpty || rest.first == UInt8(ascii: ";"),
                HeadRules.isText(UnsafeRawBufferPointer(rebasing: rest))
            else { return nil }
            return Int(String(decoding: digits, as: UTF8.self), radix: 16)
        }
        guard let size else { throw tooLong(.chunkSize) }
        dropLine()
        fieldsBytes = 0
        state = size == 0 ? .trailers : .chunk(left: size)
        return true
    }

    // MARK: Lines

    private enum Line {
        case requestLine, field, chunkSize, chunkEnd
    }

    private func mostBytes(_ line: Line) -> Int {
        switch line {
        case .requestLine: limits.requestLineBytes
        case .field: limits.fieldsBytes + 4
        case .chunkSize: Self.chunkLineBytes
        case .chunkEnd: 0
        }
    }

    private func tooLong(_ line: Line) -> HeadRefusal {
        switch line {
        case .requestLine: .requestLineTooLong(limits)
        case .field: .headTooLarge(limits)
        case .chunkSize: .malformed("A chunk does not begin with its size.")
        case .chunkEnd: .malformed("A chunk is longer than its size.")
        }
    }

    /// Where the next line lies in the pending bytes, without its end; nil while it is not complete.
    private mutating func takeLine(_ kind: Line) throws(HeadRefusal) -> Range<Int>? {
        let (from, mostBytes) = (scanned, mostBytes(kind))
        let (found, isWhole) = pending.withUnsafeReadableBytes { bytes -> (Int?, Bool) in
            guard let place = bytes.part(from..<bytes.count).firstLineEnd.map({ from + $0 }) else {
                return (nil, false)
            }
            return (place, place > 0 && bytes[place - 1] == 0x0D)
        }
        guard let found else {
            // A CR may stand at the end.
            guard pending.readableBytes - lineStart <= mostBytes + 1 else { throw tooLong(kind) }
            scanned = pending.readableBytes
            return nil
        }
        guard found - lineStart <= mostBytes + 1 else { throw tooLong(kind) }
        guard isWhole, found > lineStart else { throw .malformed("A line does not end in CR LF.") }
        let line = lineStart..<found - 1
        lineStart = found + 1
        scanned = lineStart
        return line
    }

    /// The line that was taken is of no further use.
    private mutating func dropLine() {
        pending.moveReaderIndex(forwardBy: lineStart)
        (lineStart, scanned) = (0, 0)
    }
}
