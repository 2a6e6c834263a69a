/// One secret of a source as configured: an optional id (Stream: the API key) and the resolved value.
package struct SourceSecret: Sendable, CustomStringConvertible {
    package var id: String?
    package var value: [UInt8]
    /// When it counts.
    package var validity: KeyValidity

    package init(id: String? = nil, value: [UInt8], validity: KeyValidity = .always) {
        self.id = id
        self.value = value
        self.validity = validity
    }

    /// Never the value: descriptions end up in logs.
    package var description: String { "secret \(id ?? "without id")" }
}

/// One key made of a configured secret.
package struct SourceKey: Sendable, CustomStringConvertible {
    /// The configured id, or the secret's place in the list, counting from 0. Requests that name their key name this.
    package let id: String
    /// What the key is called in verifications, metrics and logs: its id, or, of a later key with the same id,
    /// `id#2`, `id#3` …
    package fileprivate(set) var label: String
    /// The bytes that key the MAC, the public key, or the shared secret itself.
    package let bytes: [UInt8]
    /// When it counts, judged against received-at.
    package let validity: KeyValidity
    /// Whether the bytes are an Ed25519 public key.
    package let isPublic: Bool

    package init(id: String, bytes: [UInt8], validity: KeyValidity = .always, isPublic: Bool = false) {
        self.id = id
        label = id
        self.bytes = bytes
        self.validity = validity
        self.isPublic = isPublic
    }

    /// An Ed25519 public key (RFC 8032, 5.1.5).
    static let publicKeyBytes = 32

    /// Never the bytes: descriptions end up in logs.
    package var description: String { "key \(label)" }
}

/// The time during which a key counts: nanoseconds since 1970, judged against received-at.
package struct KeyValidity: Sendable, Equatable {
    /// First instant; nil: since ever.
    package var notBeforeNanoseconds: Int64?
    /// First instant after it; nil: for ever.
    package var notAfterNanoseconds: Int64?

    package init(notBeforeNanoseconds: Int64? = nil, notAfterNanoseconds: Int64? = nil) {
        self.notBeforeNanoseconds = notBeforeNanoseconds
        self.notAfterNanoseconds = notAfterNanoseconds
    }

    package static let always = KeyValidity()

    package func holds(at nanoseconds: Int64) -> Bool {
        nanoseconds >= notBeforeNanoseconds ?? .min && notAfterNanoseconds.map { nanoseconds < $0 } ?? true
    }
}

/// The keys of one source. Several may be valid at once, so that secrets can be rotated without refusing a request.
package struct SourceKeys: Sendable {
    package let keys: [SourceKey]

    package init(_ keys: [SourceKey]) {
        self.keys = keys
    }

    /// The keys with a label each: during a rotation the old and the new one have the same id, and it must be seen which
    /// of them still matches.
    package var toldApart: SourceKeys {
        var ids: Set<String> = []
        var labels = Set(keys.map(\.id))
        return SourceKeys(
            keys.map { key in
                var labelled = key
                var number = ids.insert(key.id).inserted ? 1 : 2
                while number > 1 {
                    labelled.label = "\(key.id)#\(number)"
                    number = labels.insert(labelled.label).inserted ? 1 : number + 1
                }
                return labelled
            })
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

    private init(_ code: String, _ index: Int?, _ description: String) {
        (self.code, self.index, self.description) = (code, index, description)
    }

    package static func noSecrets(provider: String) -> SourceKeyError {
        SourceKeyError(
            "secrets_missing", nil,
            "a \(provider) source has no secrets, so no webhook of it could ever be verified: "
                + "name at least one under `secrets`")
    }

    package static func empty(index: Int) -> SourceKeyError {
        SourceKeyError(
            "secret_empty", index,
            "secret \(index) is empty, so anybody could sign with it: set the variable or file it names")
    }

    package static func unused(provider: String) -> SourceKeyError {
        SourceKeyError(
            "secrets_unused", nil,
            "a \(provider) source has secrets, but its verification `none` looks at nothing: name the "
                + "scheme that they belong to, or take them away")
    }

    package static func idMissing(index: Int, selectedBy field: String) -> SourceKeyError {
        SourceKeyError(
            "secret_id_missing", index,
            "secret \(index) has no `id`: \(field) selects the secret, so set `id` to the API key that "
                + "the secret belongs to")
    }

    static func notBase64(index: Int, scheme: String, mistake: SecretMistake?) -> SourceKeyError {
        SourceKeyError(
            "secret_not_base64", index,
            "secret \(index) \(mistake?.sentence ?? "is not base64"), but \(scheme) signs with the "
                + "base64-decoded secret: copy the signing secret as the provider shows it, without quotes or spaces")
    }

    static func notHexadecimal(index: Int, scheme: String, mistake: SecretMistake?) -> SourceKeyError {
        SourceKeyError(
            "secret_not_hexadecimal", index,
            "secret \(index) \(mistake?.sentence ?? "is not hexadecimal"), but the keys of \(scheme) are "
                + "pairs of hexadecimal digits: copy the secret as the provider shows it, without quotes or spaces")
    }

    package static func notBasic(index: Int) -> SourceKeyError {
        SourceKeyError(
            "secret_not_basic", index,
            "secret \(index) has no colon, but HTTP Basic needs name and password: write it as "
                + "`name:password`, without base64")
    }

    package static func notPublicKey(index: Int) -> SourceKeyError {
        SourceKeyError(
            "secret_not_public_key", index,
            "secret \(index) is no Ed25519 public key, which has 32 bytes: copy the public key that the "
                + "provider shows for checking signatures")
    }

    package static func privateKey(index: Int) -> SourceKeyError {
        SourceKeyError(
            "secret_private_key", index,
            "secret \(index) begins with `whsk_`, so it is the sender's private key, which only the sender "
                + "should have: configure the public key, which begins with `whpk_`")
    }
}
