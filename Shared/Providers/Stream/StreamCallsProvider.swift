package import JSON
package import Primitives
import VerificationSchemes

/// Custom events of Stream's calls, sent with Stream's own SDKs (`send_call_event`; GetStream/protocol, OpenAPI v2,
/// `POST /api/v2/video/call/{type}/{id}/event`): the gateway takes the place of Stream's API.
package enum StreamCallsProvider: Provider {
    package static let name = "stream-calls"
    package static let attribute: StaticString = "stream-calls"

    /// `Authorization` is a bare JWT signed with the secret of the app that `api_key` names. A server's token has no
    /// claims (getstream 7.0.0) or `iat` alone (1.4.1); a user's has `user_id`, and may have `exp` and `call_cids`.
    package static let signing = Signing.always(
        VerificationScheme(
            "stream-calls",
            .jwt(
                JWTScheme(
                    field: "authorization", bodyDigestClaim: nil, leewaySeconds: 5, issuerNamesKey: false,
                    keyParameter: "api_key", mayLackExpiry: true,
                    limits: TokenLimits(
                        userClaim: "user_id", userFields: ["user_id", "user.id"], subjectsClaim: "call_cids",
                        path: path)))))

    package static let path = PathTemplate("api/v2/video/call/{type}/{id}/event")
    package static let types = StreamTypes.all.filter { $0.providerType == "custom" }
    package static let credentials = StreamProvider.credentials
    package static let payload = PayloadForm.own

    package static let answer: SuccessAnswer? = SuccessAnswer(
        status: 201, body: #"{"duration":"{duration}"}"#, contentType: "application/json")

    /// "Total payload … limited to 5KB" (getstream.io/video/docs/react/guides/custom-events). The error numbers are those
    /// of getstream.io/chat/docs/php/api_errors_response; the members are all required by the SDKs (`APIError`).
    package static let endpoint: ProviderEndpoint? = ProviderEndpoint(
        path: path, samplePath: "api/v2/video/call/default/town-hall-42/event", maxBodyBytes: 5120,
        errors: [
            "key_missing": (401, 2), "key_unknown": (401, 2), "token_missing": (401, 5), "token_malformed": (401, 5),
            "signature_mismatch": (401, 5), "token_expired": (401, 40), "timestamp_outside_tolerance": (401, 42),
            "token_not_allowed": (403, 17), "body_too_large": (400, 4), "not_found": (404, 16),
            "source_quota": (429, 9), "address_quota": (429, 9), "refused_quota": (429, 9),
            "unverified_quota": (429, 9),
        ],
        otherError: 4,
        body: { error in
            .object([
                "code": .number(error.number), "message": .string("\(error.code): \(error.detail)"),
                "StatusCode": .number(error.status), "duration": .string(error.duration),
                "more_info": .string(""),
                "details": .array([]),
            ])
        })
}
