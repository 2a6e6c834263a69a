import Events
import Primitives
import Wire

/// What stages read off the bus. The first byte says what the rest claims to be.
final class WireBench: FuzzFixture {
    func tryOne(_ input: UnsafeRawBufferPointer) {
        guard let first = input.first else { return }
        let rest = UnsafeRawBufferPointer(rebasing: input.dropFirst())
        switch first % 10 {
        case 0: tryEnvelope(rest)
        case 1: tryBatch(rest)
        case 2: tryAgain(rest, { try LinkHeader($0) }, { $0.write(to: &$1) })
        case 3: tryAgain(rest, { try HelloNotice(body: $0) }, { $0.write(to: &$1) })
        case 4: tryAgain(rest, { try CreditNotice(body: $0) }, { $0.write(to: &$1) })
        case 5: tryAgain(rest, { try WindowNotice(body: $0) }, { $0.write(to: &$1) })
        case 6: tryAgain(rest, { try SettlementNotice(body: $0) }, { $0.write(to: &$1) })
        case 7: tryAgain(rest, { try LostNotice(body: $0) }, { $0.write(to: &$1) })
        case 8: tryVerdicts(rest)
        default: tryTexts(rest)
        }
    }

    /// What can be read can be written, and reads the same again.
    private func tryAgain<Value: Equatable>(
        _ input: UnsafeRawBufferPointer, _ read: (UnsafeRawBufferPointer) throws -> Value,
        _ write: (Value, inout ByteWriter) -> Void
    ) {
        guard let value = try? read(input) else { return }
        var writer = ByteWriter()
        write(value, &writer)
        // Bytes that are no UTF-8 are repaired, which makes a text longer, and a long one is then cut.
        guard writer.bytes.firstRange(of: Array("\u{FFFD}".utf8)) == nil else { return }
        let again = try? writer.bytes.withUnsafeBytes { try read($0) }
        must(again == value, "what was written reads the same")
    }

    private func tryBatch(_ input: UnsafeRawBufferPointer) {
        var reader = BatchReader(input)
        var bytes = 0
        while let envelope = try? reader.next() {
            bytes += envelope.count + 4
            tryEnvelope(envelope)
        }
        must(bytes <= input.count, "a batch holds no more than its bytes")
    }

    private func tryEnvelope(_ input: UnsafeRawBufferPointer) {
        guard let view = try? EnvelopeView(input) else { return }
        _ = (view.flags, view.resends, view.journal.description, view.sequence, view.isIntact)
        must(!view.source.isEmpty, "an envelope has a source")
        view.forEachSection { tag, content in
            trySection(tag, content)
            return true
        }
        if let webhook = AcceptedWebhook(view) { _ = webhook.head.value("x-api-key") }
        _ = VerifiedWebhook(view)
        tryEvents(view)
    }

    private func trySection(_ tag: SectionTag, _ content: UnsafeRawBufferPointer) {
        switch tag {
        case .requestHead: RequestHead(content).forEachField { name, value in name.count + value.count >= 0 }
        case .verification: _ = try? Verification(section: content)
        case .rejection: _ = try? Rejection(section: content)
        case .stamp: _ = try? StageStamp(content)
        case .replayOf: _ = ReplayOrigin(section: content).includes(3)
        default: break
        }
    }

    private func tryEvents(_ view: EnvelopeView) {
        var writer = ByteWriter()
        do {
            try view.forEachEvent { event in
                writer.bytes.removeAll(keepingCapacity: true)
                CloudEventsJSON.render(
                    attributes: event.attributeBytes, payload: nil, receivedAtNanoseconds: view.receivedAtNanoseconds,
                    position: view.sequence, to: &writer)
                let isJSON = writer.bytes.withUnsafeBytes { StrictJSON.verdict($0) == .valid }
                must(isJSON, "whatever the attributes hold, an event is rendered as JSON")
            }
        } catch {
            // Damaged, and said so.
        }
    }

    private func tryVerdicts(_ input: UnsafeRawBufferPointer) {
        var reader = ByteReader(input)
        guard let count = try? reader.u32() else { return }
        tryAgain(
            reader.rest,
            { body in
                let notice = try VerdictNotice(body: body, count: count)
                // Longer replies are cut when they are written.
                guard notice.entries.allSatisfy({ $0.verdict.reply.count <= Limits.verdictReplyBytes }) else {
                    throw WireError.badLength
                }
                return notice
            }, { $0.write(to: &$1) })
    }

