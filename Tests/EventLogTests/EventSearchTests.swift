import EventLog
import LogSamples
import Testing

@Suite struct EventSearchTests {
    private let second: Int64 = 1_000_000_000

    /// Sixty events in rows of two, one row per second from 1000 s on.
    private func fixture() throws -> LogFixture {
        let fixture = try LogFixture()
        for row in 0..<30 {
            try fixture.append(
                2, type: ["participant.joined", "participant.left", "room.created"][row % 3],
                subject: "rooms/\(row % 5)",
                source: row % 2 == 0 ? "stream" : "fishjam", receivedAt: (1000 + Int64(row)) * second,
                key: row % 5 == 4 ? nil : "key-\(row % 5)", provider: row % 2 == 0 ? "stream" : "fishjam")
        }
        return fixture
    }

    private func positions(_ isMeant: (Int) -> Bool) -> [UInt64] {
        (1...60 as ClosedRange<UInt64>).filter { isMeant((Int($0) - 1) / 2) }
    }

    @Test func `each part of a query chooses, both ways, in pages and turns of any size`() throws {
        let fixture = try fixture()
        func expect(_ expected: [UInt64], _ change: (inout EventQuery) -> Void, line: Int = #line) throws {
            for isDescending in [false, true] {
                for (limit, rows, bytes) in [(1000, 1000, 1 << 20), (1, 1000, 1 << 20), (3, 4, 1 << 20), (7, 1000, 1)] {
                    let found = try fixture.search(limit: limit) {
                        change(&$0)
                        $0.isDescending = isDescending
                        $0.rowLimit = rows
                        $0.byteLimit = bytes
                    }
                    #expect(found == (isDescending ? expected.reversed() : expected), "line \(line)")
                }
            }
        }
        try expect(positions { _ in true }) { _ in }
        try expect(positions { $0 % 3 == 0 }) { $0.type = "dev.tributary.participant.joined" }
        try expect(positions { $0 % 3 == 0 }) { $0.type = "participant.joined" }
        try expect(positions { $0 % 3 != 2 }) { $0.type = "participant.*" }
        try expect([]) { $0.type = "joined" }
        try expect(positions { $0 % 5 == 2 }) { $0.subject = "rooms/2" }
        try expect(positions { $0 % 5 == 2 }) { $0.key = "key-2" }
        try expect(positions { $0 % 5 != 4 }) { $0.key = "key-*" }
        try expect(positions { $0 % 2 == 1 }) { $0.provider = "fishjam" }
        try expect(positions { $0 % 2 == 1 && $0 % 5 == 1 }) {
            $0.source = "fishjam"
            $0.key = "key-1"
        }
        try expect([17]) { $0.id = "id-17" }
        try expect([17, 40]) { $0.filter.ids = ["id-40", "id-17", "id-99"] }
        try expect(positions { (7..<12).contains($0) }) { ($0.since, $0.until) = (1007 * second, 1012 * second) }
        try expect([]) { $0.since = 1030 * second }
        try expect(Array(21...30)) { ($0.above, $0.below) = (20, 31) }
    }

    @Test func `the first position of a time is found in logs of any length`() throws {
        for rows in [1, 2, 3, 30] {
            let fixture = try LogFixture()
            #expect(try fixture.reader.position(at: 0) == 1)
            for row in 0..<rows { try fixture.append(2, receivedAt: Int64(row) * 10 * second) }
            #expect(try fixture.reader.position(at: -5) == 1)
            for row in 0..<rows {
                #expect(try fixture.reader.position(at: Int64(row) * 10 * second) == UInt64(row * 2 + 1))
                #expect(try fixture.reader.position(at: Int64(row) * 10 * second + 1) == UInt64(row * 2 + 3))
            }
            #expect(try fixture.reader.position(at: .max) == fixture.log.nextPosition)
        }
    }

    @Test func `an event that waited before it was appended is found by its time`() throws {
        let fixture = try LogFixture()
        let hour = 3600 * second
        // Received out of order, as two ingresses do of which one was cut off.
        for received in [100, 101, 40, 102] { try fixture.append(1, receivedAt: Int64(received) * hour) }
        #expect(try fixture.search { ($0.since, $0.until) = (39 * hour, 41 * hour) } == [3])
        #expect(try fixture.reader.position(at: 101 * hour) == 2)
    }
}
