import Wire

/// A secret that deliveries of a stored subscription are signed with.
package struct StoredSecret: Sendable, Equatable {
    package var bytes: [UInt8]
    package var createdAtNanoseconds: Int64
    /// Until when it signs beside a newer one; nil: for ever.
    package var notAfterNanoseconds: Int64?

    package init(bytes: [UInt8], createdAtNanoseconds: Int64, notAfterNanoseconds: Int64? = nil) {
        self.bytes = bytes
        self.createdAtNanoseconds = createdAtNanoseconds
        self.notAfterNanoseconds = notAfterNanoseconds
    }
}

/// A subscription that was made through the API.
package struct StoredSubscription: Sendable, Equatable {
    package var name: String
    /// The JSON document without its secrets.
    package var document: String
    /// Newest first.
    package var secrets: [StoredSecret]
    package var revision: Int
    package var createdAtNanoseconds: Int64
    package var updatedAtNanoseconds: Int64

    package init(
        name: String, document: String, secrets: [StoredSecret], revision: Int, createdAtNanoseconds: Int64,
        updatedAtNanoseconds: Int64
    ) {
        self.name = name
        self.document = document
        self.secrets = secrets
        self.revision = revision
        self.createdAtNanoseconds = createdAtNanoseconds
        self.updatedAtNanoseconds = updatedAtNanoseconds
    }
}

/// How secrets lie in their column: `u8` version (1), `u8` count, per secret `i64` created, `u8` whether it ends, `i64`
/// when, `u16` length, bytes.
enum SecretBlob {
    private static let version: UInt8 = 1

    static func encoded(_ secrets: [StoredSecret]) -> [UInt8] {
        precondition(secrets.count <= 255, "a subscription has a handful of secrets")
        var writer = ByteWriter(reservingBytes: 64 * (secrets.count + 1))
        writer.u8(version)
        writer.u8(UInt8(secrets.count))
        for secret in secrets {
            precondition(secret.bytes.count <= UInt16.max, "a secret is short")
            writer.i64(secret.createdAtNanoseconds)
            writer.u8(secret.notAfterNanoseconds == nil ? 0 : 1)
            writer.i64(secret.notAfterNanoseconds ?? 0)
            writer.u16(UInt16(secret.bytes.count))
            writer.raw(secret.bytes)
        }
        return writer.bytes
    }

    static func decoded(_ bytes: [UInt8]) throws -> [StoredSecret] {
        try bytes.withUnsafeBytes { raw in
            var reader = ByteReader(raw)
            guard try reader.u8() == version else { throw WireError.unknownVersion }
            return try (0..<(try reader.u8())).map { _ in
                let created = try reader.i64()
                let hasEnd = try reader.u8() == 1
                let end = try reader.i64()
                let secret = Array(try reader.bytes(Int(try reader.u16())))
                return StoredSecret(
                    bytes: secret, createdAtNanoseconds: created, notAfterNanoseconds: hasEnd ? end : nil)
            }
        }
    }
}
