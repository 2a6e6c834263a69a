import JSON
import SimdJSON

extension FishjamServerMessage {
    /// The same notification with the tokens of all `auth_request`s in it hidden, and the addresses of compositions that
    /// are credentials by their form.
    var withoutTokens: FishjamServerMessage {
        var hidden = self
        switch content {
        case .authRequest(let request):
            if !request.token.isEmpty { hidden.authRequest.token = "[redacted]" }
        case .trackForwarding(let forwarding):
            hidden.trackForwarding.compositionURL = Credentials.shown(forwarding.compositionURL)
        case .trackForwardingRemoved(let forwarding):
            hidden.trackForwardingRemoved.compositionURL = Credentials.shown(forwarding.compositionURL)
        case .notificationBatch(let batch):
            hidden.notificationBatch.notifications = batch.notifications.map(\.withoutTokens)
        default: break
        }
        return hidden
    }
}
