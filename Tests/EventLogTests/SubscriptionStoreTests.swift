import EventLog
import GRDB
import Glibc
import LogSamples
import Testing

@Suite struct SubscriptionStoreTests {
    private static let subscription = StoredSubscription(
        name: "app", document: "{\"url\":\"https://example.com/ü\"}",
        secrets: [
            StoredSecret(bytes: Array(0...255), createdAtNanoseconds: 7),
            StoredSecret(bytes: [], createdAtNanoseconds: -3, notAfterNanoseconds: .max),
        ], revision: 4, createdAtNanoseconds: 5, updatedAtNanoseconds: 6)

    @Test func `subscriptions are read back as they were written, secrets too, after a restart`() throws {
        let fixture = try LogFixture()
        try fixture.append(3)
        #expect(try fixture.log.subscriptions().isEmpty)
        try fixture.log.store(Self.subscription, lane: 1)
        var changed = Self.subscription
        changed.revision = 5
        changed.document = "{}"
        changed.secrets.removeLast()
        try fixture.log.store(changed, lane: nil)
        try fixture.reopen()
        #expect(try fixture.log.subscriptions() == [changed])
        // The cursor stays where it began: the next event is the second.
        #expect(try fixture.log.lane("app").progress.taken == 1)
    }

    @Test func `a paused subscription is paused after a restart`() throws {
        let fixture = try LogFixture()
        _ = try fixture.log.lane("app")
        try fixture.save("app", taken: 0, isPaused: true)
        try fixture.reopen()
        #expect(try fixture.log.lane("app").progress.isPaused)
        try fixture.save("app", taken: 0, isPaused: false)
        #expect(try fixture.log.lane("app").progress.isPaused == false)
    }

    private func fill(_ fixture: LogFixture, _ name: String) throws {
        try fixture.log.store(
            StoredSubscription(
                name: name, document: "{}", secrets: [], revision: 1, createdAtNanoseconds: 0, updatedAtNanoseconds: 0),
            lane: 0)
        let letters = (1...10 as ClosedRange<UInt64>).map { LogFixture.dead($0) }
        try fixture.save(
            name, taken: 10, changes: letters, attempts: (1...10).map { LogFixture.attempt(UInt64($0), $0) })
        #expect(try fixture.log.queueReplay(subscription: name, positions: [1, 2]) == 2)
    }

    private func rest(_ fixture: LogFixture, _ name: String) throws -> [Int] {
        let reader = fixture.reader
        return [
            try fixture.deadLetters { $0.filter.subscription = name }.count,
            try fixture.attempts { $0.subscription = name }.count,
            try reader.replays(subscription: name, before: nil, limit: 9).count,
            try reader.queuedReplayCount(subscription: name),
        ]
    }

    @Test func `a dropped subscription is gone at once and what it left goes in steps`() throws {
        let fixture = try LogFixture()
        try fixture.append(10)
        try fill(fixture, "app")
        try fill(fixture, "other")
        var steps = 1
        let isDone = try fixture.log.dropSubscription("app", rows: 4)
        #expect(!isDone)
        #expect(try fixture.log.subscriptions().map(\.name) == ["other"])
        // A lane that ends late cannot bring it back.
        try fixture.save("app", taken: 10, changes: [LogFixture.dead(9)], attempts: [LogFixture.attempt(9)])
        while try !fixture.log.dropSubscription("app", rows: 4) { steps += 1 }
        #expect(steps == 5)
        #expect(try rest(fixture, "app") == [0, 0, 0, 0])
        #expect(try rest(fixture, "other") == [8, 10, 1, 2])
    }

    @Test func `what a crash leaves of a dropped subscription is swept away and nothing else`() throws {
        let fixture = try LogFixture()
        try fixture.append(10)
        for index in 1...9 { try fill(fixture, "keep-\(index)") }
        try fill(fixture, "app")
        try fill(fixture, "zebra")
        _ = try fixture.log.dropSubscription("app", rows: 1)
        _ = try fixture.log.dropSubscription("zebra", rows: 1)
        try fixture.reopen()
        while try fixture.log.dropExpired(nowNanoseconds: 0, rows: 4) > 0 {}
        #expect(try rest(fixture, "app") == [0, 0, 0, 0])
        #expect(try rest(fixture, "zebra") == [0, 0, 0, 0])
        for index in 1...9 { #expect(try rest(fixture, "keep-\(index)") == [8, 10, 1, 2]) }
    }

    @Test func `a new subscription inherits nothing from a former one of its name`() throws {
        let fixture = try LogFixture()
        try fixture.append(10)
        try fill(fixture, "app")
        _ = try fixture.log.dropSubscription("app", rows: 1)
        try fixture.log.store(Self.subscription, lane: 10)
        #expect(try rest(fixture, "app") == [0, 0, 0, 0])
        #expect(try fixture.log.lane("app") == SavedLane(progress: LaneProgress(subscription: "app", taken: 10)))
    }

    @Test func `the log's files are their owner's alone whatever the umask says`() throws {
        let former = umask(0)
        defer { umask(former) }
        let fixture = try LogFixture()
        try fixture.append(1)
        func modes() -> [mode_t] {
            ["", "-wal", "-shm"].compactMap { suffix in
                var status = stat()
                return stat(fixture.settings.path + suffix, &status) == 0 ? status.st_mode & 0o777 : nil
            }
        }
        #expect(modes() == [0o600, 0o600, 0o600])
        for suffix in ["", "-wal", "-shm"] { chmod(fixture.settings.path + suffix, 0o644) }
        try fixture.reopen()
        try fixture.append(1)
        #expect(modes() == [0o600, 0o600, 0o600])
    }
}
