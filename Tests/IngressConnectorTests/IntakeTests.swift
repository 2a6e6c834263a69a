import AWS
import CommitLog
import Events
import JSON
import Synchronization
import Testing
import Wire

@testable import IngressConnector
@testable import WebhookIntake

/// What is fetched counts as taken when it is on disk, and not before.
struct IntakeTests {
    private let mailbox = JournalMailbox()
    private let journal = JournalState()
    private let settings = ConnectorSettings(
        name: "queue", source: "stream", ca: nil,
        place: .queue(
            .init(
                url: "https://q.example/1/q", origin: "https://q.example", host: "q.example", region: "r",
                accessKeyID: [], secretAccessKey: [], sessionToken: nil, receivers: 1)))

    private var intake: ConnectorIntake { intake(maxBodyBytes: 1 << 20) }

    private func intake(maxBodyBytes: Int) -> ConnectorIntake {
        ConnectorIntake(
            mailbox: mailbox, journal: journal, instance: "ingress-connector-0", maxBodyBytes: maxBodyBytes)
    }

    private func webhook(_ body: String) -> FetchedWebhook {
        FetchedWebhook(
            fields: [.init(name: "X-Signature", value: "s"), .init(name: ":token", value: "forged")], id: "id-1",
            body: Array(body.utf8))
    }

    private struct Seen {
        var fields: [String: String] = [:]
        var body = ""
        var rejection: Rejection?
        var bytes = 0
    }

    private func envelopes() -> [Seen] {
        mailbox.take(within: 0).batches.map(\.records).flatMap { batch in
            batch.indices.compactMap { index in batch.withRecord(index, seen) }
        }
    }

    private func seen(_ record: UnsafeRawBufferPointer) -> Seen? {
        guard let view = try? EnvelopeView(record), let head = view.section(.requestHead) else { return nil }
        var seen = Seen(bytes: record.count)
        RequestHead(head).forEachField { name, value in
            seen.fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
            return true
        }
        seen.body = view.section(.body).map { String(decoding: $0, as: UTF8.self) } ?? ""
        seen.rejection = view.section(.rejection).flatMap { try? Rejection(section: $0) }
        return seen
    }

    /// Waits for the next row on its way to the journal.
    private func nextRow() async throws -> PendingBatch {
        while true {
            if let row = mailbox.take(within: 0).batches.first { return row }
            await Task.yield()
        }
    }

    private func commit(_ row: PendingBatch, _ intake: ConnectorIntake) {
        _ = intake.journaled(row.tokens, first: 1, journal: JournalID(high: 1, low: 2), at: 0)
    }

    @Test func `a fetched webhook names its connector and its id, and no message can forge what is ours`() {
        intake.take(webhook("one"), of: settings) { _ in }
        let found = envelopes()
        #expect(found.map(\.body) == ["one"] && found.first?.rejection == nil)
        #expect(found.first?.fields == [":connector": "queue", ":id": "id-1", "x-signature": "s"])
    }

    @Test(.timeLimit(.minutes(1))) func `those that go into one row of the journal are taken together`() async throws {
        let intake = intake
        async let taken = intake.take(["one", "two", "three"].map(webhook), of: settings)
        let row = try await nextRow()
        #expect(row.tokens.count == 3)
        commit(row, intake)
        #expect(await taken == 3)
    }

    @Test(.timeLimit(.minutes(1))) func `behind a row that the journal refuses none is taken`() async throws {
        let intake = intake
        let body = String(repeating: "x", count: Limits.batchBytes * 2 / 3)
        async let taken = intake.take((0..<4).map { _ in webhook(body) }, of: settings)
        commit(try await nextRow(), intake)
        intake.refused(try await nextRow().tokens, LogError(.overBudget, "full"))
        #expect(await taken == 1)
        #expect(envelopes().isEmpty)
    }

    @Test func `the largest message goes into quarantine whole where it is more than the stages take`() throws {
        let intake = intake(maxBodyBytes: 1024)
        let attribute = String(repeating: "a", count: FetchedWebhook.attributeBytes - 1)
        let body = String(repeating: "b", count: SQSRequest.mostBytes - attribute.utf8.count - 1)
        let large = FetchedWebhook(
            fields: [.init(name: "n", value: attribute)], id: String(repeating: "i", count: 255), body: Array(body.utf8)
        )
        intake.take(large, of: settings) { _ in }
        let found = try #require(envelopes().first)
        #expect(found.body == body)
        #expect(found.rejection?.code == .bodyTooLarge && found.rejection?.stage == .ingress)
        #expect(found.bytes <= Limits.envelopeBytes(maxBodyBytes: 1024) - 2048)
        // Queues that are not of AWS may have larger ones.
        intake.take(webhook(body + body), of: settings) { _ in }
        let larger = try #require(envelopes().first)
        #expect(larger.bytes <= Limits.envelopeBytes(maxBodyBytes: 1024))
        #expect(larger.rejection?.detail.contains("Only its first \(larger.body.utf8.count) bytes") == true)
    }

    @Test func `nothing is fetched while the journal takes nothing, or after the end`() {
        let intake = intake
        #expect(intake.isOpen)
        journal.mode.store(.overBudget, ordering: .relaxed)
        #expect(!intake.isOpen)
        journal.mode.store(.accepting, ordering: .relaxed)
        intake.close()
        #expect(!intake.isOpen)
        let answers = Mutex<[Bool]>([])
        intake.take(webhook("late"), of: settings) { isOnDisk in answers.withLock { $0.append(isOnDisk) } }
        #expect(answers.withLock { $0 } == [false])
    }
}
