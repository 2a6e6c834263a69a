import HTTPFront

/// The handshake by which a sender of CloudEvents asks whether it may send here (CloudEvents, `http-webhook.md`, section
/// 4): an OPTIONS request to the URL of a source. It proves nothing and changes nothing, so it needs no secret and is not
/// journaled; each webhook that follows is verified like any other.
///
/// `WebHook-Request-Callback` is not called: permission is given at once, and the process that faces the internet opens
/// no connection that a stranger names. No field for browsers (CORS) is ever sent: webhooks come from servers.
enum WebhookHandshake: Sendable, Equatable {
    /// The sender may send, as often as it asked for; `*` where it named no number.
    case allowed(origin: String, rate: String)
    /// An OPTIONS request that asks for nothing but the methods.
    case methods

    static let allow = "POST, OPTIONS"

    init(_ head: ReceivedHead) {
        guard let origin = head.values("webhook-request-origin").first, Self.isOrigin(origin) else {
            self = .methods
            return
        }
        let rate = head.values("webhook-request-rate").first ?? "*"
        self = .allowed(origin: origin, rate: Self.isRate(rate) ? rate : "*")
    }

    /// A DNS expression; anything that is safe to send back is one here.
    private static func isOrigin(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    /// Requests per minute: a positive whole number.
    private static func isRate(_ text: String) -> Bool {
        (1...9).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) } && !text.hasPrefix("0")
    }
}
