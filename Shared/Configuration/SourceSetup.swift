package import Executable
import Providers
package import VerificationSchemes

extension SourceConfiguration {
    /// How webhooks of this source prove where they come from, as far as the configuration alone says it.
    package var scheme: VerificationScheme {
        if let verification, verification.proof != .none { return verification }
        if verification == nil, let own = ProviderRegistry.provider(named: provider)?.ownScheme, !secrets.isEmpty {
            return own
        }
        if !pathTokens.isEmpty { return SchemePresets.pathToken }
        if isFetchedOnly { return VerificationScheme("connector", .none) }
        // A name of its own, so that no view shows a source as open that takes requests from few places only.
        return addresses.isEmpty ? .none : VerificationScheme("address", .none)
    }

    /// Whether anybody who knows the URL can send events.
    package var isUnverified: Bool { scheme.proof == .none && addresses.isEmpty && !isFetchedOnly }

    /// Whether nothing proves webhooks that come in over HTTP, so that those of a connector alone are taken.
    private var isFetchedOnly: Bool {
        isConnected && verification == nil && secrets.isEmpty && pathTokens.isEmpty && addresses.isEmpty
    }

    /// The scheme with what must hold beside it, for people: `stream, path-token, address`.
    package var schemeText: String {
        var parts = [scheme.name]
        if !pathTokens.isEmpty, scheme.proof != .token(.path) { parts.append("path-token") }
        if !addresses.isEmpty, scheme.name != "address" { parts.append("address") }
        return parts.joined(separator: ", ")
    }

    /// The verification with its keys. `resolve` reads a secret; what it throws is thrown on. A secret that the scheme
    /// cannot use is a failure that names the source, never the secret.
    package func verification(
        publicURL: String, resolve: (SecretReference) throws(StageFailure) -> [UInt8]
    ) throws(StageFailure) -> SourceVerification {
        let scheme = scheme
        let isByPath = scheme.proof == .token(.path)
        // An empty list of tokens lets nobody in.
        let tokens =
            isFetchedOnly
            ? SourceKeys([])
            : pathTokens.isEmpty ? nil : try keys(pathTokens, SchemePresets.pathToken, "path_tokens", resolve)
        var keys = SourceKeys([])
        if isByPath {
            keys = tokens ?? keys
        } else if scheme.proof != .none {
            keys = try self.keys(secrets, scheme, "secrets", resolve)
        }
        return SourceVerification(
            source: name, scheme: scheme, keys: keys, pathTokens: isByPath ? nil : tokens, addresses: addresses,
            publicURL: publicURL, isConnected: isConnected)
    }

    private func keys(
        _ configured: [ConfiguredSecret], _ scheme: VerificationScheme, _ list: String,
        _ resolve: (SecretReference) throws(StageFailure) -> [UInt8]
    ) throws(StageFailure) -> SourceKeys {
        var secrets: [SourceSecret] = []
        for secret in configured {
            secrets.append(
                SourceSecret(id: secret.id, value: try resolve(secret.value), validity: secret.validity))
        }
        do throws(SourceKeyError) {
            return try SourceKeyring.keys(secrets, for: scheme, provider: provider).toldApart
        } catch {
            throw StageFailure(.configuration, "source \(name), \(list): \(error.description)")
        }
    }
}

extension SourceVerification {
    /// Keys that can be guessed by trying: their ids, shortest first.
    package var weakKeys: [SourceKey] {
        (keys.keys + (pathTokens?.keys ?? [])).filter { !$0.isPublic && $0.bytes.count < Self.strongKeyBytes }
            .sorted { $0.bytes.count < $1.bytes.count }
    }

    /// Half of what an HMAC-SHA256 makes use of; whoever has one signed webhook can try shorter keys offline.
    package static let strongKeyBytes = 16
}

extension TributaryConfiguration {
    /// The lower-case header fields that hold a token or signature of some source: views of heads hide them.
    package var tokenFields: [String] {
        sources.flatMap { source -> [String] in
            switch source.scheme.proof {
            case .token(.field(let field, _)): [field]
            case .signature(let scheme): scheme.signatures.map(\.field)
            case .jwt(let scheme): [scheme.field]
            case .none, .token: []
            }
        }
    }
}
