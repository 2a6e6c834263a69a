import Events
import Testing
import WebhookSamples
import Wire

@testable import Normalisation
@testable import Providers

/// What a provider's normaliser makes of a body, as the normaliser stage would call it.
struct Normalised {
    let outcome: StageOutcome
    let events: [Record.Event]

    /// 2026-10-05T14:49:14.5Z as the ingress' clock, in nanoseconds.
    static let receivedAt: Int64 = 1_791_211_754_500_000_000
    static let receivedAtText = "2026-10-05T14:49:14.5Z"

    init(
        _ provider: any Provider.Type, _ body: [UInt8], fields: [(name: String, value: String)] = [],
        options: MappingOptions = MappingOptions(), source: String? = nil, sequence: UInt64 = 1
    ) throws {
        var record = Record.verified(
            source: source ?? provider.name, fields: fields, body: body, receivedAtNanoseconds: Self.receivedAt,
            sequence: sequence)
        let normaliser = provider.makeNormaliser(options)
        let found = try record.pass { view, writer in
            VerifiedWebhook(view).map { normaliser.normalise($0, into: &writer) }
        }
        outcome = try #require(found)
        events = try record.events()
    }

    init(
        _ provider: any Provider.Type, _ body: String, fields: [(name: String, value: String)] = [],
        options: MappingOptions = MappingOptions(), sequence: UInt64 = 1
    ) throws {
        try self.init(provider, Array(body.utf8), fields: fields, options: options, sequence: sequence)
    }

    /// The attributes of the one event; a failure where there is not exactly one.
    func attributes() throws -> [String: String] {
        #expect(outcome == .passed)
        #expect(events.count == 1)
        return try #require(events.first).attributes
    }

    /// The code of the refusal; nil if nothing was refused.
    var code: RejectionCode? {
        if case .refused(let rejection) = outcome { rejection.code } else { nil }
    }

    /// The payload of the only event.
    var payload: String? {
        events.first?.payload.map { String(decoding: $0, as: UTF8.self) }
    }
}
