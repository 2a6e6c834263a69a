import Foundation
import GRDB
import JSON
import LogSamples
import Testing
import Wire

@testable import EventLog

@Suite struct SchemaTests {
    /// Makes of a closed log what version 5 would have left.
    private func makeVersion5(_ path: String, _ batches: [EventBatch]) throws {
        try DatabaseQueue(path: path).write { db in
            try db.execute(
                sql: """
                    ALTER TABLE batch RENAME TO batch_6;
                    CREATE TABLE batch (
                        first INTEGER PRIMARY KEY, count INTEGER NOT NULL, earliest INTEGER NOT NULL,
                        latest INTEGER NOT NULL, taken_at INTEGER NOT NULL, appended_at INTEGER NOT NULL,
                        bytes INTEGER NOT NULL, hashes BLOB NOT NULL, summary BLOB NOT NULL);
                    CREATE TABLE batch_events (first INTEGER PRIMARY KEY, events BLOB NOT NULL);
                    INSERT INTO batch SELECT first, count, earliest, latest, taken_at, appended_at, bytes, x'', summary
                        FROM batch_6;
                    DROP TABLE batch_6;
                    DROP TABLE lineage; DROP TABLE absence; ALTER TABLE state DROP COLUMN seen_at;
                    ALTER TABLE state DROP COLUMN applied; ALTER TABLE state DROP COLUMN dedupe_key;
                    PRAGMA user_version = 5;
                    """)
            for batch in batches {
                try db.execute(
                    sql: "INSERT INTO batch_events VALUES (?, ?)",
                    arguments: [Int64(batch.first), batch.withBytes { Data($0) }])
            }
        }
        let folder = EventLogSettings(path: path).logFolder
        try FileManager.default.removeItem(atPath: folder)
        // What a take-over that was interrupted before its end has left.
        for name in [folder, folder + ".new"] {
            try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
            try Data([1]).write(to: URL(fileURLWithPath: name + "/superblock"))
        }
    }

    @Test func `the events of version 5 are moved into the log, with their positions and names`() throws {
        let fixture = try LogFixture()
        for _ in 1...20 { try fixture.append(3) }
        let id = fixture.log.lineage.current
        let before = try fixture.reader.batches(from: 1, maxBytes: .max).batches
        fixture.log.close()
        try makeVersion5(fixture.settings.path, before)
        for _ in 0..<2 {
            try fixture.reopen()
            #expect(fixture.log.lineage.current == id)
            #expect(fixture.log.nextPosition == 61)
            let after = try fixture.reader.batches(from: 1, maxBytes: .max).batches
            #expect(after.map(\.first) == before.map(\.first))
            #expect(zip(after, before).allSatisfy { $0.withBytes { Array($0) } == $1.withBytes { Array($0) } })
            #expect(try fixture.reader.batch(holding: 32)?.first == 31)
            #expect(try fixture.search { $0.id = "id-17" } == [17])
            var again = LogTransaction(settings: fixture.settings, takenAtNanoseconds: 7)
            #expect(try Sample.admit(Sample.envelope(sequence: 99, ids: ["id-1", "id-60"]), fixture.log, &again) == 0)
        }
    }

    /// What version 5 has and version 2 had not.
    private static let version2 = """
        DROP TABLE cursor; DROP INDEX quarantine_by_origin; ALTER TABLE quarantine DROP COLUMN tries;
        DROP TABLE subscription; DROP TABLE replay;
        DROP INDEX exception_queued; DROP INDEX exception_by_replay; DROP INDEX exception_dead;
        ALTER TABLE state DROP COLUMN next_ticket;
        ALTER TABLE lane DROP COLUMN paused;
        ALTER TABLE exception DROP COLUMN replay;
        ALTER TABLE exception DROP COLUMN cause;
        ALTER TABLE attempt DROP COLUMN answer;
        ALTER TABLE attempt DROP COLUMN replay;
        PRAGMA user_version = 2;
        """

