import Foundation
import Wire

/// The body of `POST /replay`: one webhook, or several under `webhooks`.
struct ReplayRequest: Decodable {
    /// A webhook as the router's quarantine gives it.
    struct Webhook: Decodable {
        struct Origin: Decodable {
            var journal: String
            var sequence: UInt64
        }

        enum CodingKeys: String, CodingKey {
            case source, head, elements
            case receivedAtNanoseconds = "received_at_ns"
            case body = "body_base64"
            case origin = "replay_of"
        }

        var source: String
        var receivedAtNanoseconds: Int64
        /// Pairs of lower-case name and value.
        var head: [[String]]
        /// In base64.
        var body: String
        var origin: Origin
        /// The refused elements of a batch; absent, null or empty: the whole webhook.
        var elements: [UInt32]?

        /// Nil where a part does not have the form that it must have.
        var replayed: ReplayedWebhook? {
            guard let journal = JournalID(origin.journal), let body = Data(base64Encoded: body),
                head.allSatisfy({ $0.count == 2 }), head.count <= Int(UInt16.max)
            else { return nil }
            return ReplayedWebhook(
                receivedAtNanoseconds: receivedAtNanoseconds, head: head.map { ($0[0], $0[1]) }, body: Array(body),
                journal: journal, sequence: origin.sequence, elements: elements ?? [])
        }
    }

    private enum CodingKeys: String, CodingKey {
        case webhooks
    }

    let webhooks: [Webhook]
    /// Whether the answer is a list, too.
    let isList: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        isList = container.contains(.webhooks)
        webhooks = isList ? try container.decode([Webhook].self, forKey: .webhooks) : [try Webhook(from: decoder)]
    }
}