    private func tryTexts(_ input: UnsafeRawBufferPointer) {
        if let bytes = Base64.decode(input) {
            let text = bytes.withUnsafeBytes { Base64.encode($0) }
            must(input.elementsEqual(text.utf8), "base64 has one spelling")
        }
        let text = String(decoding: input, as: UTF8.self)
        if let id = JournalID(text) { must(id.description == text, "a journal id has one spelling") }
    }

    static func seeds() -> [[UInt8]] {
        var notices: [[UInt8]] = []
        func add(_ kind: UInt8, _ write: (inout ByteWriter) -> Void) {
            var writer = ByteWriter()
            write(&writer)
            notices.append([kind] + writer.bytes)
        }
        let journal = JournalID(high: 1, low: 2)
        add(2) { LinkHeader(kind: .ping, bootID: 1, number: 2, count: 3, bodyBytes: 4).write(to: &$0) }
        add(3) { HelloNotice(role: .router, instance: "fanout-router-0").write(to: &$0) }
        add(4) {
            CreditNotice(grantedThrough: 5, receivedThrough: 4, mostRecords: 256, mostBytes: 65536, unfinished: [3, 4])
                .write(to: &$0)
        }
        add(5) {
            WindowNotice(journal: journal, firstRetained: 1, lastSequence: 9, records: 10, bytes: 11).write(to: &$0)
        }
        add(6) { SettlementNotice(journal: journal, watermark: 5, held: [SequenceRange(7, 9)]).write(to: &$0) }
        add(7) {
            LostNotice(deadRole: .verifier, wasAlone: true, journal: journal, ranges: [SequenceRange(7, 9)])
                .write(to: &$0)
        }
        add(8) { writer in
            writer.u32(1)
            let verdict = Verdict(httpStatus: 401, code: "signature_mismatch", reply: Array("{}".utf8))
            VerdictNotice(journal: journal, entries: [.init(sequences: SequenceRange(1, 2), verdict: verdict)])
                .write(to: &writer)
        }
        add(9) { $0.raw(Array("aGVsbG8=".utf8)) }
        add(9) { $0.raw(Array(journal.description.utf8)) }
        let envelope = WireSeeds.envelope()
        add(0) { $0.raw(envelope) }
        add(1) { writer in
            for _ in 0..<2 {
                writer.u32(UInt32(envelope.count))
                writer.raw(envelope)
            }
        }
        return notices
    }
}

/// Envelopes to start from.
enum WireSeeds {
    /// A record with every kind of section.
    static func envelope() -> [UInt8] {
        let request = HostileRequest(ArraySlice(HostileRequest.seed([("x-api-key", "k")], Array("{}".utf8))))
        var record = request.record(source: "stream")
        var writer = ByteWriter()
        writer.section(.traceContext) { $0.raw(Array("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".utf8)) }
        ReplayOrigin.write(journal: JournalID(high: 3, low: 4), sequence: 5, elements: [1, 3], to: &writer)
        Verification(scheme: "stream", keyID: "k").write(to: &writer)
        StageStamp(stage: .verifier, instance: "verifier-0", startedNanoseconds: 1, finishedNanoseconds: 2)
            .write(to: &writer)
        let verified = record + writer.bytes
        verified.withUnsafeBytes { bytes in
            guard let view = try? EnvelopeView(bytes), let webhook = VerifiedWebhook(view) else {
                fatalError("broken: a composed record is whole")
            }
            var events = CanonicalEventsWriter(for: webhook, in: &writer)
            for element in 0..<UInt32(2) {
                events.open(element: element, in: &writer)
                events.attribute("type", "call.created", in: &writer)
                events.attribute("id", "1", in: &writer)
                events.close(element == 0 ? .section(.body) : .none, in: &writer)
            }
            events.finish(in: &writer)
        }
        Rejection(.elementNotObject, stage: .normaliser, element: 2, detail: "the element is text").write(to: &writer)
        record += writer.bytes
        return record
    }
}
