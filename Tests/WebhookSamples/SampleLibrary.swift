package import Foundation

/// The recorded webhooks of every provider with their header fields, and what is expected of them.
package enum SampleLibrary {
    /// One recorded webhook.
    package struct Sample: Sendable, CustomStringConvertible {
        package let provider: String
        package let file: String
        package let fields: [(name: String, value: String)]
        package let body: [UInt8]
        package var description: String { "\(provider)/\(file)" }
    }

    /// The secrets that signed the samples, as an operator would configure them.
    package static let streamSecret = Array("test_stream_api_secret_not_real".utf8)
    package static let streamAPIKey = "k3ytest123abc"
    package static let fastPixSecret = Array("ZmFzdHBpeC10ZXN0LXNpZ25pbmctc2VjcmV0LTMyYiE=".utf8)

    /// Every signed sample of a provider, in the order of its index.
    package static func samples(of provider: String) throws -> [Sample] {
        let index = try JSONDecoder().decode(Index.self, from: contents("\(provider)/INDEX.json"))
        return try index.requests.filter { !$0.file.hasPrefix("_probe") }.map { request in
            try Sample(
                provider: provider, file: request.file,
                fields: request.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
                body: Array(contents("\(provider)/\(request.file)")))
        }
    }

    /// The CloudEvents attributes expected of each sample that is one event, by `provider/file`.
    package static func goldenAttributes() throws -> [String: [String: String]] {
        try goldenEvents().compactMapValues { if case .single(let attributes) = $0 { attributes } else { nil } }
    }

    /// The CloudEvents attributes expected of each sample, by `provider/file`.
    package static func goldenEvents() throws -> [String: Golden] {
        try JSONDecoder().decode([String: Golden].self, from: contents("golden-attributes.json"))
    }

    /// What is expected of one sample: its one event, or the first events of its batch.
    package enum Golden: Decodable, Sendable {
        case single([String: String])
        case batch([[String: String]])

        package init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let attributes = try? container.decode([String: String].self) {
                self = .single(attributes)
            } else {
                self = .batch(try container.decode([[String: String]].self))
            }
        }

        package var events: [[String: String]] {
            switch self {
            case .single(let attributes): [attributes]
            case .batch(let events): events
            }
        }
    }

    /// One row of the published mapping.
    package struct MappingRow: Decodable, Sendable {
        package let canonical: String
        package let subject: String
        package let partitionkey: String
    }

    /// The published mapping: provider, event type, row.
    package static func mapping() throws -> [String: [String: MappingRow]] {
        try JSONDecoder().decode([String: [String: MappingRow]].self, from: contents("canonical-mapping.json"))
    }

    /// The bytes of a file of the collection.
    package static func contents(_ path: String) throws -> Data {
        guard let folder = Bundle.module.url(forResource: "Samples", withExtension: nil) else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try Data(contentsOf: folder.appendingPathComponent(path))
    }

    private struct Index: Decodable {
        struct Request: Decodable {
            let file: String
            let headers: [String: String]
        }
        let requests: [Request]
    }
}
