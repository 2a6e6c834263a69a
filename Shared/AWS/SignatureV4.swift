import LibCrypto
import Primitives

/// Signs HTTP requests for AWS: Signature Version 4 in the header field `Authorization` (AWS General Reference, "Create a
/// signed AWS API request").
package struct SignatureV4: Sendable {
    private static let algorithm = "AWS4-HMAC-SHA256"

    private let credentials: AWSCredentials
    private let region: String
    private let service: String

    package init(_ credentials: AWSCredentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The fields of a request with those that sign it: `x-amz-date`, `x-amz-security-token` of credentials that have one,
    /// and `authorization`. `fields` must hold `host`; all of them are signed. `path` and `query` are in their canonical
    /// form already, as `/` and nothing are, where AWS' JSON protocols have everything. `seconds`: now, since 1970; AWS
    /// takes requests for five minutes.
    package func signed(
        _ fields: [(name: String, value: String)], method: String = "POST", path: String = "/", query: String = "",
        payload: UnsafeRawBufferPointer, at seconds: Int64
    ) -> [(name: String, value: String)] {
        let time = Self.time(seconds)
        var fields = fields + [("x-amz-date", time)]
        if let token = credentials.sessionToken { fields.append(("x-amz-security-token", token)) }
        let (lines, names) = Self.canonical(fields)
        let request = "\(method)\n\(path)\n\(query)\n\(lines)\n\(names)\n\(Self.digest(payload))"
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let text = "\(Self.algorithm)\n\(time)\n\(scope)\n\(Self.digest(request))"
        let key = scope.split(separator: "/").reduce(Array("AWS4".utf8) + credentials.secretAccessKey) {
            Self.code(String($1), key: $0)
        }
        let signature = Self.code(text, key: key).withUnsafeBytes { Hexadecimal.encode($0) }
        let credential = "Credential=\(credentials.accessKeyID)/\(scope)"
        fields.append(
            ("authorization", "\(Self.algorithm) \(credential), SignedHeaders=\(names), Signature=\(signature)"))
        return fields
    }

    /// The fields in the order of their names, one line each, and the names.
    private static func canonical(_ fields: [(name: String, value: String)]) -> (lines: String, names: String) {
        var values: [String: [String]] = [:]
        for (name, value) in fields {
            // Blanks around a value are none of it, and those within count once, line ends among them.
            let words = value.split(whereSeparator: \.isWhitespace)
            values[name.lowercased(), default: []].append(words.joined(separator: " "))
        }
        let sorted = values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        return (
            sorted.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined(),
            sorted.map(\.key).joined(separator: ";")
        )
    }

    /// Such as `20150830T123600Z`.
    private static func time(_ seconds: Int64) -> String {
        var bytes: [UInt8] = []
        RFC3339.append(seconds: seconds, fraction: 0, digits: nil, to: &bytes)
        return String(decoding: bytes.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ":") }, as: UTF8.self)
    }

    private static func digest(_ bytes: UnsafeRawBufferPointer) -> String {
        SHA256Digest.of(bytes).withUnsafeBytes { Hexadecimal.encode($0) }
    }

    private static func digest(_ text: String) -> String {
        Array(text.utf8).withUnsafeBytes { digest($0) }
    }

    private static func code(_ text: String, key: [UInt8]) -> [UInt8] {
        Array(text.utf8).withUnsafeBytes { HMACKey(key).withCode(of: $0) { Array($0) } }
    }
}
