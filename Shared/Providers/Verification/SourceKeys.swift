/// One secret of a source as configured: an optional id (Stream: the API key) and the resolved value.
package struct SourceSecret: Sendable, CustomStringConvertible {
    package var id: String?
    package var value: [UInt8]

    package init(id: String? = nil, value: [UInt8]) {
        self.id = id
        self.value = value
    }

    /// Never the value: descriptions end up in logs.
    package var description: String { "secret \(id ?? "without id")" }
}

/// One key made of a configured secret.
package struct SourceKey: Sendable, CustomStringConvertible {
    /// The configured id, or the secret's place in the list, counting from 0. Travels in the verification.
    package let id: String
    /// The bytes that key the MAC.
    package let bytes: [UInt8]

    package init(id: String, bytes: [UInt8]) {
        self.id = id
        self.bytes = bytes
    }

    /// Never the bytes: descriptions end up in logs.
    package var description: String { "key \(id)" }
}

/// The keys of one source. Several may be valid at once, so that secrets can be rotated without refusing a request.
package struct SourceKeys: Sendable {
    package let keys: [SourceKey]

    package init(_ keys: [SourceKey]) {
        self.keys = keys
    }
}

/// What is wrong with a source's configured secrets.
package struct SourceKeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Stable word for this kind of error.
    package let code: String
    /// Place of the secret in the source's list, counting from 0; nil where the list itself is meant.
    package let index: Int?
    /// What is wrong, why, and how to put it right; never holds a secret.
    package let description: String

    package static func noSecrets(provider: String) -> SourceKeyError {
        SourceKeyError(
            code: "secrets_missing", index: nil,
            description: "a \(provider) source has no secrets, so no webhook of it could ever be verified: "
                + "name at least one under `secrets`")
    }

    package static func empty(index: Int) -> SourceKeyError {
        SourceKeyError(
            code: "secret_empty", index: index,
            description: "secret \(index) is empty, so anybody could sign with it: set the variable or file it names")
    }

    package static func idMissing(index: Int) -> SourceKeyError {
        SourceKeyError(
            code: "secret_id_missing", index: index,
            description: "secret \(index) has no `id`: Stream's X-API-KEY selects the secret, so set `id` to the API "
                + "key of the app that the secret belongs to")
    }

    package static func notBase64(index: Int) -> SourceKeyError {
        SourceKeyError(
            code: "secret_not_base64", index: index,
            description: "secret \(index) is not base64, but FastPix signs with the base64-decoded secret: copy the "
                + "signing secret from the dashboard as it is shown, without quotes or spaces")
    }
}
