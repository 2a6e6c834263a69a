extension FishjamServerMessage {
    /// The same notification with the tokens of all `auth_request`s in it hidden.
    var withoutTokens: FishjamServerMessage {
        var hidden = self
        switch content {
        case .authRequest(let request):
            if !request.token.isEmpty { hidden.authRequest.token = "[redacted]" }
        case .notificationBatch(let batch):
            hidden.notificationBatch.notifications = batch.notifications.map(\.withoutTokens)
        default: break
        }
        return hidden
    }
}
