import Executable
import LibCrypto
import PipelineConfiguration
import Synchronization

/// Who may use the control API over TCP. Keeps SHA-256 sums only; they can be replaced while requests come in.
final class APITokens: Sendable {
    /// One token.
    struct Entry: Sendable {
        let name: String
        let scopes: Set<APIScope>
        /// The SHA-256 of the token.
        let digest: [UInt8]
    }

    private let entries: Mutex<[Entry]>

    init(_ entries: [Entry]) {
        self.entries = Mutex(entries)
    }

    /// Resolves what is configured. Throws where a secret is not to be had.
    static func read(_ configured: [APITokenConfiguration]) throws(StageFailure) -> [Entry] {
        var entries: [Entry] = []
        for token in configured {
            let digest: [UInt8]
            switch token.secret {
            case .sha256(let bytes): digest = bytes
            case .reference(let reference):
                let token: [UInt8]
                do {
                    token = try reference.resolve()
                } catch {
                    throw StageFailure(.configuration, "the control API needs a token: \(error)")
                }
                guard token.allSatisfy(APITokenConfiguration.isTokenByte) else {
                    throw StageFailure(
                        .configuration,
                        "\(reference.keyPath): a bearer token has letters, digits and -._~+/= only (RFC 6750)")
                }
                digest = token.withUnsafeBytes { SHA256Digest.of($0) }
            }
            entries.append(
                Entry(name: token.name, scopes: Set(token.scopes.compactMap(APIScope.init)), digest: digest))
        }
        return entries
    }

    /// From now on these count and no others.
    func replace(_ entries: [Entry]) {
        self.entries.withLock { $0 = entries }
    }

    /// Checks `Authorization: Bearer …` (RFC 6750) against what an operation needs. Returns what its token may do. Throws
    /// 401 or 403.
    func authorise(_ authorization: String?, for operation: APIOperation) throws(APIProblem) -> Set<APIScope> {
        guard let scope = operation.scope else { return [] }
        guard let authorization else {
            throw APIProblem(
                .unauthorized, "\(operation.id) needs Authorization: Bearer with one of router.api_tokens",
                fields: [("www-authenticate", "Bearer realm=\"tributary\"")])
        }
        guard let entry = Self.token(authorization).flatMap(find) else {
            throw APIProblem(
                .unauthorized, "the Authorization is not Bearer with one of router.api_tokens",
                fields: [("www-authenticate", "Bearer realm=\"tributary\", error=\"invalid_token\"")])
        }
        guard entry.scopes.contains(scope) else {
            throw APIProblem(
                .forbidden, "\(operation.id) needs the scope \(scope.rawValue), which the token \(entry.name) lacks",
                fields: [
                    (
                        "www-authenticate",
                        "Bearer realm=\"tributary\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\""
                    )
                ])
        }
        return entry.scopes
    }

    /// Looks at all of them, each to its end, so that the time says nothing of what is right in a guess.
    private func find(_ token: Substring) -> Entry? {
        let digest = Array(token.utf8).withUnsafeBytes { SHA256Digest.of($0) }
        var found: Entry?
        for entry in entries.withLock({ $0 }) {
            var difference: UInt8 = entry.digest.count == digest.count ? 0 : 1
            for (one, other) in zip(entry.digest, digest) { difference |= one ^ other }
            if difference == 0 { found = entry }
        }
        return found
    }

    /// The scheme's name is in any case (RFC 9110, section 11.1).
    private static func token(_ authorization: String) -> Substring? {
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return parts[1]
    }
}
