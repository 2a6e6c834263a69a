import Metrics
import StageRuntime

/// A sample webhook, ready to be sent.
struct SampleWebhook: Sendable {
    let id: String
    let type: String
    let headers: [(String, String)]
    let body: [UInt8]

    /// The types that samples exist for, in the order of the provider's catalogue; none for unknown providers.
    static func types(of provider: String) -> [String] {
        switch provider {
        case "stream": StreamSamples.all.map(\.type)
        case "fastpix": FastPixSamples.all.map(\.type)
        default: []
        }
    }

    /// A webhook with an id of its own, created now, signed like the provider signs. Throws when the secret has not
    /// the provider's form; the type must be one of `types(of:)`.
    static func make(
        provider: String, type: String, secret: [UInt8], secretID: String?, isBad: Bool = false
    ) throws(StageFailure) -> SampleWebhook {
        let id = randomID()
        let now = timeText(wallNanoseconds())
        let body: String?
        var headers = [("Content-Type", "application/json")]
        switch provider {
        case "stream":
            body = StreamSamples.body(type: type, createdAt: now)
            headers += [("X-WEBHOOK-ID", id), ("X-WEBHOOK-ATTEMPT", "1")]
        default:
            body = FastPixSamples.body(type: type, id: id, createdAt: now)
        }
        guard let body else { throw StageFailure(.usage, "\(provider) has no sample of type \(type)") }
        let bytes = Array(body.utf8)
        headers += try Signature.headers(
            provider: provider, secret: secret, secretID: secretID, body: bytes, isBad: isBad)
        return SampleWebhook(id: id, type: type, headers: headers, body: bytes)
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
