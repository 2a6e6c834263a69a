import Foundation

/// Looks through what subscribers get for anything that looks like a key, password, token or stream URL, on purpose with
/// a wider net than the product's: whatever is caught must be hidden or explained here.
package enum CredentialScan {
    /// Parts of keys, in lower case, whose values may be credentials.
    private static let words = [
        "key", "pass", "pwd", "token", "secret", "credential", "auth", "jwt", "sign", "address", "sdp", "link", "url",
    ]

    /// Keys whose values look like credentials in some sample and are none, and why.
    private static let harmless: [String: String] = [
        "compositionUrl": "where a composition is, without a token",
        "default_device": "loudspeaker or earpiece",
        "image": "a user's picture",
        "external_app_url": "a page of the application's",
        "external_css_url": "a style sheet of the application's",
        "hls_playlist_url": "what viewers are given",
        "passthrough": "the application's own",
        "playlist_url": "what viewers are given",
        "s3_key": "the path of a file in the account's own bucket",
        "thumbnail": "a public picture",
        "url": "of a recording, frame or transcript, which its event is for; or of a platform, without the stream key",
    ]

    /// The platforms' addresses in samples; the stream key beside each is hidden.
    private static let streamAddresses: Set = ["rtmp://a.rtmp.youtube.com/live2", "rtmps://live.example.invalid/app"]

    /// Every text of a JSON payload that looks like a credential and is neither hidden nor explained, with its key.
    package static func unexplained(in payload: [UInt8]) throws -> [String] {
        var texts: [(key: String, text: String)] = []
        let value = try JSONSerialization.jsonObject(with: Data(payload), options: .fragmentsAllowed)
        forEachText(value, key: "") { texts.append((key: $0, text: $1)) }
        return unexplained(in: texts)
    }

    /// The same of the texts of a payload, each with the key that it or its array has.
    package static func unexplained(in texts: [(key: String, text: String)]) -> [String] {
        texts.filter { key, text in
            let isNamed = words.contains { key.lowercased().contains($0) }
            let isFormed = text.contains("://") || text.hasPrefix("eyJ")
            guard isNamed || isFormed, !text.isEmpty, text != "[redacted]" else { return false }
            let isStream = ["rtmp", "srt", "whip"].contains { text.lowercased().hasPrefix($0) }
            return harmless[key] == nil || isStream && !streamAddresses.contains(text)
        }.map { "\($0.key): \($0.text)" }
    }

    private static func forEachText(_ value: Any, key: String, _ visit: (String, String) -> Void) {
        switch value {
        case let object as [String: Any]: for (key, value) in object { forEachText(value, key: key, visit) }
        case let array as [Any]: for value in array { forEachText(value, key: key, visit) }
        case let text as String: visit(key, text)
        default: break
        }
    }
}
