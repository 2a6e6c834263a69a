import Events
import Testing
import WebhookIntake
import Wire

struct DamagedRecordsTests {
    @Test func `webhooks that damage has taken become rejections under their own names`() throws {
        let journal = JournalID(high: 1, low: 2)
        let lost = RecordBatch(stored: [], first: 7, count: 3)
        #expect(!lost.isWhole)
        let replaced = DamagedRecords.replaced(lost, journal: journal, nowNanoseconds: 9)
        #expect(replaced.isWhole && replaced.first == 7 && replaced.count == 3)
        for index in replaced.indices {
            try replaced.withRecord(index) { record in
                let envelope = try EnvelopeView(record)
                #expect(envelope.isIntact && envelope.sequence == 7 + UInt64(index) && envelope.journal == journal)
                let rejection = try #require(envelope.section(.rejection))
                #expect(try Rejection(section: rejection).code == .envelopeDamaged)
            }
        }
    }
}
