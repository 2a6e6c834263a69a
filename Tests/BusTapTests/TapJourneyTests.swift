import Events
import LogSamples
import TapPrinting
import Testing
import Wire

@Suite struct TapJourneyTests {
    private static let received: Int64 = 1_790_000_000_000_000_000

    /// What a journey prints of a record that passes a hop; nil where it is not of the webhook that is followed.
    private func pass(
        _ journey: inout TapJourney, at role: StageRole, sequence: UInt64 = 42, refusedAs code: RejectionCode? = nil,
        element: UInt32 = Rejection.wholeWebhook
    ) throws -> String? {
        var bytes = Sample.envelope(sequence: sequence, ids: ["id-1"], receivedAt: Self.received)
        var writer = ByteWriter()
        if role == .router {
            StageStamp(
                stage: .normaliser, instance: "normaliser-0", startedNanoseconds: Self.received + 1_000_000,
                finishedNanoseconds: Self.received + 1_250_000
            ).write(to: &writer)
        }
        if let code { Rejection(code, stage: .verifier, element: element, detail: "no").write(to: &writer) }
        bytes += writer.bytes
        return try bytes.withUnsafeBytes { bytes in
            let origin = TapOrigin(HelloNotice(role: role, instance: "\(role)-0"))
            let record = TapRecord(
                try EnvelopeView(bytes), at: origin, passedNanoseconds: Self.received + 5_500_000)
            guard journey.isNext(record) else { return nil }
            journey.arrive(record)
            var out = ByteWriter()
            journey.append(record, to: &out)
            return String(decoding: out.bytes, as: UTF8.self)
        }
    }

    @Test func `each hop adds what is new, and the router ends it`() throws {
        var journey = TapJourney(TapID("id-1"))
        #expect(try pass(&journey, at: .verifier, sequence: 41) != nil, "the sample's verifier shows events already")
        journey = TapJourney(TapID("42"))
        let first = try #require(try pass(&journey, at: .verifier))
        #expect(
            first == """
                stream #42 of journal \(JournalID(high: 1, low: 2)), received 2026-09-21T14:13:20.000000Z
                  INSTANCE                SINCE RECEIPT        TOOK
                  verifier-0                  +0.000 ms    0.000 ms
                    participant.joined  calls/default:1  id-1

                """)
        #expect(journey.end == nil)
        #expect(try pass(&journey, at: .verifier) == nil, "what is sent again has been shown")
        #expect(try pass(&journey, at: .router, sequence: 43) == nil)
        let last = try #require(try pass(&journey, at: .router))
        #expect(
            last == """
                  normaliser-0                +1.250 ms    0.250 ms
                  fanout-router-0             +5.500 ms
                in the event log, unless its event was there before

                """)
        #expect(journey.end == .logged)
    }

    @Test func `a refusal of the whole ends it, one of an element does not`() throws {
        var journey = TapJourney(TapID("id-1"))
        _ = try pass(&journey, at: .normaliser, refusedAs: .elementNotObject, element: 1)
        #expect(journey.end == nil)
        let text = try #require(try pass(&journey, at: .router, refusedAs: .signatureMismatch))
        #expect(journey.end == .refused)
        #expect(text.hasSuffix("in quarantine\n"))
    }

    @Test(arguments: ["id-1", "42", "00000000000000010000000000000002-42", "sent-as-this"])
    func `a webhook goes by every name that people have in hand`(name: String) throws {
        var writer = ByteWriter()
        Array("stream".utf8).withUnsafeBytes { source in
            writer.openEnvelope(source: source, receivedAtNanoseconds: Self.received) { sections in
                sections.requestHead([("x-webhook-id", "sent-as-this"), ("host", "gateway")])
            }
        }
        var bytes = Array(writer.bytes.dropFirst(4))
        bytes.withUnsafeMutableBytes {
            EnvelopePatch.seal($0, journal: JournalID(high: 1, low: 2), sequence: 42)
        }
        let plain = bytes
        let sample = Sample.envelope(sequence: 42, ids: ["id-1"])
        for (bytes, isMeant) in [(plain, name != "id-1"), (sample, name != "sent-as-this")] {
            try bytes.withUnsafeBytes { bytes in
                let origin = TapOrigin(HelloNotice(role: .ingress, instance: "ingress-gateway-0"))
                let record = TapRecord(try EnvelopeView(bytes), at: origin)
                var filter = TapFilter()
                filter.id = TapID(name)
                #expect(filter.passes(record) == isMeant)
                filter.id = TapID("gateway")
                #expect(!filter.passes(record), "only what is called an id")
            }
        }
    }
}
