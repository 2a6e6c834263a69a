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

    /// The HTTP status that tells the sender about a refusal with `code`.
    ///
    /// Stream and FastPix take every 4xx but 408 and 429 as final, so 401 is kept for what only a right signature
    /// can mend.
    package static func httpStatus(for code: RejectionCode) -> UInt16 {
        switch code {
        case .signatureMissing, .signatureMalformed, .signatureMismatch, .keyMissing, .keyUnknown, .tokenMissing,
            .tokenMalformed, .tokenMismatch, .tokenExpired, .timestampMissing, .timestampOutsideTolerance,
            .bodyDigestMismatch:
            401
        case .addressNotAllowed:
            403
        case .sourceUnknown:
            404
        case .bodyTooLargeInflated, .tooManyElements:
            413
        default:
            400
        }
    }
}
