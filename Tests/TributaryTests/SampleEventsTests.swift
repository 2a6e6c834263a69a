import Events
import JSON
import Providers
import Testing
import VerificationSchemes
import WebhookSamples
import Wire

@testable import Tributary

/// What the samples become, against the published mapping and the providers' own vocabularies.
@Suite struct SampleEventsTests {
    struct Expected: Sendable {
        let canonical: String
        let subject: String
    }

    /// The events of a sample, as parsed JSON.
    private func events(_ provider: String, _ type: String, batch: Int? = nil) throws -> [JSONValue] {
        try events(try SampleChoice.make(provider, type, batch: batch), type)
    }

    private func events(_ choice: SampleChoice, _ type: String) throws -> [JSONValue] {
        let provider = choice.catalogue.provider
        let signer = WebhookSigner(SourceVerification(source: "s", scheme: .none), at: 0)
        let webhook = try SampleWebhook.make(choice, type: type, signer: signer)
        let known = try #require(ProviderRegistry.provider(named: provider))
        let pipeline = LocalPipeline(sources: [
            "s": LocalPipeline.Source(
                known, SourceVerification(source: "s", scheme: .none), MappingOptions(), maxInflatedBytes: 1 << 20)
        ])
        var head = webhook.headers.map { ($0.name, $0.value) }
        if provider == "stream" { head.append(("x-webhook-id", webhook.id)) }
        if provider == "standard-webhooks" { head.append(("webhook-id", webhook.id)) }
        if let endpoint = known.endpoint { head.append((RequestHead.endpointPath, endpoint.samplePath)) }
        let outcome = pipeline.run(source: "s", head: head, body: webhook.body, receivedAtNanoseconds: 1)
        #expect(outcome.refusal == nil && outcome.elementRefusals.isEmpty, "\(provider) \(type)")
        let events = outcome.events.compactMap { JSON.JSONValue.read(Array($0.utf8)) }
        #expect(events.count == outcome.events.count)
        if !webhook.eventIDs.isEmpty { #expect(events.map { $0["id"].text } == webhook.eventIDs) }
        return events
    }

    /// Whether a subject is the template with every field filled in.
    private func fills(_ subject: String, _ template: String) -> Bool {
        let wanted = template.split(separator: "/", omittingEmptySubsequences: false)
        let found = subject.split(separator: "/", omittingEmptySubsequences: false)
        return wanted.count == found.count
            && zip(wanted, found).allSatisfy { wanted, found in
                guard wanted.hasPrefix("{") else { return wanted == found }
                let words = wanted.dropFirst().dropLast().split(separator: "|")
                return words.count > 1 ? words.contains(found) : !found.isEmpty && !found.contains("{")
            }
    }

    @Test(arguments: ["fishjam", "stream", "fastpix", "eyeson-streamrec"])
    func `every type of the published mapping has a sample that becomes what it says`(_ provider: String) throws {
        let rows = try #require(SampleLibrary.mapping()[provider])
        let types = try #require(SampleCatalogue.of(provider)).types
        #expect(Set(rows.keys).subtracting(types) == [])
        for (type, row) in rows {
            let event = try #require(events(provider, type).first, "\(type)")
            #expect(try events(provider, type).count == 1)
            let canonical = event["type"].text.dropFirst("dev.tributary.".count)
            if row.canonical.contains("{") {
                #expect(row.canonical.contains(canonical.split(separator: ".").last ?? "-"), "\(type)")
            } else {
                #expect(canonical == row.canonical, "\(type)")
            }
            #expect(event["providertype"].text == type)
            #expect(fills(event["subject"].text, row.subject), "\(type): \(event["subject"].text)")
            #expect(!event["partitionkey"].text.isEmpty, "\(type)")
        }
    }

    @Test(arguments: [
        ("price-update", "custom.event", "rooms/room-42/channels/my-channel"),
        ("server-published", "custom.event", "rooms/room-42/channels/my-channel"),
        ("older-shape", "custom.event", "channels/my-channel"),
        ("any name", "custom.event", "rooms/room-42/channels/my-channel"),
        ("MEETING_STATS", "session.report_ready", "meetings/meeting-42"),
    ])
    func `SuperViz samples become what the published mapping says`(
        type: String, canonical: String, subject: String
    ) throws {
        let event = try #require(events("superviz", type).first)
        #expect(event["type"].text == "dev.tributary.\(canonical)")
        #expect(event["providertype"].text == type)
        #expect(event["subject"].text == subject)
    }

    @Test(arguments: ["CREATE_MENTION", "DELETE_MENTION"])
    func `SuperViz mentions are known by their own id`(_ type: String) throws {
        let event = try #require(events("superviz", type).first)
        let verb = type == "CREATE_MENTION" ? "created" : "deleted"
        #expect(event["type"].text == "dev.tributary.mention.\(verb)")
        #expect(event["subject"].text == "mentions/\(event["id"].text)")
    }

    @Test(arguments: ["livekit", "mux", "daily"])
    func `every type of a vocabulary has a sample with a whole subject`(_ provider: String) throws {
        let vocabulary = try #require(ProviderRegistry.provider(named: provider)).types
        let types = try #require(SampleCatalogue.of(provider)).types
        #expect(Set(vocabulary.map(\.providerType)).subtracting(types) == [])
        for type in types {
            let event = try #require(events(provider, type).first, "\(type)")
            let row = vocabulary.first { $0.providerType == type }
            #expect(event["type"].text == "dev.tributary." + (row?.canonicalType ?? "provider.unmapped"), "\(type)")
            #expect(event["subject"].text.isEmpty == false, "\(type)")
            if let row { #expect(fills(event["subject"].text, row.subject), "\(type): \(event["subject"].text)") }
        }
    }

    @Test(arguments: ["zoom", "twilio", "agora", "cloudflare-stream", "100ms", "standard-webhooks"])
    func `samples of a preset keep their type and say what they are about`(_ provider: String) throws {
        for type in try #require(SampleCatalogue.of(provider)).types {
            let events = try events(provider, type)
            #expect(events.count == 1)
            #expect(events[0]["providertype"].text == type)
            #expect(events[0]["type"].text == "dev.tributary.provider.unmapped")
            #expect(events[0]["subject"].text.isEmpty == (provider == "standard-webhooks"), "\(type)")
            #expect(events[0]["timesource"].text == "provider", "\(type)")
        }
    }

    @Test(arguments: ["mux", "daily", "eyeson-streamrec", "livekit"])
    func `a provider without samples of its own has those that its mapping describes`(_ provider: String) throws {
        let known = try #require(ProviderRegistry.provider(named: provider))
        let catalogue = try #require(DerivedSamples.catalogue(known))
        #expect(catalogue.types == known.types.map(\.providerType))
        for row in known.types {
            let choice = SampleChoice(catalogue: catalogue, types: [row.providerType], batch: nil)
            let event = try #require(events(choice, row.providerType).first, "\(row.providerType)")
            #expect(event["type"].text == "dev.tributary." + row.canonicalType, "\(row.providerType)")
            #expect(fills(event["subject"].text, row.subject), "\(row.providerType): \(event["subject"].text)")
            #expect(event["partitionkey"].text.isEmpty == row.partitionKey.isEmpty, "\(row.providerType)")
            let saysWhen = provider != "eyeson-streamrec" || row.time != nil
            #expect(event["timesource"].text == (saysWhen ? "provider" : "ingest"), "\(row.providerType)")
        }
    }

    @Test(arguments: SampleCatalogue.all.map(\.provider))
    func `no sample becomes an event that has anything that looks like a credential`(_ provider: String) throws {
        for type in try #require(SampleCatalogue.of(provider)).types {
            for event in try events(provider, type) {
                #expect(CredentialScan.unexplained(in: texts(event["data"], key: "")) == [], "\(type)")
            }
        }
    }

    private func texts(_ value: JSON.JSONValue, key: String) -> [(key: String, text: String)] {
        switch value {
        case .object(let members): members.flatMap { texts($0.value, key: $0.name) }
        case .array(let elements): elements.flatMap { texts($0, key: key) }
        case .string(let text): [(key, text)]
        default: []
        }
    }

    @Test func `every provider but the generic one has samples`() {
        let without = ProviderRegistry.names.filter { SampleCatalogue.of($0) == nil }
        #expect(without == ["generic"])
    }

    @Test func `batches unpack in order`() throws {
        #expect(try events("superviz", "tick", batch: 1000).count == 1000)
        let batch = try events("fishjam", "peer_connected", batch: 3)
        #expect(batch.map { $0["providertype"].text } == ["peer_connected", "peer_connected", "peer_connected"])
        #expect(Set(batch.map { $0["id"].text }).count == 3)
        #expect(try events("fishjam", "notification_batch").count == 3)
    }
}
