import EventLog
import Events
import JSON
import LogSamples
import StageMetrics
import Synchronization
import Testing
import Wire

@testable import EventDelivery

@Suite(.serialized) struct IntakeTests {
    let folder: TemporaryFolder
    let settings: EventLogSettings

    init() throws {
        folder = try TemporaryFolder()
        settings = EventLogSettings(path: folder.file)
    }

    @Test func `rejections, tombstones and damaged events go into quarantine and everything behind them flows`()
        async throws
    {
        let fixture = try RouterFixture(settings, lanes: [])
        fixture.receive(1...5) { sequence in
            var envelope = Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence,
                ids: sequence == 4 ? ["a", "b", "c"] : ["id-\(sequence)"])
            switch sequence {
            case 1: envelope.withUnsafeMutableBytes { EnvelopePatch.mark($0, flags: .tombstone, resends: 3) }
            case 2: envelope.removeLast(4); Self.damage(&envelope)
            case 3: envelope = Self.rejected(sequence)
            default: break
            }
            return envelope
        }
        try await eventually { fixture.watermark == 5 }
        let found = try fixture.reading.read { try $0.quarantined(QuarantineQuery()).webhooks }
        #expect(found.map(\.code).sorted() == ["envelope_damaged", "poison", "signature_mismatch"])
        let rejected = try #require(found.first { $0.code == "signature_mismatch" })
        #expect(rejected.stage == "verifier")
        #expect(rejected.detail == "no (and 1 more elements)")
        #expect(rejected.elements == [0, 1] && rejected.isVerified)
        let whole = try #require(try fixture.reading.read { try $0.quarantined(id: rejected.id) })
        #expect(whole.body == Array("{\"a\":1}".utf8))
        #expect(try fixture.writer.perform { $0.nextPosition } == 5)
        fixture.stop()
    }

    @Test func `records that come again after their commit change nothing`() async throws {
        let fixture = try RouterFixture(settings, lanes: [])
        fixture.receive(1...10)
        try await eventually { fixture.watermark == 10 }
        fixture.receive(6...12)
        try await eventually { fixture.watermark == 12 }
        #expect(try fixture.writer.perform { $0.nextPosition } == 13)
        fixture.stop()
    }

    @Test func `a commit takes no more than the log does, however much waits`() async throws {
        var settings = settings
        settings.recordBytes = LogWriter.bytesPerCommit + 64 << 10
        settings.segmentBytes = 2 * settings.recordBytes
        let fixture = try RouterFixture(settings, lanes: [])
        let payload = "{\"a\":\"" + String(repeating: "x", count: 30_000) + "\"}"
        // One batch per record, which all wait for the first commit.
        try fixture.writer.perform { _ in
            for sequence in 1...600 as ClosedRange<UInt64> {
                fixture.receive(sequence...sequence) {
                    Sample.envelope(journal: RouterFixture.journal, sequence: $0, ids: ["id-\($0)"], payload: payload)
                }
            }
        }
        try await eventually { fixture.watermark == 600 || fixture.writer.problem != nil }
        #expect(fixture.writer.problem == nil)
        #expect(try fixture.writer.perform { $0.nextPosition } == 601)
        fixture.stop()
    }

    @Test func `a provider's retry is dropped and counted`() async throws {
        let fixture = try RouterFixture(settings, lanes: [])
        fixture.receive(1...4) { Sample.envelope(journal: RouterFixture.journal, sequence: $0, ids: ["same"]) }
        try await eventually { fixture.watermark == 4 }
        #expect(try fixture.writer.perform { $0.nextPosition } == 2)
        let duplicates = fixture.registry.counter("tributary_duplicates_total", help: "", labels: [("reason", "id")])
        #expect(duplicates.value == 3)
        fixture.stop()
    }

    @Test func `a full disk settles nothing, is said, and heals by itself`() async throws {
        let log = FailingLog(try SegmentEventLog(settings: settings), .diskFull, times: 6)
        let fixture = try RouterFixture(settings, lanes: [], log: log)
        fixture.receive(1...3)
        try await eventually { fixture.writer.problem?.code == .diskFull }
        #expect(fixture.watermark == 0)
        try await eventually { fixture.watermark == 3 }
        #expect(fixture.writer.problem == nil)
        fixture.stop()
    }

    @Test func `a disk that fails stops the log for good`() async throws {
        let log = FailingLog(try SegmentEventLog(settings: settings), .storageFailed, times: 1)
        let fixture = try RouterFixture(settings, lanes: [], log: log)
        fixture.receive(1...3)
        try await eventually { fixture.writer.problem?.code == .storageFailed }
        fixture.receive(4...6)
        #expect(fixture.watermark == 0)
        #expect(try fixture.reading.read { try $0.batches(from: 1, maxBytes: 1).batches.isEmpty })
    }

    private static func rejected(_ sequence: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        let envelope = Sample.envelope(journal: RouterFixture.journal, sequence: sequence, ids: [])
        // Without the events section, which is last and holds only a count of zero.
        writer.raw(Array(envelope.dropLast(EnvelopeLayout.sectionHeadBytes + 4)))
        for element in 0...1 as ClosedRange<UInt32> {
            Rejection(.signatureMismatch, stage: .verifier, element: element, detail: "no").write(to: &writer)
        }
        return writer.bytes
    }

    /// Makes the length of the last section fit again after bytes were cut from its end.
    private static func damage(_ envelope: inout [UInt8]) {
        let cut = envelope
        for offset in (EnvelopeLayout.sourceOffset..<(cut.count - 8)).reversed()
        where cut[offset] == 32 && cut[offset + 1] == 0 {
            let length = UInt32(cut.count - offset - 8)
            withUnsafeBytes(of: length.littleEndian) { envelope.replaceSubrange((offset + 4)..<(offset + 8), with: $0) }
            if (try? envelope.withUnsafeBytes { _ = try EnvelopeView($0) }) != nil { return }
            envelope = cut
        }
    }
}

