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
                let hash = Self.hash(random.next() % Self.values)
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
            let held = Set(model.map(\.hash))
            for value in 0..<Self.values {
                let isThere = table.contains(Self.hash(value))
                #expect(isThere == held.contains(Self.hash(value)))
            }
            let (first, end) = (table.base, table.next)
            #expect(first == model[0].position && end == next)
        }
    }

    /// Few different values, so that equal hashes and long chains are frequent.
    private static let values: UInt64 = 4000

    private static func hash(_ value: UInt64) -> UInt128 { UInt128(value << 52) << 64 | UInt128(value) }

    @Test func `what was forgotten while nothing was added stays forgotten`() {
        var table = DedupeTable(limit: 4, next: 1)
        for value: UInt64 in 1...4 { _ = table.append(Self.hash(value)) }
        table.drop(below: 10)
        let left = (1...4).count { table.contains(Self.hash($0)) }
        #expect(left == 0)
        let evicted = table.append(Self.hash(1))
        let (isThere, another) = (table.contains(Self.hash(1)), table.contains(Self.hash(2)))
        #expect(!evicted && isThere && !another)
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
