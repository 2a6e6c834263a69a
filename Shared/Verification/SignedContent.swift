import Crypto
import Events
import Primitives
import VerificationSchemes
import Wire

/// What a scheme signs, built out of one request. Belongs to one thread.
final class SignedContent {
    private enum Part {
        case text([UInt8])
        case body
        case timestamp
        case field(slot: Int, name: String)
        case url
        case form
    }

    /// Whether exactly the body is signed, so that nothing needs to be built.
    let isBodyAlone: Bool
    /// In how many spellings the content is tried: the URL's port may or may not be named.
    let spellings: Int

    private let parts: [Part]
    private let signsBody: Bool
    private let urls: [[UInt8]]
    private let fields: HeadFields
    private let token: Int
    private let query: Int
    private let contentType: Int
    private var content: [UInt8] = []

    private static let keptBytes = 256 * 1024

    init(_ scheme: SignatureScheme, of verification: SourceVerification, fields: HeadFields) {
        parts = scheme.content.map { part in
            switch part {
            case .literal(let text): .text(Array(text.utf8))
            case .body: .body
            case .timestamp: .timestamp
            case .field(let name): .field(slot: fields.slot(name), name: name)
            case .url: .url
            case .form: .form
            }
        }
        isBodyAlone = scheme.content == [.body]
        signsBody = scheme.content.contains(.body)
        let signsURL = scheme.content.contains(.url)
        urls = signsURL ? PublicURL.spellings(of: verification) : []
        spellings = signsURL ? urls.count : 1
        self.fields = fields
        token = signsURL ? fields.slot(RequestHead.pathToken) : -1
        query = signsURL || scheme.bodyDigestParameter != nil ? fields.slot(RequestHead.query) : -1
        contentType = signsBody ? -1 : fields.slot("content-type")
    }

    /// Whether what is signed besides the body is there, and the body's hash is right where it stands in for the body.
    func refusal(_ webhook: AcceptedWebhook, digestParameter: [UInt8]?) -> Refusal? {
        if spellings == 0 {
            return Refusal(
                .signatureMismatch, "the URL is signed, but the configuration has no `public_url` to compare with")
        }
        for part in parts {
            guard case .field(let slot, let name) = part else { continue }
            if fields.value(slot) == nil {
                return Refusal(.signatureMalformed, "the request has no \(name), which is signed")
            }
            if fields.isRepeated(slot) {
                return Refusal(.signatureMalformed, "the request has \(name) more than once, which is signed")
            }
        }
        return signsBody ? nil : digestRefusal(webhook, digestParameter)
    }

    private func digestRefusal(_ webhook: AcceptedWebhook, _ parameter: [UInt8]?) -> Refusal? {
        let answer =
            parameter.flatMap { name in query < 0 ? nil : fields.value(query).map { QueryText.value(name, in: $0) } }
        switch answer ?? .absent {
        case .absent:
            let isSigned = webhook.body.isEmpty || isForm
            return isSigned
                ? nil : Refusal(.bodyDigestMismatch, "neither the body nor its hash is part of what is signed")
        case .malformed:
            return Refusal(.bodyDigestMismatch, "the body's hash stands in the query more than once or is damaged")
        case .value(let text):
            let digest = SHA256Digest.of(webhook.body)
            var expected = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
            let isRight = text.withUnsafeBytes { text in
                expected.withUnsafeMutableBytes { Hexadecimal.decode(text, into: $0) }
            }
            guard isRight,
                digest.withUnsafeBytes({ first in expected.withUnsafeBytes { ConstantTime.equal(first, $0) } })
            else { return Refusal(.bodyDigestMismatch, "the hash in the query is not that of the body") }
            return nil
        }
    }

    private var isForm: Bool {
        parts.contains { if case .form = $0 { true } else { false } } && QueryText.isForm(fields.value(contentType))
    }

    /// Lends the content in one spelling; nil where the form is not spelled in the one way that is taken.
    func withContent<Result>(
        _ spelling: Int, body: UnsafeRawBufferPointer, timestamp: UnsafeRawBufferPointer?,
        _ use: (UnsafeRawBufferPointer) -> Result
    ) -> Result? {
        if isBodyAlone { return use(body) }
        content.removeAll(keepingCapacity: content.capacity <= Self.keptBytes)
        for part in parts {
            switch part {
            case .text(let text): content.append(contentsOf: text)
            case .body: content.append(contentsOf: body)
            case .timestamp: if let timestamp { content.append(contentsOf: timestamp) }
            case .field(let slot, _): if let value = fields.value(slot) { content.append(contentsOf: value) }
            case .url: appendURL(spelling)
            case .form:
                if QueryText.isForm(fields.value(contentType)), !FormText.append(body, to: &content) { return nil }
            }
        }
        return content.withUnsafeBytes(use)
    }

    private func appendURL(_ spelling: Int) {
        content.append(contentsOf: urls[spelling])
        if let token = fields.value(token) {
            content.append(UInt8(ascii: "/"))
            content.append(contentsOf: token)
        }
        if let query = fields.value(query) {
            content.append(UInt8(ascii: "?"))
            content.append(contentsOf: query)
        }
    }
}

/// The URL of a source as its provider knows it.
enum PublicURL {
    /// Without path token and query, with and without its port: what Twilio signs is not consistent about it
    /// (twilio-python, `request_validator.py`). Empty where none is configured.
    static func spellings(of verification: SourceVerification) -> [[UInt8]] {
        var base = verification.publicURL[...]
        while base.last == "/" { base.removeLast() }
        guard let scheme = base.range(of: "://") else { return [] }
        let rest = base[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard !authority.isEmpty else { return [] }
        let path = rest[authority.endIndex...] + "/in/" + verification.source
        let afterAddress = authority.lastIndex(of: "]").map { authority.index(after: $0) } ?? authority.startIndex
        let colon = authority[afterAddress...].lastIndex(of: ":")
        let host = colon.map { authority[..<$0] } ?? authority
        let port = base.hasPrefix("https:") ? "443" : "80"
        let named = colon == nil ? authority + ":" + port : authority
        let start = base[..<scheme.upperBound]
        return [start + named + path, start + host + path].map { Array($0.utf8) }
    }
}

extension Substring {
    /// The first place of `text`; no Foundation on the way of webhooks.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
