import Bus
import EventLog
import Events
import StageMetrics
import Wire

/// Turns ordered records into what goes into the log: canonical events, quarantined webhooks, watermarks. Step 6.
///
/// Used by the log thread only. It decides nothing about storage.
struct Intake {
    private let metrics: IntakeMetrics
    /// Sequences up to here are in the log; whatever repeats them is dropped. The bus does the same; this is the last
    /// line of defence.
    private(set) var watermarks: [JournalID: UInt64]
    /// Those of the record that is taken now.
    private var events: [CanonicalEventView] = []
    /// Room for more, grown for one large batch, is given back.
    private static let keptEvents = 64

    init(watermarks: [JournalID: UInt64], metrics: IntakeMetrics) {
        self.watermarks = watermarks
        self.metrics = metrics
    }

    /// Adds a batch to the transaction. Throws `EventLogError` when the log cannot be asked for duplicates.
    mutating func take(_ batch: RecordBatch, log: any EventLog, into transaction: inout LogTransaction) throws {
        for index in batch.indices {
            try batch.withRecord(index) { bytes in
                // The bus has checked the envelope and its checksum; what cannot be read has no sequence and cannot be
                // named.
                guard let envelope = try? EnvelopeView(bytes) else { return }
                try take(envelope, log: log, into: &transaction)
            }
        }
        if let journal = batch.journal { advance(journal, to: batch.last, &transaction) }
    }

    /// Sets a watermark without events: what lies below is gone for good.
    mutating func force(_ journal: JournalID, to watermark: UInt64, _ transaction: inout LogTransaction) {
        advance(journal, to: watermark, &transaction)
    }

    private mutating func advance(_ journal: JournalID, to sequence: UInt64, _ transaction: inout LogTransaction) {
        guard sequence > watermarks[journal] ?? 0 else { return }
        watermarks[journal] = sequence
        transaction.watermarks[journal] = sequence
    }

    private mutating func take(
        _ envelope: EnvelopeView, log: any EventLog, into transaction: inout LogTransaction
    ) throws {
        guard envelope.sequence > watermarks[envelope.journal] ?? 0 else { return }
        metrics.records.add(1)
        metrics.sinceReceipt.record(nanoseconds: transaction.takenAtNanoseconds - envelope.receivedAtNanoseconds)
        if envelope.flags.contains(.tombstone) {
            let rejection = Rejection(
                .poison, stage: .ingress, detail: "Every stage that took this webhook up died; see the stage's log.")
            return quarantine(envelope, [rejection], &transaction)
        }
        var rejections: [Rejection] = []
        if envelope.section(.rejection) != nil {
            envelope.forEachSection { tag, content in
                if tag == .rejection, let rejection = try? Rejection(section: content) { rejections.append(rejection) }
                return true
            }
        }
        if !rejections.isEmpty { quarantine(envelope, rejections, &transaction) }
        guard envelope.section(.events) != nil else {
            if rejections.isEmpty {
                quarantine(envelope, [Self.damaged("it holds neither events nor a rejection")], &transaction)
            }
            return
        }
        // Read whole before the first event is taken: a damaged section gives no events at all.
        events.removeAll(keepingCapacity: true)
        defer { events.removeAll(keepingCapacity: events.capacity <= Self.keptEvents) }
        do {
            try envelope.forEachEvent { events.append($0) }
        } catch {
            return quarantine(envelope, [Self.damaged("its events cannot be read")], &transaction)
        }
        guard events.allSatisfy({ $0.id != nil && $0.type != nil }) else {
            return quarantine(envelope, [Self.damaged("its events cannot be read")], &transaction)
        }
        for event in events {
            switch try log.admit(event, of: envelope, to: &transaction) {
            case .taken: metrics.event(of: envelope.sourceBytes)
            case .knownID: metrics.duplicateIDs.add(1)
            case .knownContent: metrics.duplicateContents.add(1)
            }
        }
    }

    private func quarantine(_ envelope: EnvelopeView, _ rejections: [Rejection], _ transaction: inout LogTransaction) {
        for rejection in rejections { metrics.rejection(rejection.code, of: envelope.sourceBytes) }
        transaction.quarantine(
            QuarantineEntries.make(of: envelope, rejections, nowNanoseconds: steadyNanoseconds()))
    }

    private static func damaged(_ what: String) -> Rejection {
        Rejection(.envelopeDamaged, stage: .router, detail: "The envelope passed its checksum, but \(what).")
    }
}