/// A log whose first commits fail.
final class FailingLog: EventLog {
    private let log: SegmentEventLog
    private let code: EventLogError.Code
    private var left: Int

    init(_ log: SegmentEventLog, _ code: EventLogError.Code, times: Int) {
        self.log = log
        self.code = code
        left = times
    }

    var lineage: LogLineage { log.lineage }
    var nextPosition: UInt64 { log.nextPosition }
    var firstPosition: UInt64 { log.firstPosition }
    var earlyEvictions: Int { log.earlyEvictions }
    var sizeBytes: Int64 { 0 }

    func makeReader() throws(EventLogError) -> EventLogReader { try log.makeReader() }

    func close() { log.close() }

    func trim() throws(EventLogError) { try log.trim() }

    func takeNewID() throws(EventLogError) { try log.takeNewID() }

    func idle() throws(EventLogError) { try log.idle() }

    func watermarks() throws -> [JournalID: UInt64] { try log.watermarks() }

    func admit(
        _ event: CanonicalEventView, of envelope: EnvelopeView, to transaction: inout LogTransaction
    ) throws -> Admission {
        try log.admit(event, of: envelope, to: &transaction)
    }

    func admit(_ event: OwnEvent, to transaction: inout LogTransaction) -> Admission {
        log.admit(event, to: &transaction)
    }

    func commit(_ transaction: LogTransaction) throws(EventLogError) -> [EventBatch] {
        if left > 0 {
            left -= 1
            throw EventLogError(code, "as the test wants it")
        }
        return try log.commit(transaction)
    }

    func lane(_ subscription: String) throws -> SavedLane { try log.lane(subscription) }

    func subscriptions() throws -> [StoredSubscription] { try log.subscriptions() }

    func store(_ subscription: StoredSubscription, lane: UInt64?) throws { try log.store(subscription, lane: lane) }

    func dropSubscription(_ name: String, rows: Int) throws -> Bool { try log.dropSubscription(name, rows: rows) }

    func add(_ job: ReplayJob) throws -> ReplayJob { try log.add(job) }

    func save(_ job: ReplayJob, queueing positions: [UInt64]) throws -> Int {
        try log.save(job, queueing: positions)
    }

    func cancelReplay(_ id: Int64, rows: Int, atNanoseconds: Int64) throws -> Bool {
        try log.cancelReplay(id, rows: rows, atNanoseconds: atNanoseconds)
    }

    func dropReplay(_ id: Int64) throws -> Bool { try log.dropReplay(id) }

    func save(cursors: [String: UInt64], atNanoseconds: Int64) throws {
        try log.save(cursors: cursors, atNanoseconds: atNanoseconds)
    }

    var displacedDeadLetters: Int { log.displacedDeadLetters }

    var deadLetterCounts: [String: Int] { log.deadLetterCounts }

    var quarantineUse: [QuarantineUse] { log.quarantineUse }

    func markReplayed(quarantineIDs: [Int64], tries: [Int64]?, atNanoseconds: Int64) throws -> Int {
        try log.markReplayed(quarantineIDs: quarantineIDs, tries: tries, atNanoseconds: atNanoseconds)
    }

    func dropQuarantined(_ ids: [Int64]) throws -> Int { try log.dropQuarantined(ids) }

    func dropAgedQuarantine(nowNanoseconds: Int64, rows: Int) throws -> Int {
        try log.dropAgedQuarantine(nowNanoseconds: nowNanoseconds, rows: rows)
    }

    func retain(seconds: Int64, bytes: Int64) { log.retain(seconds: seconds, bytes: bytes) }

    func dropExpired(nowNanoseconds: Int64, rows: Int) throws -> Int {
        try log.dropExpired(nowNanoseconds: nowNanoseconds, rows: rows)
    }
}
