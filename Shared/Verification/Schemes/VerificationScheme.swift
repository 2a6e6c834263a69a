package import Primitives

/// How webhooks of a source prove where they come from, as data: `SourceVerifier` carries it out.
package struct VerificationScheme: Sendable, Equatable {
    /// The word in the envelope's verification, in status and in metrics.
    package var name: String
    package var proof: Proof

    package init(_ name: String, _ proof: Proof) {
        self.name = name
        self.proof = proof
    }

    package enum Proof: Sendable, Equatable {
        /// Nothing is checked; it must be asked for in so many words.
        case none
        /// One or more signatures over content of the request.
        case signature(SignatureScheme)
        /// A JSON Web Token that names the body's hash, or what its holder may do.
        case jwt(JWTScheme)
        /// A secret that travels along.
        case token(TokenPlace)
    }

    /// No check at all.
    package static let none = VerificationScheme("none", .none)
}

/// Signatures over content of the request.
package struct SignatureScheme: Sendable, Equatable {
    /// Where signatures may be. Each field that the request has, and that there is a key for, must hold one that is
    /// right; it must have at least one.
    package var signatures: [SignatureField]
    package var keyForm: KeyForm
    /// What is signed, piece by piece.
    package var content: [ContentPart]
    package var timestamp: TimestampField?
    /// How far the time stamp may lie from received-at, before or after; nil: as far as it likes.
    package var toleranceSeconds: Int?
    /// The lower-case field that names the key by its id; nil: every key is tried.
    package var keyField: String?
    /// Whether a compressed body was signed before it was compressed.
    package var signsInflatedBody: Bool
    /// A query parameter that holds the body's SHA-256 in hexadecimal and must be right, where the request has it.
    package var bodyDigestParameter: String?
    package var challenge: Challenge?
    /// The lower-case field in which the sender names the webhook; where it is not signed, the content is named besides.
    package var idField: String?

    package init(
        _ signatures: [SignatureField], keyForm: KeyForm, content: [ContentPart] = [.body],
        timestamp: TimestampField? = nil, toleranceSeconds: Int? = nil, keyField: String? = nil,
        signsInflatedBody: Bool = false, bodyDigestParameter: String? = nil, challenge: Challenge? = nil,
        idField: String? = nil
    ) {
        self.signatures = signatures
        self.keyForm = keyForm
        self.content = content
        self.timestamp = timestamp
        self.toleranceSeconds = toleranceSeconds
        self.keyField = keyField
        self.signsInflatedBody = signsInflatedBody
        self.bodyDigestParameter = bodyDigestParameter
        self.challenge = challenge
        self.idField = idField
    }

    /// Whether a recorded request can be sent again under another id and still prove itself: nothing that is signed
    /// tells when it was made, nor what its sender calls it.
    package var namesContent: Bool {
        guard timestamp == nil, let idField else { return false }
        return !content.contains(.field(idField))
    }
}

/// Where one signature is and how it is written.
package struct SignatureField: Sendable, Equatable {
    package enum Algorithm: String, Sendable, CaseIterable {
        case hmacSHA1 = "hmac-sha1"
        case hmacSHA256 = "hmac-sha256"
        case hmacSHA512 = "hmac-sha512"
        case ed25519
    }

    package enum Encoding: String, Sendable, CaseIterable {
        /// Digits of either case.
        case hex
        /// The standard alphabet, padded.
        case base64
    }

    /// How a field holds more than one value.
    package enum List: Sendable, Equatable {
        /// The field is the signature.
        case single
        /// `t=1,v1=…,v1=…`: the values under this key.
        case pairs(key: String)
        /// `v1,… v1a,…`: the values behind this version.
        case versions(String)
    }

    package var algorithm: Algorithm
    /// Lower-case name of the field.
    package var field: String
    package var encoding: Encoding
    /// What stands before the encoded signature.
    package var prefix: String
    package var list: List

    package init(
        _ algorithm: Algorithm, field: String, _ encoding: Encoding, prefix: String = "", list: List = .single
    ) {
        self.algorithm = algorithm
        self.field = field
        self.encoding = encoding
        self.prefix = prefix
        self.list = list
    }
}

