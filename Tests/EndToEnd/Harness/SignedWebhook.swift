import COpenSSL

/// Webhooks of both providers with a number in their ids, correctly signed.
enum SignedWebhook {
    static let streamKey = "k3ytest123abc"
    static let streamSecret = "a secret of the tests"
    static let fastPixSecret = "YSBzZWNyZXQgb2YgdGhlIHRlc3Rz"
    private static let fastPixKey = "a secret of the tests"
    /// What every numbered id begins with.
    static let idPrefix: StaticString = "\"id\":\"e2e-"

    static func id(_ number: Int) -> String {
        let digits = String(number)
        return "e2e-" + String(repeating: "0", count: max(0, 7 - digits.count)) + digits
    }

    /// The number in an id that `id(_:)` made.
    static func number(_ id: String) -> Int? {
        id.hasPrefix("e2e-") ? Int(id.dropFirst(4)) : nil
    }

    /// A whole HTTP request. Every fourth is FastPix', when `mixed`.
    static func request(_ number: Int, mixed: Bool = false, extra: String = "") -> [UInt8] {
        mixed && number % 4 == 3 ? fastPix(number) : stream(number, extra: extra)
    }

    /// A request of Stream, some 900 bytes of body. `extra` becomes a text in it.
    static func stream(_ number: Int, extra: String = "", secret: String = streamSecret, source: String = "stream")
        -> [UInt8]
    {
        stream(id(number), body: streamBody(number, extra), secret: secret, source: source)
    }

    static func stream(_ id: String, body: [UInt8], secret: String = streamSecret, source: String = "stream") -> [UInt8]
    {
        let head = """
            POST /in/\(source) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
            X-WEBHOOK-ID: \(id)\r\nX-WEBHOOK-ATTEMPT: 1\r\nX-API-KEY: \(streamKey)\r\n\
            X-SIGNATURE: \(hex(hmac(secret, body)))\r\nContent-Length: \(body.count)\r\n\r\n
            """
        return Array(head.utf8) + body
    }

    static func fastPix(_ number: Int) -> [UInt8] {
        let body = Array((fastPixStart + id(number) + fastPixEnd).utf8)
        let head = """
            POST /in/fastpix HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
            FastPix-Signature: \(base64(hmac(fastPixKey, body)))\r\nContent-Length: \(body.count)\r\n\r\n
            """
        return Array(head.utf8) + body
    }

    static func streamBody(_ number: Int, _ extra: String = "") -> [UInt8] {
        Array((streamStart + String(number) + streamMiddle + extra + streamEnd).utf8)
    }

    private static let streamStart = """
        {"type":"call.session_participant_joined","created_at":"2026-10-05T14:49:14.142187951Z",\
        "call_cid":"livestream:town-hall-
        """
    private static let streamMiddle = """
        ","session_id":"0c8c7bec-ecee-4ab6-90e1-1a5989a3e7e4","participant":{"user":{"id":"john","name":"John Doe",\
        "image":"https://example.invalid/random_svg/?id=john","custom":{"note":"
        """
    private static let streamEnd = """
        "},"language":"","role":"user","teams":[],"created_at":"2026-10-05T14:49:14.142187951Z",\
        "updated_at":"2026-10-05T14:49:12.471772Z","banned":false,"online":true,"blocked_user_ids":[],\
        "shadow_banned":false,"invisible":false},"user_session_id":"aff08503-92ae-4f8c-a4d0-7da90a85b3cc",\
        "role":"user","joined_at":"2026-10-05T14:49:14.142179098Z"},"padding":"\(padding)"}
        """
    private static let padding = String(repeating: "tributary ", count: 20)
    private static let fastPixStart = """
        {"type":"video.media.ready","object":{"type":"media","id":"6061902b-1d6f-4a0c-9d0c-3ad9f9b9d001"},"id":"
        """
    private static let fastPixEnd = """
        ","workspace":{"name":"Development","id":"7c07598b-c27b-42e6-8b31-a334da54c387"},"status":"media_ready",\
        "data":{"id":"6061902b-1d6f-4a0c-9d0c-3ad9f9b9d001","maxResolution":"1080p","status":"Ready"},\
        "createdAt":"2026-10-05T14:49:14.142187Z","attempts":[]}
        """

    private static func hmac(_ key: String, _ text: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        let key = Array(key.utf8)
        let result = HMAC(EVP_sha256(), key, Int32(key.count), text, text.count, &digest, &length)
        precondition(result != nil && length == 32, "libcrypto offers no HMAC-SHA256")
        return digest
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        var text = [UInt8](repeating: 0, count: 64)
        let count = EVP_EncodeBlock(&text, bytes, Int32(bytes.count))
        return String(decoding: text[..<Int(count)], as: UTF8.self)
    }
}
