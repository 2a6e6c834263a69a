import Events
import SimdJSON
import Wire

/// Zoom's `endpoint.url_validation`: the sender wants the HMAC-SHA256 of its `plainToken` as a proof that the secret is
/// known here (https://developers.zoom.us/changelog/platform/webhook-url-validation.md). Belongs to one thread.
///
/// The answer must not sign anything a webhook could be made of: what Zoom signs begins with `v0:`, and tokens with a
/// colon, or longer than any that Zoom sends, are refused.
final class ZoomChallenge {
    enum Request {
        /// Another webhook.
        case none
        case malformed
        case token([UInt8])
    }

    private let reader = JSONReader(fields: ["event", "payload.plainToken"], redactions: [])

    /// A challenge has about 150 bytes; larger bodies are not looked at.
    private static let maxBodyBytes = 2048
    private static let maxTokenBytes = 64

    /// What `body` asks for.
    func request(in body: UnsafeRawBufferPointer) -> Request {
        guard body.count <= Self.maxBodyBytes, reader.read(body) == nil,
            let event = reader.string(0), event.equals("endpoint.url_validation")
        else { return .none }
        guard let token = reader.string(1), (1...Self.maxTokenBytes).contains(token.count),
            token.allSatisfy(Self.isAllowed)
        else { return .malformed }
        return .token(Array(token))
    }

    /// The answer's body, given the HMAC of the token in hexadecimal digits.
    static func reply(token: [UInt8], code: String) -> [UInt8] {
        Array(#"{"plainToken":""#.utf8) + token + Array(#"","encryptedToken":"\#(code)"}"#.utf8)
    }

    private static func isAllowed(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
