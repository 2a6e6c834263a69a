import Testing
import Wire

@Suite struct RecordingTests {
    private let header = LinkHeader(kind: .tap, bootID: 7, number: 40, count: 9, bodyBytes: 999)
    private let notice = TapNotice(
        HelloNotice(role: .verifier, instance: "verifier-0"), passedNanoseconds: 1_790_000_000_000_000_000)

    private func written(_ batches: [[UInt8]]) -> [UInt8] {
        var writer = ByteWriter()
        for batch in batches { Recording.append(header, notice, batch: batch, count: 2, to: &writer) }
        return writer.bytes
    }

    /// Reads all, in pieces of `piece` bytes.
    private func read(_ bytes: [UInt8], piece: Int) throws -> [RecordingReader.Transmission] {
        var place = 0
        var reader = RecordingReader {
            defer { place = min(bytes.count, place + piece) }
            return Array(bytes[place..<min(bytes.count, place + piece)])
        }
        var all: [RecordingReader.Transmission] = []
        while let next = try reader.next() { all.append(next) }
        return all
    }

    @Test(arguments: [1, 7, 32, 4096]) func `what was recorded is read again`(piece: Int) throws {
        let found = try read(written([[1, 2, 3], [], [4]]), piece: piece)
        #expect(found.map(\.batch) == [[1, 2, 3], [], [4]])
        #expect(found.allSatisfy { $0.notice == notice && $0.header.number == 40 && $0.header.count == 2 })
        #expect(found.map(\.header.bodyBytes) == [3, 0, 1])
    }

    @Test func `a recording that was cut off gives what is whole before it says so`() throws {
        let bytes = written([[1, 2, 3], [4, 5, 6]])
        let whole = bytes.count / 2
        for end in 1..<bytes.count where end != whole {
            var parts = [Array(bytes[..<end])]
            var reader = RecordingReader { parts.popLast() ?? [] }
            if end > whole { #expect(try reader.next()?.batch == [1, 2, 3]) }
            #expect(throws: WireError.truncated) { _ = try reader.next() }
        }
    }

    @Test func `what is no recording is refused, whatever it is`() {
        for bytes in [Array("{\"a\":1}".utf8), [UInt8](repeating: 0xFF, count: 80), [UInt8](repeating: 0, count: 80)] {
            #expect(throws: WireError.unknownMagic) { _ = try read(bytes, piece: 4096) }
        }
        var other = written([[1]])
        other[4 + 5] = LinkKind.batch.rawValue
        #expect(throws: WireError.unknownKind) { _ = try read(other, piece: 4096) }
        var longer = written([[1]])
        longer[4 + 28] = 2
        #expect(throws: WireError.badLength) { _ = try read(longer, piece: 4096) }
    }

    @Test func `a tap of the version before says no time`() throws {
        var writer = ByteWriter()
        notice.hello.write(to: &writer)
        let read = try writer.bytes.withUnsafeBytes { try TapNotice(body: $0) }
        #expect(read == TapNotice(notice.hello, passedNanoseconds: nil))
    }
}
