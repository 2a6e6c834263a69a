/// As whom requests go to AWS. Never printed.
package struct AWSCredentials: Sendable {
    /// Such as `AKIA…`; it is no secret and stands in every request.
    package let accessKeyID: String
    let secretAccessKey: [UInt8]
    /// Of credentials that end after a while; nil of others.
    let sessionToken: String?

    package init(accessKeyID: String, secretAccessKey: [UInt8], sessionToken: String? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }
}
