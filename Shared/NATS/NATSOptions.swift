/// How a connection to one server of NATS is made.
package struct NATSOptions: Sendable {
    /// PEM; `ca` replaces the authorities that the system trusts, `certificate` and `key` belong together.
    package struct TLS: Sendable, Equatable {
        package var ca: String?
        package var certificate: String?
        package var key: String?

        package init(ca: String? = nil, certificate: String? = nil, key: String? = nil) {
            (self.ca, self.certificate, self.key) = (ca, certificate, key)
        }
    }

    /// How the client proves itself.
    package enum Login: Sendable, Equatable {
        case none
        case user(name: String, password: String)
        case token(String)
        /// An NKey: the public key `U…` and the seed `SU…` of the private one.
        case nkey(publicKey: String, seed: String)
        /// What a `.creds` file holds.
        case credentials(jwt: String, seed: String)
    }

    /// Without brackets; connections go there and nowhere else, no name is looked up.
    package var address: String
    package var port: Int
    /// Nil: unencrypted.
    package var tls: TLS?
    /// Whose certificate it must be.
    package var serverName: String
    package var login = Login.none
    /// What the server shows for this connection.
    package var name: String
    /// For TCP, TLS and the protocol's own greeting together.
    package var timeoutMilliseconds: Int64

    package init(address: String, port: Int, serverName: String, name: String, timeoutMilliseconds: Int64) {
        (self.address, self.port, self.serverName) = (address, port, serverName)
        (self.name, self.timeoutMilliseconds) = (name, timeoutMilliseconds)
    }
}

extension NATSOptions.Login {
    /// Reads a `.creds` file as `nsc` writes it: the user's JWT and the seed, each between lines of dashes. Nil where one
    /// of them is missing.
    package static func credentials(file: String) -> NATSOptions.Login? {
        func block(_ name: String) -> String? {
            let lines = file.split(whereSeparator: \.isNewline)
            guard let start = lines.firstIndex(where: { $0.contains("BEGIN \(name)") }) else { return nil }
            let text = lines[lines.index(after: start)...].prefix { !$0.contains("END \(name)") }.joined()
            return text.isEmpty || text.utf8.contains(where: { $0 <= 0x20 || $0 > 0x7E }) ? nil : text
        }
        guard let jwt = block("NATS USER JWT"), let seed = block("USER NKEY SEED") else { return nil }
        return .credentials(jwt: jwt, seed: seed)
    }
}
