/// All that webhooks of one source must prove; everything that is named must hold.
package struct SourceVerification: Sendable {
    /// The source's name in the configuration.
    package var source: String
    package var scheme: VerificationScheme
    /// The keys of `scheme`.
    package var keys: SourceKeys
    /// What the last part of the path may be; nil: whatever it is.
    package var pathTokens: SourceKeys?
    /// Networks, as `203.0.113.0/24` or single addresses, that requests may come from; empty: from anywhere.
    package var addresses: [String]
    /// The URL up to the path under which providers reach the ingress, such as `https://gw.example.com`; empty where
    /// it is not configured. Schemes that sign the URL need it.
    package var publicURL: String
    /// Whether webhooks that a connector fetched are taken as genuine, because it authenticated itself where it fetched
    /// them. A signature that they have must be right all the same.
    package var isConnected: Bool

    package init(
        source: String, scheme: VerificationScheme, keys: SourceKeys = SourceKeys([]), pathTokens: SourceKeys? = nil,
        addresses: [String] = [], publicURL: String = "", isConnected: Bool = false
    ) {
        self.source = source
        self.scheme = scheme
        self.keys = keys
        self.pathTokens = pathTokens
        self.addresses = addresses
        self.publicURL = publicURL
        self.isConnected = isConnected
    }

    /// Whether nothing at all is proved.
    package var isUnverified: Bool { scheme.proof == .none && pathTokens == nil && addresses.isEmpty }
}
