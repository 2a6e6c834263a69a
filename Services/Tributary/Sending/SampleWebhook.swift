import Metrics
import Providers
import StageRuntime

/// A sample webhook, ready to be sent.
struct SampleWebhook: Sendable {
    let id: String
    let type: String
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    /// The types that samples exist for, in the order of the provider's catalogue; none for unknown providers.
    static func types(of provider: String) -> [String] {
        switch provider {
        case "stream": StreamSamples.all.map(\.type)
        case "fastpix": FastPixSamples.all.map(\.type)
        default: []
        }
    }

    /// A webhook with an id of its own, created now, signed with `key` as the provider signs. Throws where there is no
    /// sample of that type.
    static func make(
        provider: any Provider.Type, type: String, key: SourceKey
    ) throws(StageFailure) -> SampleWebhook {
        let id = randomID()
        let now = timeText(wallNanoseconds())
        let body =
            switch provider.name {
            case "stream": StreamSamples.body(type: type, createdAt: now)
            case "fastpix": FastPixSamples.body(type: type, id: id, createdAt: now)
            default: String?.none
            }
        guard let body else { throw StageFailure(.usage, "\(provider.name) has no sample of type \(type)") }
        let bytes = Array(body.utf8)
        return SampleWebhook(
            id: id, type: type, headers: provider.signedFields(for: bytes, key: key, webhookID: id), body: bytes)
    }

    /// A random UUID (version 4).
    static func randomID() -> String {
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        let groups = [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]]
        return groups.map { $0.joined() }.joined(separator: "-")
    }
}

extension SourceKey {
    /// A key with the same id that signs wrongly: its signatures have the right form and match nothing.
    var spoiled: SourceKey { SourceKey(id: id, bytes: bytes.map { ~$0 }) }
}
