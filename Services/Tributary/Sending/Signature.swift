import COpenSSL
import StageRuntime

/// Signs sample webhooks as their providers do.
enum Signature {
    /// HMAC-SHA256 through libcrypto.
    static func hmacSHA256(key: [UInt8], _ text: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        let result = HMAC(EVP_sha256(), key, Int32(key.count), text, text.count, &digest, &length)
        precondition(result != nil, "libcrypto offers no HMAC-SHA256")
        return Array(digest.prefix(Int(length)))
    }

    /// The headers that authenticate a webhook. `secret` is as the configuration gives it, `secretID` is the API key
    /// of Stream. Throws when FastPix's secret is not base64.
    static func headers(
        provider: String, secret: [UInt8], secretID: String?, body: [UInt8], isBad: Bool = false
    ) throws(StageFailure) -> [(String, String)] {
        switch provider {
        case "stream":
            // https://getstream.io/video/docs/api/webhooks/overview/: hex, over the uncompressed body.
            let signature = hex(spoiled(hmacSHA256(key: secret, body), isBad))
            return [("X-API-KEY", secretID ?? ""), ("X-SIGNATURE", signature)]
        case "fastpix":
            // FastPix/node-sdk src/sdk/webhooks.ts: the secret is base64 of the key, the header base64 of the HMAC.
            guard let key = Base64.decode(secret) else {
                throw StageFailure(
                    .configuration, "FastPix's signing secret must be base64, as the dashboard shows it")
            }
            return [("FastPix-Signature", Base64.encode(spoiled(hmacSHA256(key: key, body), isBad)))]
        default:
            throw StageFailure(.usage, "no sample can be signed for the provider \(provider)")
        }
    }

    private static func spoiled(_ digest: [UInt8], _ isBad: Bool) -> [UInt8] {
        isBad ? digest.map { ~$0 } : digest
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
