/// A key as Standard Webhooks writes it (standard-webhooks/standard-webhooks@b2fa7b87, spec/standard-webhooks.md): base64
/// behind a prefix that says what it is.
package struct StandardWebhooksKey: Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        /// For HMAC-SHA256, `v1`. The prefix may be left out.
        case shared = "whsec_"
        /// Of Ed25519, `v1a`.
        case publicKey = "whpk_"
        /// The seed of an Ed25519 key.
        case privateKey = "whsk_"
    }

    package let kind: Kind
    /// Behind the prefix; what it spells is not looked at.
    package let base64: ArraySlice<UInt8>

    package init(_ text: [UInt8]) {
        let named = Kind.allCases.first { text.starts(with: $0.rawValue.utf8) }
        kind = named ?? .shared
        base64 = text.dropFirst(named?.rawValue.utf8.count ?? 0)
    }

    /// Whether the text begins with the prefix of that kind.
    package static func isPrefixed(_ text: [UInt8], as kind: Kind) -> Bool { text.starts(with: kind.rawValue.utf8) }

    /// How a key of that kind is written.
    package static func text(_ kind: Kind, _ bytes: [UInt8]) -> String {
        kind.rawValue + bytes.withUnsafeBytes { Base64.encode($0) }
    }
}
