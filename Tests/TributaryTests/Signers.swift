import Events
import Gzip
import Providers
import StageMetrics
import Testing
import Verification
import VerificationSchemes
import WebhookSamples
import Wire

@testable import Tributary

/// Keys for every provider that signs, and the real verifier to judge what is signed with them.
enum Signers {
    /// The providers with samples that sign.
    static let signing = SampleCatalogue.all.map(\.provider).filter { name in
        switch ProviderRegistry.provider(named: name)?.signing {
        case .always, .optional: true
        case .never, nil: false
        }
    }

    /// The provider's own verification with one key of the id `key`.
    static func verification(
        _ name: String, id: String? = "key", secret: [UInt8] = SampleLibrary.fastPixSecret
    ) throws -> SourceVerification {
        let provider = try #require(ProviderRegistry.provider(named: name))
        let scheme: VerificationScheme
        switch provider.signing {
        case .always(let own), .optional(let own): scheme = own
        case .never: scheme = VerificationScheme.none
        }
        let keys = try SourceKeyring.keys([SourceSecret(id: id, value: secret)], for: scheme, provider: name)
        return SourceVerification(
            source: name, scheme: scheme, keys: keys, publicURL: "https://gw.example.com")
    }

    static func signer(_ name: String, id: String, secret: [UInt8]) throws -> WebhookSigner {
        WebhookSigner(try verification(name, id: id, secret: secret), at: wallNanoseconds())
    }

    /// What the verifier says of a webhook received now.
    static func verify(
        _ webhook: SampleWebhook, _ verification: SourceVerification, pathToken: String? = nil
    ) throws -> VerificationOutcome {
        var fields = webhook.headers
        if !webhook.query.isEmpty { fields.append((RequestHead.query, webhook.query)) }
        if let pathToken { fields.append((RequestHead.pathToken, pathToken)) }
        var record = Record(
            source: verification.source, fields: fields, body: webhook.body, receivedAtNanoseconds: wallNanoseconds())
        let verifier = SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 1 << 20))
        let outcome = try record.pass { view, writer in
            AcceptedWebhook(view).map { verifier.verify($0, into: &writer) }
        }
        return try #require(outcome)
    }
}
