package import Wire

/// Why a webhook or an element of it was refused: one stable word, the same in API, metric label, log and tombstone.
package struct RejectionCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: String
    package init(rawValue: String) { self.rawValue = rawValue }
    package var description: String { rawValue }

    package static let signatureMissing = RejectionCode(rawValue: "signature_missing")
    package static let signatureMalformed = RejectionCode(rawValue: "signature_malformed")
    package static let signatureMismatch = RejectionCode(rawValue: "signature_mismatch")
    package static let keyMissing = RejectionCode(rawValue: "key_missing")
    package static let keyUnknown = RejectionCode(rawValue: "key_unknown")
    package static let tokenMismatch = RejectionCode(rawValue: "token_mismatch")
    package static let timestampMissing = RejectionCode(rawValue: "timestamp_missing")
    package static let timestampOutsideTolerance = RejectionCode(rawValue: "timestamp_outside_tolerance")
    package static let bodyDigestMismatch = RejectionCode(rawValue: "body_digest_mismatch")
    package static let tokenMissing = RejectionCode(rawValue: "token_missing")
    package static let tokenMalformed = RejectionCode(rawValue: "token_malformed")
    package static let tokenExpired = RejectionCode(rawValue: "token_expired")
    package static let tokenNotAllowed = RejectionCode(rawValue: "token_not_allowed")
    package static let addressNotAllowed = RejectionCode(rawValue: "address_not_allowed")
    package static let sourceUnknown = RejectionCode(rawValue: "source_unknown")
    package static let bodyNotInflatable = RejectionCode(rawValue: "body_not_inflatable")
    package static let bodyTooLarge = RejectionCode(rawValue: "body_too_large")
    package static let bodyTooLargeInflated = RejectionCode(rawValue: "body_too_large_inflated")
    package static let bodyNotJSON = RejectionCode(rawValue: "body_not_json")
    package static let bodyTooDeep = RejectionCode(rawValue: "body_too_deep")
    package static let bodyNotObject = RejectionCode(rawValue: "body_not_object")
    package static let bodyNotArray = RejectionCode(rawValue: "body_not_array")
    package static let bodyNotProtobuf = RejectionCode(rawValue: "body_not_protobuf")
    package static let tooManyElements = RejectionCode(rawValue: "too_many_elements")
    package static let elementNotObject = RejectionCode(rawValue: "element_not_object")
    package static let typeMissing = RejectionCode(rawValue: "type_missing")
    package static let attributeMissing = RejectionCode(rawValue: "attribute_missing")
    package static let attributeInvalid = RejectionCode(rawValue: "attribute_invalid")
    package static let envelopeDamaged = RejectionCode(rawValue: "envelope_damaged")
    package static let poison = RejectionCode(rawValue: "poison")
}

/// The record of a refusal as it travels on in the envelope, from the refusing stage to the router's quarantine.
///
/// Section layout: `u32 element` (all ones: the whole webhook), `u8 stage`, `u8 length` and code, `u16 length` and detail.
package struct Rejection: Equatable, Sendable {
    package static let wholeWebhook = UInt32.max

    package var code: RejectionCode
    package var stage: StageRole
    /// Index of the refused element of a batch, or `wholeWebhook`.
    package var element: UInt32
    /// A sentence for the operator; never holds a secret.
    package var detail: String

    package init(_ code: RejectionCode, stage: StageRole, element: UInt32 = wholeWebhook, detail: String = "") {
        self.code = code
        self.stage = stage
        self.element = element
        self.detail = detail
    }

    package init(section: UnsafeRawBufferPointer) throws(WireError) {
        var reader = ByteReader(section)
        element = try reader.u32()
        guard let stage = StageRole(rawValue: try reader.u8()) else { throw .unknownKind }
        self.stage = stage
        code = RejectionCode(rawValue: try reader.text8())
        detail = try reader.text16()
    }

    package func write(to writer: inout ByteWriter) {
        writer.section(.rejection) { section in
            section.u32(element)
            section.u8(stage.rawValue)
            section.text8(code.rawValue)
            section.text16(detail)
        }
    }
}

extension RejectionCode {
    /// The HTTP status that tells the sender about a refusal with this code.
    ///
    /// Stream and FastPix take every 4xx but 408 and 429 as final, so 401 is kept for what only a right signature
    /// can mend.
    package var httpStatus: UInt16 {
        switch self {
        case .signatureMissing, .signatureMalformed, .signatureMismatch, .keyMissing, .keyUnknown, .tokenMissing,
            .tokenMalformed, .tokenMismatch, .tokenExpired, .timestampMissing, .timestampOutsideTolerance,
            .bodyDigestMismatch:
            401
        case .addressNotAllowed, .tokenNotAllowed:
            403
        case .sourceUnknown:
            404
        case .bodyTooLarge, .bodyTooLargeInflated, .tooManyElements:
            413
        default:
            400
        }
    }
}
