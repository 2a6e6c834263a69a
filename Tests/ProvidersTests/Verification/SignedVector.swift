import Events
import Foundation
import Gzip
import JSON
import Primitives
import Testing
import WebhookSamples
import Wire

@testable import Providers
@testable import Verification
@testable import VerificationSchemes

/// A signed request, and what it must prove.
struct SignedVector: CustomStringConvertible {
    var description: String
    var verification: SourceVerification
    var fields: [(name: String, value: String)]
    var body: [UInt8]
    var receivedAtNanoseconds: Int64

    static let second: Int64 = 1_000_000_000

    /// Made by the official libraries of the schemes (`madeBy` names library and version), or with Python's `hmac`
    /// where they only check.
    static func byLibraries() throws -> [SignedVector] {
        struct Entry: Decodable {
            let madeBy: String
            let scheme: String
            let secret: String
            let keyID: String?
            let fields: [[String]]
            let body: String
            let now: Int64
            let publicURL: String?
            let source: String?
            let pathToken: String?
            let query: String?
        }
        let entries = try JSONDecoder().decode([Entry].self, from: SampleLibrary.contents("library-signatures.json"))
        return try entries.enumerated().map { index, entry in
            var vector = try SignedVector(
                "\(index) \(entry.scheme) by \(entry.madeBy)", scheme: entry.scheme,
                secret: SourceSecret(id: entry.keyID, value: Array(entry.secret.utf8)),
                fields: entry.fields.map { ($0[0], $0[1]) }, body: entry.body, now: entry.now)
            vector.verification.publicURL = entry.publicURL ?? ""
            vector.verification.source = entry.source ?? "s"
            if let token = entry.pathToken, !token.isEmpty { vector.fields.append((":token", token)) }
            if let query = entry.query, !query.isEmpty { vector.fields.append((":query", query)) }
            return vector
        }
    }

    /// Made with the formulas that the providers document.
    static func byFormulas() throws -> [SignedVector] {
        struct Entry: Decodable {
            let provider: String
            let secret: String?
            let secretBase64: String?
            let apiKey: String?
            let headers: [String: String]
            let body: String
            let now: Int64?
            let url: String?
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let entries = try decoder.decode(
            [Entry].self, from: SampleLibrary.contents("other-signature-vectors.json"))
        return try entries.compactMap { entry in
            guard let secret = entry.secret ?? entry.secretBase64 else { return nil }
            var vector = try SignedVector(
                entry.provider, scheme: entry.provider == "twilio-json" ? "twilio" : entry.provider,
                secret: SourceSecret(id: entry.apiKey, value: Array(secret.utf8)),
                fields: entry.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, body: entry.body,
                now: entry.now ?? 1_791_211_760)
            if let url = entry.url {
                vector.verification.publicURL = "https://gw.example.com"
                vector.verification.source = "twilio"
                if let mark = url.firstIndex(of: "?") {
                    vector.fields.append((":query", String(url[mark...].dropFirst())))
                }
            }
            return vector
        }
    }

    /// Fishjam's later wire, signed by its Python SDK 0.31.1.
    static func byFishjam() throws -> [SignedVector] {
        struct Entry: Decodable {
            let hex: String
            let secret: String
            let signature: String
            enum CodingKeys: String, CodingKey {
                case hex, secret
                case signature = "x-fishjam-signature-256"
            }
        }
        let index = try SampleLibrary.contents("fishjam/forward-compat-0.31/INDEX.json")
        return try JSONDecoder().decode([String: Entry].self, from: index).map { name, entry in
            var vector = try SignedVector(
                name, scheme: "fishjam", secret: SourceSecret(value: Array(entry.secret.utf8)),
                fields: [("x-fishjam-signature-256", entry.signature)], body: "", now: 1)
            vector.body = try #require(Hexadecimal.decode(Array(entry.hex.utf8)))
            return vector
        }
    }

    static func all() throws -> [SignedVector] { try byLibraries() + byFormulas() + byFishjam() }

    init(
        _ description: String, scheme: String, secret: SourceSecret, fields: [(name: String, value: String)],
        body: String, now: Int64
    ) throws {
        self.description = description
        let scheme = try #require(SchemePresets.scheme(named: scheme))
        verification = SourceVerification(
            source: "s", scheme: scheme, keys: try SourceKeyring.keys([secret], for: scheme, provider: scheme.name))
        self.fields = fields
        self.body = Array(body.utf8)
        receivedAtNanoseconds = now * Self.second
    }

    init(_ verification: SourceVerification, _ request: SignedRequest, body: [UInt8], atNanoseconds: Int64) {
        description = verification.scheme.name
        self.verification = verification
        fields = request.fields
        if !request.query.isEmpty { fields.append((":query", request.query)) }
        if let token = request.pathToken { fields.append((":token", token)) }
        self.body = body
        receivedAtNanoseconds = atNanoseconds
    }

    var record: Record {
        Record(
            source: verification.source, fields: fields, body: body, receivedAtNanoseconds: receivedAtNanoseconds)
    }

    /// What a verifier of its own makes of it. Checks that nothing is appended to what is refused.
    func outcome(_ verifier: SourceVerifier? = nil) throws -> VerificationOutcome {
        let verifier = verifier ?? SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 1 << 20))
        var writer = ByteWriter()
        let outcome = try record.withView { view in
            verifier.verify(try #require(AcceptedWebhook(view)), into: &writer)
        }
        if case .refused(_, let detail) = outcome {
            #expect(writer.count == 0 && !detail.isEmpty)
        }
        return outcome
    }

    func isVerified(_ verifier: SourceVerifier? = nil) throws -> Bool {
        if case .refused = try outcome(verifier) { false } else { true }
    }

    func code() throws -> RejectionCode? {
        if case .refused(let code, _) = try outcome() { code } else { nil }
    }

    /// Whether a list also holds a wrong signature that does not count, so that its bytes may change.
    var holdsIgnoredSignature: Bool { fields.contains { $0.value.contains("AAAAAAAAAAAAAAAA") } }

    func with(_ change: (inout SignedVector) -> Void) -> SignedVector {
        var changed = self
        change(&changed)
        return changed
    }
}
