/// What a provider takes as success, where 202 with a JSON object that names the webhook is not it. The webhook's id
/// stands in a header field then.
package struct SuccessAnswer: Sendable, Equatable {
    /// 200 to 299.
    package var status: Int
    /// Empty with 204. Of a provider with an endpoint, `{duration}` becomes how long the answer took: `1.23ms`.
    package var body: String
    package var contentType: String

    package init(status: Int, body: String, contentType: String) {
        self.status = status
        self.body = body
        self.contentType = contentType
    }

    /// 200 with an empty JSON object.
    package static let okJSON = SuccessAnswer(status: 200, body: "{}", contentType: "application/json")
}
