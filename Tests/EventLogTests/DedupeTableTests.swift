import SeededRandom
import Testing

@testable import EventLog

@Suite struct DedupeTableTests {
    @Test func `it agrees with a plain dictionary over random histories`() {
        var random = SeededGenerator(seed: 42)
        for limit in [1, 7, 1000, 3000] {
            var table = DedupeTable(limit: limit, next: 5)
            var model: [(position: UInt64, hash: UInt128)] = []
            var next: UInt64 = 5
            for _ in 0..<6000 {
                // Few different values, so that equal hashes and long probe chains are frequent.
                let hash = UInt128(random.next() % 4000 << 3)
                let evicted = table.append(hash)
                #expect(evicted == (model.count == limit))
                if model.count == limit { model.removeFirst() }
                model.append((next, hash))
                next += 1
                if random.next() % 500 == 0 {
                    let boundary = model[Int(random.next() % UInt64(model.count))].position
                    table.drop(below: boundary)
                    model.removeAll { $0.position < boundary }
                }
            }
            for hash in stride(from: 0, to: 32_000 as UInt128, by: 8) {
                #expect(table.positions(of: hash).sorted() == model.filter { $0.hash == hash }.map(\.position))
            }
            #expect(table.count == model.count)
        }
    }

    @Test func `a filter never denies what was added and rarely affirms what was not`() throws {
        var random = SeededGenerator(seed: 7)
        let hashes = (0..<1500).map { _ in random.next() }
        let filter = hashes.withUnsafeBufferPointer { _ in BloomFilter(hashes) }
        let stored = filter.bytes.withUnsafeBytes { BloomFilter(stored: $0) }
        #expect(hashes.allSatisfy { stored.mayContain($0) })
        let wrong = (0..<10_000).filter { _ in stored.mayContain(random.next()) }.count
        #expect(wrong < 400)
    }
}
