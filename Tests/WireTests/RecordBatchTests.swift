import Testing
import Wire

struct RecordBatchTests {
    private let journal = JournalID(high: 3, low: 4)

    private func open(_ bodies: [String]) -> RecordBatch {
        var writer = ByteWriter()
        var ends: [Int] = []
        for body in bodies {
            Array("stream".utf8).withUnsafeBytes { source in
                writer.openEnvelope(source: source, receivedAtNanoseconds: 5) { envelope in
                    envelope.section(.body) { $0.raw(Array(body.utf8)) }
                }
            }
            ends.append(writer.count)
        }
        return RecordBatch(written: writer.bytes, ends: ends)
    }

    private func sealed(_ bodies: [String], first: UInt64 = 7) -> RecordBatch {
        var batch = open(bodies)
        batch.seal(journal: journal, first: first)
        return batch
    }

    private func bodies(_ batch: RecordBatch) throws -> [String] {
        try batch.indices.map { index in
            try batch.withRecord(index) { bytes in
                let view = try EnvelopeView(bytes)
                #expect(view.isIntact && view.sequence == batch.first + UInt64(index) && view.journal == journal)
                return String(decoding: try #require(view.section(.body)), as: UTF8.self)
            }
        }
    }

    private func address(_ batch: RecordBatch) -> Int { batch.withBytes { Int(bitPattern: $0.baseAddress) } }

    @Test func `a batch that nobody else holds is sealed where it lies, and another holder keeps what it had`() throws {
        var alone = open(["a", "bb"])
        let place = address(alone)
        alone.seal(journal: journal, first: 7)
        #expect(address(alone) == place)
        #expect(try bodies(alone) == ["a", "bb"] && alone.first == 7 && alone.end == 9)
        #expect(alone.journal == journal && alone.receivedAtNanoseconds == 5)
        let kept = alone
        alone.seal(journal: journal, first: 20)
        #expect(try bodies(kept) == ["a", "bb"] && bodies(alone) == ["a", "bb"] && alone.first == 20)
    }

    @Test func `pieces are joined in their order, and a single one stays where it is`() throws {
        let one = open(["a", "bb"])
        #expect(address(RecordBatch(joining: [one])) == address(one))
        var joined = RecordBatch(joining: [one, open(["ccc"])[0..<1], open(["x", "dddd"])[1..<2]])
        joined.seal(journal: journal, first: 1)
        #expect(try bodies(joined) == ["a", "bb", "ccc", "dddd"])
        #expect(joined == sealed(["a", "bb", "ccc", "dddd"], first: 1))
    }

    @Test func `a part shares the bytes and knows its sequences`() throws {
        let batch = sealed(["a", "bb", "ccc", "dddd"])
        let part = try #require(batch.part(from: 8, maxRecords: 2, maxBytes: .max))
        #expect(try bodies(part) == ["bb", "ccc"] && part.first == 8 && part.last == 9)
        #expect(address(part) == address(batch) + batch.byteCounts[0])
        #expect(batch.part(from: 8, maxRecords: 9, maxBytes: 1)?.count == 1)
        #expect(batch.part(from: 11, maxRecords: 9, maxBytes: 1) == nil)
        var resealed = part
        resealed.seal(journal: journal, first: 1)
        #expect(try bodies(resealed) == ["bb", "ccc"] && bodies(batch).count == 4)
    }

    @Test func `records off the bus join again to the run that they came in, and only to that`() throws {
        let source = sealed(["a", "bb", "ccc"])
        let owner = Memory(source.withBytes { Array($0) })
        let arrived = RecordBatch(arrived: owner.bytes, in: owner)
        #expect(arrived.count == 3)
        var run = arrived.record(0, sequence: 7)
        #expect(!run.extend(by: arrived.record(2, sequence: 8)) && !run.extend(by: source[1..<2]))
        #expect(run.extend(by: arrived.record(1, sequence: 8)) && run.extend(by: arrived.record(2, sequence: 9)))
        #expect(run == source)
    }

    @Test func `bytes whose borders are lost are one record that cannot be read, and are never cut`() throws {
        let sound = sealed(["a", "bb", "ccc"])
        for offset in 0..<4 {
            var bytes = sound.withBytes { Array($0) }
            bytes[offset] ^= 0x40
            let damaged = RecordBatch(stored: bytes, first: 7, count: 3)
            #expect(!damaged.isWhole && damaged.count == 3 && damaged.byteCounts == [bytes.count, 0, 0])
            #expect(damaged.withRecord(0) { $0.elementsEqual(bytes) } && damaged.withRecord(2) { $0.isEmpty })
        }
        let cut = Memory(sound.withBytes { Array($0.dropLast()) })
        #expect(RecordBatch(arrived: cut.bytes, in: cut).count == 2)
    }
}

/// Memory that stays where it is.
private final class Memory {
    let bytes: UnsafeRawBufferPointer

    init(_ content: [UInt8]) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 1)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
    }

    deinit { bytes.deallocate() }
}
