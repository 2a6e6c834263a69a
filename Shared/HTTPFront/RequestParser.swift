import Glibc
package import NIOCore
package import NIOHTTP1
import Wire

/// A part of what a client sends, in order.
package enum RequestPart {
    case head(HTTPRequestHead, HeadFacts)
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
    private var pending = ByteBuffer()
    /// Of the pending bytes, those that are known to hold no end of a line.
    private var scanned = 0
    private var method = ""
    private var target = ""
    private var version = ""
    private var fields: [(String, String)] = []
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

    /// Whether a head was given whose end was not.
    package var isInBody: Bool {
        switch state {
        case .requestLine, .fields, .ended: false
        case .fixed, .chunkSize, .chunk, .chunkEnd, .trailers: true
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

    /// The next part; nil until more bytes come.
    package mutating func next() -> RequestPart? {
        do throws(HeadRefusal) {
            while true {
                switch state {
                case .requestLine: guard try takeRequestLine() else { return nil }
                case .fields:
                    guard let line = try takeLine(limits.fieldsBytes + 4, .headTooLarge(limits)) else { return nil }
                    if line.readableBytes == 0 { return try completeHead() }
                    fields.append(try field(line))
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
                    let tooLong = HeadRefusal.malformed("A chunk is longer than its size.")
                    guard let line = try takeLine(0, tooLong) else { return nil }
                    guard line.readableBytes == 0 else { throw tooLong }
                    state = .chunkSize
                case .trailers:
                    guard let line = try takeLine(limits.fieldsBytes + 4, .headTooLarge(limits)) else { return nil }
                    if line.readableBytes == 0 { return end() }
                    _ = try field(line)
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
        fields = []
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
        guard let line = try takeLine(limits.requestLineBytes, .requestLineTooLong(limits)) else { return false }
        if line.readableBytes == 0 {
            // One is passed over (RFC 9112, section 2.2).
            guard !hasEmptyLine else { throw .malformed("Empty lines stand before the request.") }
            hasEmptyLine = true
            return true
        }
        let bytes = line.readableBytesView
        guard let first = bytes.firstIndex(of: 0x20), let last = bytes.lastIndex(of: 0x20), first + 1 < last else {
            throw .malformed("The request line is not a method, a target and a version with one blank between them.")
        }
        method = String(decoding: bytes[..<first], as: UTF8.self)
        target = String(decoding: bytes[(first + 1)..<last], as: UTF8.self)
        version = String(decoding: bytes[(last + 1)...], as: UTF8.self)
        hasEmptyLine = false
        fieldsBytes = 0
        state = .fields
        return true
    }

    private mutating func field(_ line: ByteBuffer) throws(HeadRefusal) -> (String, String) {
        let read = line.withUnsafeReadableBytes { bytes -> (String, String)? in
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0,
                bytes[..<colon].allSatisfy(HeadRules.isToken)
            else { return nil }
            let value = FieldValue.trimmed(UnsafeRawBufferPointer(rebasing: bytes[(colon + 1)...]))
            guard value.allSatisfy(HeadRules.isText) else { return nil }
            return (String(decoding: bytes[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        guard let read else {
            throw .malformed("A header field is not a name, a colon and a value without control characters.")
        }
        fieldsBytes += read.0.utf8.count + read.1.utf8.count
        guard fields.count < limits.fields, fieldsBytes <= limits.fieldsBytes else { throw .headTooLarge(limits) }
        return read
    }

    private mutating func completeHead() throws(HeadRefusal) -> RequestPart {
        let facts = try HeadRules.check(method: method, target: target, version: version, fields: fields)
        let head = HTTPRequestHead(
            version: version == "HTTP/1.0" ? .http1_0 : .http1_1, method: HTTPMethod(rawValue: method), uri: target,
            headers: HTTPHeaders(fields))
        fields.removeAll(keepingCapacity: true)
        state = facts.isChunked ? .chunkSize : .fixed(left: facts.contentLengthBytes ?? 0)
        isLast = facts.closes || facts.asksForUpgrade
        return .head(head, facts)
    }

    // MARK: Body

    /// Bytes of a body, at most that many; nil while there are none.
    private mutating func take(_ atMost: Int) -> ByteBuffer? {
        let count = min(atMost, pending.readableBytes)
        return count == 0 ? nil : pending.readSlice(length: count)
    }

    /// False when more bytes are needed.
    private mutating func takeChunkSize() throws(HeadRefusal) -> Bool {
        let broken = HeadRefusal.malformed("A chunk does not begin with its size.")
        guard let line = try takeLine(Self.chunkLineBytes, broken) else { return false }
        let bytes = line.readableBytesView
        let digits = bytes.prefix { HeadRules.isHexDigit($0) }
        let rest = bytes[digits.endIndex...]
        guard (1...15).contains(digits.count), rest.isEmpty || rest.first == UInt8(ascii: ";"),
            rest.allSatisfy(HeadRules.isText), let size = Int(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw broken }
        fieldsBytes = 0
        state = size == 0 ? .trailers : .chunk(left: size)
        return true
    }

    // MARK: Lines

    /// The next line without its end; nil while it is not complete. Throws `tooLong` beyond that many bytes.
    private mutating func takeLine(_ mostBytes: Int, _ tooLong: HeadRefusal) throws(HeadRefusal) -> ByteBuffer? {
        let from = scanned
        let found = pending.withUnsafeReadableBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, bytes.count > from,
                let place = memchr(base + from, 0x0A, bytes.count - from)
            else { return nil }
            return UnsafeRawPointer(place) - base
        }
        guard let found else {
            // A CR may stand at the end.
            guard pending.readableBytes <= mostBytes + 1 else { throw tooLong }
            scanned = pending.readableBytes
            return nil
        }
        guard found <= mostBytes + 1 else { throw tooLong }
        guard found > 0, pending.getInteger(at: pending.readerIndex + found - 1, as: UInt8.self) == 0x0D else {
            throw .malformed("A line does not end in CR LF.")
        }
        let line = pending.readSlice(length: found - 1)
        pending.moveReaderIndex(forwardBy: 2)
        scanned = 0
        return line
    }
}

/// Before whatever takes requests: turns bytes into their parts.
package final class RequestDecoder: ChannelInboundHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = RequestPart

    private var parser: RequestParser

    package init(limits: HeadLimits) {
        parser = RequestParser(limits: limits)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data))
        while let part = parser.next() { context.fireChannelRead(wrapInboundOut(part)) }
    }
}