/// How a configured secret becomes a key.
package enum KeyForm: String, Sendable, CaseIterable {
    /// The bytes as they are.
    case text
    case base64
    case hex
    /// Standard Webhooks: `whsec_` and base64 is a symmetric key, `whpk_` and base64 an Ed25519 public key. Without a
    /// prefix it is base64.
    case standardWebhooks = "standard-webhooks"
}

/// One piece of what is signed.
package enum ContentPart: Sendable, Equatable {
    case literal(String)
    case body
    /// The text of the time stamp as sent.
    case timestamp
    /// The value of a field, by its lower-case name.
    case field(String)
    /// The public URL that the webhook was sent to, with path and query.
    case url
    /// The parameters of a form, sorted by name and each followed by its value; nothing for other bodies (Twilio).
    case form
}

/// Where the signed time is.
package struct TimestampField: Sendable, Equatable {
    package enum Unit: String, Sendable, CaseIterable {
        case seconds, milliseconds
    }

    /// Lower-case name of the field.
    package var field: String
    /// The key inside a field of pairs; nil: the field is the time.
    package var pairKey: String?
    package var unit: Unit

    package init(field: String, pairKey: String? = nil, unit: Unit = .seconds) {
        self.field = field
        self.pairKey = pairKey
        self.unit = unit
    }
}

/// A JSON Web Token signed with HMAC (RFC 7519, RFC 7515).
package struct JWTScheme: Sendable, Equatable {
    /// Lower-case name of the field; the scheme Bearer before the token is allowed.
    package var field: String
    /// The claim that holds the base64 SHA-256 of the body; nil: the token says who sends, and nothing of the body.
    package var bodyDigestClaim: String?
    /// How far `exp` and `nbf` may be missed, judged against received-at.
    package var leewaySeconds: Int
    /// Whether `iss` names the key by its id.
    package var issuerNamesKey: Bool
    /// A query parameter that names the key by its id.
    package var keyParameter: String?
    /// Whether a token without `exp` counts for ever, rather than never.
    package var mayLackExpiry: Bool
    package var limits: TokenLimits?

    package init(
        field: String, bodyDigestClaim: String?, leewaySeconds: Int, issuerNamesKey: Bool, keyParameter: String? = nil,
        mayLackExpiry: Bool = false, limits: TokenLimits? = nil
    ) {
        self.field = field
        self.bodyDigestClaim = bodyDigestClaim
        self.leewaySeconds = leewaySeconds
        self.issuerNamesKey = issuerNamesKey
        self.keyParameter = keyParameter
        self.mayLackExpiry = mayLackExpiry
        self.limits = limits
    }

    /// The sentence's noun for what names the key; nil where nothing does.
    package var keyName: String? {
        issuerNamesKey ? "`iss` of the token in \(field)" : keyParameter.map { "query parameter \($0)" }
    }
}

/// What claims of a token limit its holder to. A token without a claim is not limited by it.
package struct TokenLimits: Sendable, Equatable {
    /// The claim that names a user, whom the body's fields (dots lead inside) must name too where they are there.
    package var userClaim: String
    package var userFields: [String]
    /// The claim that lists what the path may be about: the places of `path`, joined with colons.
    package var subjectsClaim: String
    package var path: PathTemplate

    package init(userClaim: String, userFields: [String], subjectsClaim: String, path: PathTemplate) {
        self.userClaim = userClaim
        self.userFields = userFields
        self.subjectsClaim = subjectsClaim
        self.path = path
    }
}

/// Where a secret travels along with the request.
package enum TokenPlace: Sendable, Equatable {
    /// A field, by its lower-case name; `prefix` stands before the secret. One that ends with a blank is an
    /// authentication scheme, which has no case.
    case field(String, prefix: String)
    /// A query parameter.
    case query(String)
    /// The last part of the path.
    case path
    /// HTTP Basic (RFC 7617); the configured secret is `user:password`.
    case basic
}

/// A request by which a provider asks for a proof that the secret is known here; it is answered and gives no event.
package enum Challenge: String, Sendable, Equatable {
    /// `endpoint.url_validation` with a `plainToken`, answered with its HMAC-SHA256 (Zoom).
    case zoom
}
