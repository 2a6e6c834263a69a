import Primitives
import Wire

/// Turns the configured secrets of a source into keys of its scheme.
package enum SourceKeyring {
    /// The key of each secret, in order. `provider` is for sentences. Throws what is wrong with the first that cannot
    /// be one; never with a secret in the words.
    package static func keys(
        _ secrets: [SourceSecret], for scheme: VerificationScheme, provider: String
    ) throws(SourceKeyError) -> SourceKeys {
        if scheme.proof == .none {
            guard secrets.isEmpty else { throw .unused(provider: provider) }
            return SourceKeys([])
        }
        guard !secrets.isEmpty else { throw .noSecrets(provider: provider) }
        var keys: [SourceKey] = []
        for (index, secret) in secrets.enumerated() {
            guard !secret.value.isEmpty else { throw .empty(index: index) }
            let named = try named(secret, index, scheme)
            let (bytes, isPublic) = try key(secret.value, index, scheme)
            guard !bytes.isEmpty else { throw .empty(index: index) }
            keys.append(SourceKey(id: named, bytes: bytes, validity: secret.validity, isPublic: isPublic))
        }
        return SourceKeys(keys)
    }

    private static func named(
        _ secret: SourceSecret, _ index: Int, _ scheme: VerificationScheme
    ) throws(SourceKeyError) -> String {
        if let id = secret.id, !id.isEmpty { return id }
        switch scheme.proof {
        case .signature(let signature):
            if let field = signature.keyField { throw .idMissing(index: index, selectedBy: field) }
        case .jwt(let token):
            if let name = token.keyName { throw .idMissing(index: index, selectedBy: name) }
        case .token, .none: break
        }
        return String(index)
    }

    private static func key(
        _ value: [UInt8], _ index: Int, _ scheme: VerificationScheme
    ) throws(SourceKeyError) -> (bytes: [UInt8], isPublic: Bool) {
        switch scheme.proof {
        case .none, .jwt:
            return (value, false)
        case .token(let place):
            guard place != .basic || value.contains(UInt8(ascii: ":")) else { throw .notBasic(index: index) }
            return (value, false)
        case .signature(let signature):
            let isPublic = signature.signatures.allSatisfy { $0.algorithm == .ed25519 }
            switch signature.keyForm {
            case .text:
                return try checked(value, isPublic: isPublic, index)
            case .base64:
                guard let bytes = Base64.decode(unpadded: value) else {
                    throw .notBase64(index: index, scheme: scheme.name, mistake: SecretMistake.found(in: value))
                }
                return try checked(bytes, isPublic: isPublic, index)
            case .hex:
                guard let bytes = Hexadecimal.decode(value) else {
                    throw .notHexadecimal(index: index, scheme: scheme.name, mistake: SecretMistake.found(in: value))
                }
                return try checked(bytes, isPublic: isPublic, index)
            case .standardWebhooks:
                return try standardWebhooks(value, index, scheme)
            }
        }
    }

    private static func standardWebhooks(
        _ value: [UInt8], _ index: Int, _ scheme: VerificationScheme
    ) throws(SourceKeyError) -> (bytes: [UInt8], isPublic: Bool) {
        let key = StandardWebhooksKey(value)
        if key.kind == .privateKey { throw .privateKey(index: index) }
        guard let bytes = Base64.decode(unpadded: key.base64) else {
            throw .notBase64(index: index, scheme: scheme.name, mistake: SecretMistake.found(in: value))
        }
        return try checked(bytes, isPublic: key.kind == .publicKey, index)
    }

    private static func checked(
        _ bytes: [UInt8], isPublic: Bool, _ index: Int
    ) throws(SourceKeyError) -> (bytes: [UInt8], isPublic: Bool) {
        guard !isPublic || bytes.count == SourceKey.publicKeyBytes else { throw .notPublicKey(index: index) }
        return (bytes, isPublic)
    }

    /// Sentences about secrets that can be keys but probably are not what was meant, or are easily guessed.
    package static func warnings(_ secrets: [SourceSecret], for scheme: VerificationScheme) -> [String] {
        guard scheme.proof != .none else { return [] }
        return secrets.enumerated().compactMap { index, secret in
            let name = secret.id.map { "secret \($0)" } ?? "secret \(index)"
            if isText(scheme), let mistake = SecretMistake.found(in: secret.value) {
                return "\(name) \(mistake.sentence); it is used as it is"
            }
            guard let (bytes, isPublic) = try? key(secret.value, index, scheme), !isPublic, bytes.count < weakBytes
            else { return nil }
            return "\(name) has fewer than \(weakBytes) bytes and can be guessed: ask the provider for a longer one"
        }
    }

    private static let weakBytes = 16

    private static func isText(_ scheme: VerificationScheme) -> Bool {
        switch scheme.proof {
        case .signature(let signature): signature.keyForm == .text
        case .jwt, .token: true
        case .none: false
        }
    }
}

/// What operators do to secrets without meaning to.
package enum SecretMistake {
    case quoted, spaced, newline, prefixed, marked

    package static func found(in value: [UInt8]) -> SecretMistake? {
        guard let first = value.first, let last = value.last else { return nil }
        if last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { return .newline }
        if value.starts(with: [0xEF, 0xBB, 0xBF]) || value.starts(with: [0xFF, 0xFE])
            || value.starts(with: [0xFE, 0xFF])
        {
            return .marked
        }
        let quotes = [UInt8(ascii: "\""), UInt8(ascii: "'")]
        if value.count > 1, quotes.contains(first), first == last { return .quoted }
        let spaces = Array(" \t\r\n".utf8)
        if spaces.contains(first) || spaces.contains(last) { return .spaced }
        return StandardWebhooksKey.isPrefixed(value, as: .shared) ? .prefixed : nil
    }

    package var sentence: String {
        switch self {
        case .quoted: "stands in quotes, which the provider does not show with it"
        case .spaced: "begins or ends with a space"
        case .newline: "ends with a line break, as files written with `echo` do"
        case .marked: "begins with a byte order mark, which some editors put before a text"
        case .prefixed: "begins with `whsec_`, which belongs to the scheme standard-webhooks"
        }
    }
}
