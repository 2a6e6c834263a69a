package import Executable
import Primitives

/// The event log, the deliveries and the control API.
package struct RouterConfiguration: Sendable {
    /// Where the control API listens; nil: on the admin socket only.
    package let listen: ListenAddress?
    /// With it the control API speaks TLS only.
    package let tls: ListenerTLS?
    /// Who may use the control API at `listen`.
    package let apiTokens: [APITokenConfiguration]
    /// The URL under which the control API is reached, such as `https://api.example.com`; empty where it is not
    /// configured.
    package let publicURL: String
    /// Networks in CIDR notation to which deliveries may go although they are not global.
    package let egressAllow: [String]
    /// The HTTP proxy that every delivery passes (CONNECT); nil: none.
    package let egressProxy: EgressProxyConfiguration?
    /// Whether deliveries may go unencrypted to every address, not only to those that `egressAllow` names.
    package let allowHTTP: Bool
    package let eventLogBudgetBytes: Int
    package let retentionHours: Double
    package let dedupeWindowHours: Double
    /// How many event ids are remembered for dropping duplicates.
    package let dedupeIds: Int
    /// Positions below a lane's cursor that may be unfinished before the lane stops reading.
    package let maxUnfinished: Int
    package let quarantine: QuarantineConfiguration
    package let metricsListen: ListenAddress?
}

/// The HTTP proxy that deliveries pass.
package struct EgressProxyConfiguration: Sendable {
    /// Plain http, without a path.
    package let url: EndpointURL
    /// Both or none of them are there.
    package let username: String?
    package let password: SecretReference?
}

/// Somebody who may use the control API.
package struct APITokenConfiguration: Sendable {
    /// What is known of the token.
    package enum Secret: Sendable {
        case reference(SecretReference)
        /// The SHA-256 of the token, 32 bytes.
        case sha256([UInt8])
    }

    /// For the log and for metrics; unique.
    package let name: String
    /// Out of `read`, `write` and `replay`; never empty.
    package let scopes: Set<String>
    package let secret: Secret

    /// Every scope there is.
    package static let allScopes = ["read", "write", "replay"]

    /// Where the token is to be found; nil where only its hash is known.
    package var reference: SecretReference? {
        if case .reference(let reference) = secret { reference } else { nil }
    }

    /// Of what a bearer token may be made: RFC 6750 section 2.1.
    package static func isTokenByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-._~+/=".utf8.contains(byte)
    }
}

/// What is kept of refused webhooks. Each source has it twice: for what failed verification, which anybody can send, and
/// for what was refused after it.
package struct QuarantineConfiguration: Sendable, Equatable {
    package let maxWebhooks: Int
    package let maxBytes: Int
    package let maxAgeSeconds: Double
    /// For all sources together; each gets an equal part at most.
    package let totalBytes: Int
}

extension RouterConfiguration {
    /// What is configured and has no effect; said by `tributary check` and at the router's start.
    package var warnings: [String] {
        guard listen == nil, !apiTokens.isEmpty else { return [] }
        return ["router.api_tokens: nothing listens for them; the control API needs router.listen"]
    }

    /// Why deliveries to a URL can never be made, because it is unencrypted and names a global address; nil where they
    /// can. Names are judged when they are resolved.
    package func plainHTTPRefusal(_ url: EndpointURL) -> String? {
        guard !url.isTLS, !allowHTTP, let address = IPAddress(url.host), address.isGlobal,
            !address.lies(inAnyOf: egressNetworks)
        else { return nil }
        return "unencrypted deliveries go only to addresses that router.egress_allow names, and \(url.host) is none; "
            + "use https, or set router.allow_http: true"
    }

    /// Why deliveries to a URL cannot be made, as far as the configuration alone says it: its host is on this machine or
    /// in a private network, or it is unencrypted, and `egressAllow` does not name it; nil where they can.
    package func egressRefusal(_ url: EndpointURL) -> String? {
        // What a proxy resolves is judged when it is asked.
        guard egressProxy == nil else { return nil }
        let isThisMachine = url.host == "localhost" || url.host.hasSuffix(".localhost")
        let literals = (isThisMachine ? ["127.0.0.1", "::1"] : [url.host]).compactMap { IPAddress($0) }
        let isAllowed = literals.contains { $0.lies(inAnyOf: egressNetworks) }
        if !literals.isEmpty, !isAllowed, !literals.contains(where: \.isGlobal) {
            return
                "nothing will be delivered: \(url.host) is not a global address, and router.egress_allow does not name "
                + "it; add its network, such as \"\(isThisMachine ? "127.0.0.0/8" : Self.network(of: url.host))\""
        }
        if literals.isEmpty, !url.isTLS, !allowHTTP, egressAllow.isEmpty {
            return
                "nothing will be delivered: unencrypted deliveries go only to addresses that router.egress_allow names, "
                + "and it names none; use https, name the network, or set router.allow_http: true"
        }
        return nil
    }

    private var egressNetworks: [IPNetwork] { egressAllow.compactMap { IPNetwork($0, ignoringHostBits: true) } }

    /// The network that holds this address alone.
    private static func network(of host: String) -> String { host.contains(":") ? "\(host)/128" : "\(host)/32" }
}
