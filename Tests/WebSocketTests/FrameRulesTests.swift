import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import WebSocket

/// What comes in on a server's connection, as in chapters 1 to 7 of the Autobahn test suite, and what comes of it.
@Suite struct FrameRulesTests {
    /// One frame as it goes over the wire.
    struct Frame {
        var first: UInt8
        var data: [UInt8]
        var isMasked = true
        /// Of the length that is said; nil says the true one in its shortest form.
        var length: UInt64?

        static func text(_ text: String, fin: Bool = true) -> Frame {
            .init(first: fin ? 0x81 : 0x01, data: Array(text.utf8))
        }
        static func text(_ bytes: [UInt8], fin: Bool = true) -> Frame { .init(first: fin ? 0x81 : 0x01, data: bytes) }
        static func binary(_ bytes: [UInt8], fin: Bool = true) -> Frame { .init(first: fin ? 0x82 : 0x02, data: bytes) }
        static func more(_ bytes: [UInt8], fin: Bool = true) -> Frame { .init(first: fin ? 0x80 : 0x00, data: bytes) }
        static func more(_ text: String, fin: Bool = true) -> Frame { more(Array(text.utf8), fin: fin) }
        static func ping(_ bytes: [UInt8] = []) -> Frame { .init(first: 0x89, data: bytes) }
        static func pong(_ bytes: [UInt8] = []) -> Frame { .init(first: 0x8A, data: bytes) }
        static func close(_ code: UInt16, _ reason: [UInt8] = []) -> Frame {
            .init(first: 0x88, data: [UInt8(code >> 8), UInt8(code & 0xFF)] + reason)
        }