    /// The quarantine of version 1; its other tables are those of version 2.
    private static let version1 = """
        DROP INDEX quarantine_by_source; DROP INDEX quarantine_by_age; DROP TABLE quarantine;
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, code TEXT NOT NULL, stage TEXT NOT NULL,
            element INTEGER, detail TEXT NOT NULL, journal BLOB NOT NULL, sequence INTEGER NOT NULL,
            received_at INTEGER NOT NULL, quarantined_at INTEGER NOT NULL, replayed_at INTEGER,
            bytes INTEGER NOT NULL, head BLOB NOT NULL, body BLOB NOT NULL);
        CREATE INDEX quarantine_by_source ON quarantine (source, id, bytes);
        PRAGMA user_version = 1;
        """

    private static let entries: [(stage: String, element: Int64?, detail: String)] = [
        ("verifier", nil, "whole"), ("normaliser", 0, "one element"),
        ("normaliser", 3, "no (and 2 more elements)"), ("ingress-gateway", nil, "poison"),
    ]

    private func makeVersion1(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: Self.version2 + Self.version1) }
        try queue.write { db in
            for (index, entry) in Self.entries.enumerated() {
                try db.execute(
                    sql: """
                        INSERT INTO quarantine (source, code, stage, element, detail, journal, sequence, received_at,
                            quarantined_at, bytes, head, body) VALUES ('a', 'code', ?, ?, ?, ?, ?, 5, 6, 10, ?, ?)
                        """,
                    arguments: [
                        entry.stage, entry.element, entry.detail, Blob.of(JournalID(high: 1, low: 2)), index + 1,
                        Data([7]), Data(repeating: UInt8(index), count: 9000),
                    ])
            }
        }
    }

    @Test func `a log of version 1 is taken over with its events and its whole quarantine`() throws {
        let folder = try TemporaryFolder()
        var settings = EventLogSettings(path: folder.file)
        settings.quarantineSources = ["a"]
        do {
            let log = try SegmentEventLog(settings: settings)
            var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 0)
            _ = try Sample.admit(Sample.envelope(sequence: 1, ids: ["x"]), log, &transaction)
            _ = try log.commit(transaction)
            let batches = try log.makeReader().batches(from: 1, maxBytes: .max).batches
            log.close()
            try makeVersion5(folder.file, batches)
        }
        try makeVersion1(folder.file)
        for _ in 0..<2 {
            let log = try SegmentEventLog(settings: settings)
            #expect(log.nextPosition == 2)
            #expect(try log.pragmas(["user_version"]) == ["6"])
            let reader = try log.makeReader()
            let webhooks = try reader.quarantined(QuarantineQuery()).webhooks
            #expect(webhooks.map(\.isVerified) == [false, true, true, true])
            // What stood for several elements stands for the whole webhook now.
            #expect(webhooks.map(\.elements) == [[], [0], [], []])
            #expect(webhooks.map(\.detail) == Self.entries.map(\.detail))
            #expect(try reader.quarantined(id: 3)?.body == [UInt8](repeating: 2, count: 9000))
            #expect(log.quarantineUse.first?.webhooks == 4)
        }
        let log = try SegmentEventLog(settings: settings)
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 0)
        transaction.quarantine([Sample.quarantined("a", 9, elements: [1, 500])])
        _ = try log.commit(transaction)
        #expect(try log.makeReader().quarantined(id: 5)?.elements == [1, 500])
    }

    @Test func `a log of version 2 is taken over with its cursors, its attempts and what was queued for replay`() throws
    {
        let fixture = try LogFixture()
        try fixture.append(9)
        _ = try fixture.log.lane("a")
        try fixture.save(
            "a", taken: 9, unfinished: [5],
            changes: [LogFixture.dead(1), LogFixture.dead(2), LogFixture.dead(3, at: 33)],
            attempts: [LogFixture.attempt(1), LogFixture.attempt(2, 2)])
        let batches = try fixture.reader.batches(from: 1, maxBytes: .max).batches
        fixture.log.close()
        try makeVersion5(fixture.settings.path, batches)
        try DatabaseQueue(path: fixture.settings.path).write { db in
            try db.execute(sql: Self.version2)
            try db.execute(sql: "UPDATE exception SET state = 'queued' WHERE position > 1")
        }
        for _ in 0..<2 {
            try fixture.reopen()
            let lane = try fixture.log.lane("a")
            #expect(lane.progress == LaneProgress(subscription: "a", taken: 9, unfinished: [5]))
            #expect(lane.hasReplays)
            #expect(
                try fixture.reader.queuedReplays(subscription: "a", after: 0, limit: 9) == [
                    QueuedReplay(position: 2, ticket: 2, job: 0), QueuedReplay(position: 3, ticket: 3, job: 0),
                ])
            #expect(try fixture.reader.attempts(position: 2).map(\.attempt) == [LogFixture.attempt(2, 2)])
            #expect(try fixture.deadLetters() == ["a 1"])
            #expect(try fixture.reader.deadLetterTotals(DeadLetterFilter()).map(\.cause) == ["status 500"])
        }
        // What is queued now comes behind, and a dead letter that was queued then is none that was lost.
        #expect(try fixture.log.queueReplay(subscription: "a", positions: [1]) == 1)
        let queued = try fixture.reader.queuedReplays(subscription: "a", after: 3, limit: 9)
        #expect(queued.map(\.position) == [1])
        let died = try DatabaseQueue(path: fixture.settings.path).read { db in
            try Int64.fetchOne(db, sql: "SELECT first_attempt FROM exception WHERE position = 3")
        }
        #expect(died == 33)
    }

    @Test func `a log of a later version is refused`() throws {
        let folder = try TemporaryFolder()
        _ = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        try DatabaseQueue(path: folder.file).write { try $0.execute(sql: "PRAGMA user_version = 7") }
        let failure = #expect(throws: EventLogError.self) {
            try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        }
        #expect(failure?.code == .notThisLog)
    }

    @Test func `pages, totals and the queue of replays are read from an index and never sorted`() throws {
        let folder = try TemporaryFolder()
        _ = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        let queries = [
            (
                "SELECT subscription, cause, sum(last - position + 1), min(at), max(at) FROM exception "
                    + "WHERE state = 'dead' AND subscription = 'a' GROUP BY 1, 2 ORDER BY 1, 2",
                "COVERING INDEX exception_dead"
            ),
            (
                "SELECT position, reason FROM exception WHERE subscription = 'a' AND position <= 9 AND position > 3 "
                    + "ORDER BY subscription, position", "PRIMARY KEY (subscription=? AND position>? AND position<?)"
            ),
            (
                "SELECT position, reason FROM exception WHERE (subscription, position) > ('a', 3) "
                    + "ORDER BY subscription, position", "PRIMARY KEY ((subscription,position)>(?,?))"
            ),
            (
                "SELECT position, at, replay FROM exception WHERE subscription = 'a' AND state = 'queued' AND at > 5 "
                    + "ORDER BY at LIMIT 9", "INDEX exception_queued"
            ),
            (
                "SELECT position FROM exception WHERE subscription = 'a' AND +state = 'dead' ORDER BY position LIMIT 5",
                "PRIMARY KEY (subscription=?)"
            ),
            ("SELECT count(*) FROM exception e WHERE e.replay = 7", "INDEX exception_by_replay"),
            (
                "SELECT id, answer FROM attempt WHERE subscription = 'a' AND id < 9 ORDER BY id DESC",
                "INDEX attempt_by_subscription"
            ),
        ]
        try DatabaseQueue(path: folder.file).read { db in
            for (query, index) in queries {
                let plan = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(query)").map { $0["detail"] as String }
                #expect(plan.contains { $0.contains(index) }, "\(plan)")
                #expect(!plan.contains { $0.contains("TEMP B-TREE") }, "\(plan)")
            }
        }
    }

    @Test func `budgets and totals read an index and never the bodies`() throws {
        let folder = try TemporaryFolder()
        _ = try SegmentEventLog(settings: EventLogSettings(path: folder.file))
        let queries = [
            "SELECT source, verified, count(*), sum(bytes) FROM quarantine GROUP BY source, verified",
            "SELECT id, bytes FROM quarantine WHERE source = 'a' AND verified = 1 ORDER BY id LIMIT 1",
            "SELECT source, code, count(*), sum(bytes), count(replayed_at), min(received_at), max(received_at) "
                + "FROM quarantine WHERE code = 'c' GROUP BY source, code ORDER BY source, code",
        ]
        try DatabaseQueue(path: folder.file).read { db in
            for query in queries {
                let plan = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(query)").map { $0["detail"] as String }
                #expect(plan.contains { $0.contains("COVERING INDEX quarantine_by_source") }, "\(plan)")
            }
        }
    }
}
