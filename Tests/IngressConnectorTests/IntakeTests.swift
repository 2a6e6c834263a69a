import Journal
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

    private var intake: ConnectorIntake {
        ConnectorIntake(mailbox: mailbox, journal: journal, instance: "ingress-connector-0", maxBodyBytes: 1000)
    }

    private func webhook(_ body: String) -> FetchedWebhook {
        FetchedWebhook(
            fields: [.init(name: "X-Signature", value: "s"), .init(name: ":token", value: "forged")], id: "id-1",
            body: Array(body.utf8))
    }

    private func envelopes() -> [(fields: [String: String], body: String)] {
        mailbox.take(within: 0).batches.flatMap(\.pieces).flatMap { batch in
            batch.indices.compactMap { index in
                batch.withRecord(index) { record -> (fields: [String: String], body: String)? in
                    guard let view = try? EnvelopeView(record), let head = view.section(.requestHead) else {
                        return nil
                    }
                    var fields: [String: String] = [:]
                    RequestHead(head).forEachField { name, value in
                        fields[String(decoding: name, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                        return true
                    }
                    return (fields, view.section(.body).map { String(decoding: $0, as: UTF8.self) } ?? "")
                }
            }
        }
    }

    @Test func `a fetched webhook names its connector and its id, and no message can forge what is ours`() {
        let intake = intake
        intake.take([webhook("one"), webhook("two")], of: settings) { _ in }
        let found = envelopes()
        #expect(found.map(\.body) == ["one", "two"])
        #expect(found.first?.fields == [":connector": "queue", ":id": "id-1", "x-signature": "s"])
    }

    @Test func `a batch is answered when all of it is known, each webhook with its own outcome`() {
        let intake = intake
        let answers = Mutex<[[Bool]]>([])
        intake.take([webhook("one"), webhook("two"), webhook("three")], of: settings) { outcomes in
            answers.withLock { $0.append(outcomes) }
        }
        let tokens = mailbox.take(within: 0).batches.flatMap(\.tokens)
        intake.journaled([tokens[0], tokens[2]], first: 1, journal: JournalID(high: 1, low: 2), at: 0)
        #expect(answers.withLock { $0.isEmpty })
        intake.refused([tokens[1]], JournalError(.overBudget, "full"))
        #expect(answers.withLock { $0 } == [[true, false, true]])
    }

    @Test func `nothing is fetched while the journal takes nothing, or after the end`() {
        let intake = intake
        #expect(intake.isOpen)
        journal.mode.store(.overBudget, ordering: .relaxed)
        #expect(!intake.isOpen)
        journal.mode.store(.accepting, ordering: .relaxed)
        intake.close()
        #expect(!intake.isOpen)
        let answers = Mutex<[[Bool]]>([])
        intake.take([webhook("late")], of: settings) { outcomes in answers.withLock { $0.append(outcomes) } }
        #expect(answers.withLock { $0 } == [[false]])
    }
}
