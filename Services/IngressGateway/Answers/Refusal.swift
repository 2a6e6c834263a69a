import HTTPFront

/// Why a request is not accepted. The code is stable; the detail is a sentence for whoever reads the answer.
struct Refusal: Error, Sendable, Equatable {
    let status: Int
    let code: String
    let detail: String
    /// The connection cannot be read any further.
    var closes = false
    var retryAfterSeconds: Int?
    var allow: String?

    /// The journal cannot take the webhook now; the provider shall try again.
    static func unavailable(_ code: String, _ detail: String) -> Refusal {
        Refusal(status: 503, code: code, detail: detail, retryAfterSeconds: IngressLimits.retryAfterSeconds)
    }

    /// More than a quota allows.
    static func overQuota(_ reason: QuotaReason, waitNanoseconds: Int64, closes: Bool) -> Refusal {
        let detail =
            switch reason {
            case .source: "More is sent to this source than its quota allows."
            case .address: "More comes from this address than its quota allows."
            case .refused: "Too many of the webhooks from this address fail verification."
            case .unverified: "Too much from this address waits for verification."
            }
        return Refusal(
            status: 429, code: reason.rawValue, detail: detail, closes: closes,
            retryAfterSeconds: Int(min(60, max(1, (waitNanoseconds + 999_999_999) / 1_000_000_000))))
    }

    static let journalReserved = unavailable(
        "journal_reserved", "What is left of the journal is kept for senders whose webhooks verify.")
    static let notFound = Refusal(
        status: 404, code: "not_found", detail: "Webhooks go to /in/{source} or /in/{source}/{path_token}.")
    static func pathUnknown(_ source: String, _ path: String) -> Refusal {
        Refusal(status: 404, code: "not_found", detail: "This source takes POST /in/\(source)/\(path).")
    }
    static let sourceUnknown = Refusal(
        status: 404, code: "source_unknown", detail: "No source of that name is configured.")
    static let methodNotAllowed = Refusal(
        status: 405, code: "method_not_allowed", detail: "Webhooks are sent with POST.",
        allow: WebhookHandshake.allow)
    static let bodyTooSlow = Refusal(
        status: 408, code: "body_too_slow", detail: "The body came too slowly.", closes: true)
    static let bodyTooLarge = Refusal(
        status: 413, code: "body_too_large",
        detail: "The body is larger than max_body_bytes, of the ingress or of the source.", closes: true)
    static let expectationFailed = Refusal(
        status: 417, code: "expectation_failed", detail: "Only Expect: 100-continue is known.", closes: true)
    static let overloaded = unavailable("ingress_overloaded", "More webhooks wait than the memory budget allows.")
    static let stopping = Refusal(
        status: 503, code: "ingress_stopping", detail: "This ingress is being stopped.", closes: true,
        retryAfterSeconds: 1)
}

extension Refusal {
    /// What every listener refuses.
    init(_ refusal: HeadRefusal) {
        self.init(
            status: refusal.status, code: refusal.code, detail: refusal.sentence, closes: true,
            retryAfterSeconds: refusal.status == 503 ? IngressLimits.retryAfterSeconds : nil)
    }
}
