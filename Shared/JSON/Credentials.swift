/// Where the payloads of one provider carry credentials: what no subscriber may see. Each provider has one such table, in
/// every spelling and generation of its API.
///
/// On top of the table, every string is hidden that is a credential by its form: a JSON Web Token, a URL with a password,
/// a token or a signature in it, or with a stream key (`CSimdJSON/credentials.hpp`).
package struct Credentials: Sendable, Equatable {
    /// Places as `JSONReader` takes them: JSON Pointers, paths with dots, `**.key`.
    package let places: [String]
    /// Places where neither a `**.key` nor a value's form counts: what the application sent through the provider, which is
    /// its own business, and links that are what the event is for (a recording's, valid for a while).
    package let left: [String]
    /// Whether values are judged by their form.
    package let judgesForm: Bool

    /// `names`: keys in snake case that hold credentials at any depth, beside those that do so everywhere; `spellings`:
    /// how this provider writes keys. `places`: more places, as they are written.
    package init(
        _ names: [String] = [], spellings: [Spelling] = [.snake], places: [String] = [], left: [String] = []
    ) {
        let everywhere = (Self.names + names).flatMap { name in spellings.map { "**." + $0.write(name) } }
        var unique: Set<String> = []
        self.places = (places + everywhere).filter { unique.insert($0).inserted }
        self.left = left
        judgesForm = true
    }

    /// A table of places alone.
    package init(only places: [String]) {
        self.places = places
        left = []
        judgesForm = false
    }

    /// The table with more places, which a source's configuration names.
    package func adding(_ places: [String]) -> Credentials {
        Credentials(places: self.places + places, left: left, judgesForm: judgesForm)
    }

    private init(places: [String], left: [String], judgesForm: Bool) {
        self.places = places
        self.left = left
        self.judgesForm = judgesForm
    }

    /// How a provider writes the words of a key.
    package enum Spelling: Sendable {
        /// `stream_key`
        case snake
        /// `streamKey`
        case camel
        /// `StreamKey`
        case pascal

        func write(_ name: String) -> String {
            if self == .snake { return name }
            let words = name.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }
            let joined = words.joined()
            return self == .pascal ? joined : joined.prefix(1).lowercased() + joined.dropFirst()
        }
    }

    /// Keys that hold a credential whoever sends them.
    private static let names = [
        "access_key", "access_key_id", "access_token", "account_key", "api_key", "api_secret", "auth_token",
        "authorization", "bearer_token", "client_secret", "credential", "credentials", "id_token", "jwt", "passcode",
        "passphrase", "password", "private_key", "refresh_token", "sas_token", "secret", "secret_access_key",
        "secret_key", "session_token", "share_token", "signing_key", "signing_secret", "srt_passphrase", "srt_secret",
        "stream_key", "token",
    ]
}
