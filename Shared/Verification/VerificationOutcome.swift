package import Events

/// What a verifier found.
package enum VerificationOutcome: Equatable, Sendable {
    /// The sections are appended.
    case verified(keyID: String)
    /// A genuine handshake: the sections are appended, with an events section that holds none; the sender gets `reply`
    /// with status 200.
    case answered(reply: [UInt8])
    /// Nothing is appended; `detail` is for the operator and holds no secret.
    case refused(RejectionCode, detail: String)
}
