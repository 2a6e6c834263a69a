package import AdminServer

extension APIDispatcher {
    /// The control API on the admin socket: whoever may open the socket needs no token.
    package var adminRoute: AdminRoute {
        AdminRoute(everythingBelow: "/v1", maxBodyBytes: Self.maxBodyBytes) { request in
            let answer = answer(request.method, request.target, contentType: request.contentType, body: request.body)
            let type = answer.fields.first { $0.name == "content-type" }?.value ?? ""
            return AdminReply(
                status: answer.status, contentType: type, body: answer.body,
                fields: answer.fields.filter { $0.name != "content-type" })
        }
    }
}