        var bytes: [UInt8] {
            let key: [UInt8] = [0x12, 0x34, 0x56, 0x78]
            let mask: UInt8 = isMasked ? 0x80 : 0
            var bytes = [first]
            let said = length ?? UInt64(data.count)
            if said < 126 {
                bytes.append(mask | UInt8(said))
            } else if said <= 0xFFFF {
                bytes += [mask | 126, UInt8(said >> 8), UInt8(said & 0xFF)]
            } else {
                bytes.append(mask | 127)
                for shift in stride(from: 56, through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: said >> UInt64(shift)))
                }
            }
            guard isMasked else { return bytes + data }
            return bytes + key + data.enumerated().map { $1 ^ key[$0 % 4] }
        }
    }

    /// What goes out and what is handed on.
    enum Seen: Equatable {
        case text(String)
        case binary(Int)
        case pong([UInt8])
        case close(UInt16?)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let frames: @Sendable () -> [Frame]
        let seen: [Seen]
        var testDescription: String { name }

        init(_ name: String, _ frames: @autoclosure @escaping @Sendable () -> [Frame], _ seen: [Seen]) {
            (self.name, self.frames, self.seen) = (name, frames, seen)
        }
    }

    static let mostBytes = 70_000

    static let whole: [Case] = [
        Case("an empty text", [.text("")], [.text("")]),
        Case("an empty binary message", [.binary([])], [.binary(0)]),
        Case("125 bytes", [.text(String(repeating: "*", count: 125))], [.text(String(repeating: "*", count: 125))]),
        Case("126 bytes", [.text(String(repeating: "*", count: 126))], [.text(String(repeating: "*", count: 126))]),
        Case("65 535 bytes", [.binary([UInt8](repeating: 0xFE, count: 65_535))], [.binary(65_535)]),
        Case("65 536 bytes", [.binary([UInt8](repeating: 0xFE, count: 65_536))], [.binary(65_536)]),
        Case("the most that is taken", [.binary([UInt8](repeating: 1, count: mostBytes))], [.binary(mostBytes)]),
        Case("one byte too many", [.binary([UInt8](repeating: 1, count: mostBytes + 1))], [.close(1009)]),
        Case(
            "a length that is said and never comes", [Frame(first: 0x82, data: [], length: 1 << 40)], [.close(1009)]),
        Case("a length beyond all numbers", [Frame(first: 0x82, data: [], length: .max)], [.close(1009)]),
    ]

    static let control: [Case] = [
        Case("a ping without data", [.ping()], [.pong([])]),
        Case(
            "a ping with 125 bytes", [.ping([UInt8](repeating: 7, count: 125))],
            [.pong([UInt8](repeating: 7, count: 125))]),
        Case("a ping with 126 bytes", [.ping([UInt8](repeating: 7, count: 126))], [.close(1002)]),
        Case("a ping that is a fragment", [Frame(first: 0x09, data: [])], [.close(1002)]),
        Case("a pong that is a fragment", [Frame(first: 0x0A, data: [])], [.close(1002)]),
        Case("a pong that nobody asked for", [.pong([1, 2]), .ping([3])], [.pong([3])]),
        Case("ten pings in one go", (0..<10).map { .ping([$0]) }, (0..<10).map { .pong([$0]) }),
    ]

    static let bits: [Case] = [
        Case("reserved bit 1", [Frame(first: 0xC1, data: [0x61])], [.close(1002)]),
        Case(
            "reserved bit 2 behind a message", [.text("a"), Frame(first: 0xA1, data: [0x61])],
            [.text("a"), .close(1002)]),
        Case("reserved bit 3 in a ping", [Frame(first: 0x99, data: [])], [.close(1002)]),
        Case("all reserved bits in a close", [Frame(first: 0xF8, data: [3, 0xE8])], [.close(1002)]),
        Case("a frame without a mask", [Frame(first: 0x81, data: [0x61], isMasked: false)], [.close(1002)]),
        Case("a ping without a mask", [Frame(first: 0x89, data: [], isMasked: false)], [.close(1002)]),
    ]
    static let opcodes: [Case] =
        [UInt8](3...7).map { code in
            Case("opcode \(code)", [Frame(first: 0x80 | code, data: [1])], [.close(1002)])
        }
        + [UInt8](11...15).map { code in
            Case("opcode \(code)", [.text("a"), Frame(first: 0x80 | code, data: [])], [.text("a"), .close(1002)])
        }

    static let fragments: [Case] = [
        Case("a text of two fragments", [.text("a", fin: false), .more("b")], [.text("ab")]),
        Case("a ping between fragments", [.text("a", fin: false), .ping([1]), .more("b")], [.pong([1]), .text("ab")]),
        Case("fragments that are empty", [.text("", fin: false), .more("", fin: false), .more("")], [.text("")]),
        Case("a continuation of nothing", [.more("a")], [.close(1002)]),
        Case(
            "a continuation behind a whole message", [.text("a"), .more("b", fin: false)], [.text("a"), .close(1002)]),
        Case("a message within a message", [.text("a", fin: false), .text("b")], [.close(1002)]),
        Case("a binary fragment in a text", [.text("a", fin: false), .binary([1], fin: false)], [.close(1002)]),
        Case(
            "fragments that are too long together",
            [.binary([UInt8](repeating: 1, count: 40_000), fin: false), .more([UInt8](repeating: 1, count: 40_000))],
            [.close(1009)]),
    ]

    static let texts: [Case] = [
        Case("κόσμε", [.text("κόσμε")], [.text("κόσμε")]),
        Case("a character cut in two", [.text([0xCE], fin: false), .more([0xBA])], [.text("κ")]),
        Case("the highest character", [.text([0xF4, 0x8F, 0xBF, 0xBF])], [.text("\u{10FFFF}")]),
        Case("a noncharacter is a character", [.text([0xEF, 0xBF, 0xBF])], [.text("\u{FFFF}")]),
        Case("beyond the highest", [.text([0xF4, 0x90, 0x80, 0x80])], [.close(1007)]),
        Case("five bytes", [.text([0xF8, 0x88, 0x80, 0x80, 0x80])], [.close(1007)]),
        Case("a surrogate", [.text([0xED, 0xA0, 0x80])], [.close(1007)]),
        Case("longer than needed", [.text([0xC0, 0xAF])], [.close(1007)]),
        Case("longer than needed, of three", [.text([0xE0, 0x80, 0xAF])], [.close(1007)]),
        Case("longer than needed, of four", [.text([0xF0, 0x80, 0x80, 0xAF])], [.close(1007)]),
        Case("a continuation byte alone", [.text([0x80])], [.close(1007)]),
        Case("an end within a character", [.text([0xCE, 0xBA, 0xE1, 0xBD])], [.close(1007)]),
        Case("a fragment that is wrong at once", [.text([0x61, 0xFF], fin: false)], [.close(1007)]),
        Case(
            "a second fragment that is wrong", [.text([0xE1], fin: false), .more([0x61], fin: false)], [.close(1007)]),
        Case("in binary everything goes", [.binary([0xFF, 0xFE])], [.binary(2)]),
    ]

    static let closes: [Case] =
        [UInt16](
            arrayLiteral: 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999
        )
        .map { code in Case("close \(code)", [.close(code)], [.close(code)]) }
        + [UInt16](arrayLiteral: 0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535)
        .map { code in Case("close \(code), which is none", [.close(code)], [.close(1002)]) } + [
            Case("a close without a code", [Frame(first: 0x88, data: [])], [.close(nil)]),
            Case("a close with half a code", [Frame(first: 0x88, data: [3])], [.close(1002)]),
            Case("a close with a reason", [.close(1000, Array("bye".utf8))], [.close(1000)]),
            Case(
                "a close with 123 bytes of reason", [.close(1000, [UInt8](repeating: 0x61, count: 123))], [.close(1000)]
            ),
            Case(
                "a close with 124 bytes of reason", [.close(1000, [UInt8](repeating: 0x61, count: 124))], [.close(1002)]
            ),
            Case("a reason that is no text", [.close(1000, [0xCE, 0xBA, 0xE1])], [.close(1007)]),
            Case("what comes behind a close", [.close(1000), .ping([1]), .text("a")], [.close(1000)]),
            Case("a second close", [.close(1000), .close(1001)], [.close(1000)]),
            Case("a fragment before a close", [.text("a", fin: false), .close(1000), .more("b")], [.close(1000)]),
        ]

    static let all = whole + control + bits + opcodes + fragments + texts + closes

    @Test(arguments: all, [Int.max, 1])
    func `every frame has the answer that it asks for`(_ each: Case, chop: Int) throws {
        let bytes = each.frames().flatMap(\.bytes)
        guard chop == Int.max || bytes.count < 1000 else { return }
        let channel = try Self.channel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var seen: [Seen] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(chop)))
            rest = rest.dropFirst(chop)
            seen += try Self.read(channel)
        }
        #expect(seen == each.seen)
        if case .close = each.seen.last {
            channel.embeddedEventLoop.advanceTime(by: .seconds(6))
            #expect(!channel.isActive)
        } else {
            #expect(channel.isActive)
        }
    }

    static func channel(
        _ role: WebSocketConnection.Role = .server, limits: WebSocketLimits = WebSocketLimits(messageBytes: mostBytes)
    ) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try WebSocketConnection.addHandlers(to: channel, role: role, limits: limits, then: [])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    /// Everything that goes out and on, in the order of the kinds: control frames first, as they come first here.
    static func read(_ channel: EmbeddedChannel) throws -> [Seen] {
        var seen: [Seen] = []
        var out = ByteBuffer()
        while var part = try channel.readOutbound(as: ByteBuffer.self) { out.writeBuffer(&part) }
        while let first = out.readInteger(as: UInt8.self), let length = out.readInteger(as: UInt8.self) {
            let data = out.readBytes(length: Int(length)) ?? []
            switch first {
            case 0x8A: seen.append(.pong(data))
            case 0x88: seen.append(.close(data.count < 2 ? nil : UInt16(data[0]) << 8 | UInt16(data[1])))
            default: Issue.record("a frame that nobody wrote: \(first)")
            }
        }
        var messages: [Seen] = []
        while let message = try channel.readInbound(as: WebSocketMessage.self) {
            switch message {
            case .text(let bytes): messages.append(.text(String(buffer: bytes)))
            case .binary(let bytes): messages.append(.binary(bytes.readableBytes))
            }
        }
        if case .close = seen.last { return Array(seen.dropLast()) + messages + [seen[seen.count - 1]] }
        return seen + messages
    }
}
