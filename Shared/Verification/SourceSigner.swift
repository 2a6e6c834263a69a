import JSON
import LibCrypto
import Primitives
import Providers
package import VerificationSchemes
import Wire

/// What a genuine sender adds to a body.
package struct SignedRequest: Sendable {
    /// Header fields with lower-case names. A `Content-Type` is among them only where it decides what is signed.
    package var fields: [(name: String, value: String)]
    /// Without question mark; empty where there is none.
    package var query: String
    /// The last part of the path, ready to be put there.
    package var pathToken: String?
}

/// Does what the senders do whom `SourceVerifier` checks: for samples and tests.
package enum SourceSigner {
    /// The proof that `body` was sent at that time (nanoseconds since 1970) by whoever has `key`, one of
    /// `verification`'s. A public key signs nothing.
    package static func fields(
        for body: [UInt8], verification: SourceVerification, key: SourceKey, webhookID: String, atNanoseconds: Int64
    ) -> SignedRequest {
        var request = SignedRequest(fields: [], query: "", pathToken: nil)
        if let token = verification.pathTokens?.keys.first(where: { $0.validity.holds(at: atNanoseconds) }) {
            request.pathToken = PercentCoding.encode(token.bytes)
        }
        switch verification.scheme.proof {
        case .none: break
        case .token(let place): add(key, at: place, to: &request)
        case .jwt(let scheme):
            let token = token(scheme, body, key, atSeconds: atNanoseconds / 1_000_000_000)
            request.fields.append((scheme.field, token))
            if let name = scheme.keyParameter {
                request.query = PercentCoding.encode(Array(name.utf8)) + "=" + PercentCoding.encode(Array(key.id.utf8))
            }
        case .signature(let scheme):
            let signing = Signing(
                scheme: scheme, verification: verification, key: key, webhookID: webhookID,
                timestamp: scheme.timestamp.map {
                    String(atNanoseconds / ($0.unit == .seconds ? 1_000_000_000 : 1_000_000))
                } ?? "")
            signing.sign(body, in: &request)
        }
        return request
    }

    private static func add(_ key: SourceKey, at place: TokenPlace, to request: inout SignedRequest) {
        let text = String(decoding: key.bytes, as: UTF8.self)
        switch place {
        case .field(let name, let prefix): request.fields.append((name, prefix + text))
        case .query(let name):
            request.query = PercentCoding.encode(Array(name.utf8)) + "=" + PercentCoding.encode(key.bytes)
        case .path: request.pathToken = PercentCoding.encode(key.bytes)
        case .basic:
            request.fields.append(("authorization", "Basic " + key.bytes.withUnsafeBytes { Base64.encode($0) }))
        }
    }

    /// A token as LiveKit makes it: good for five minutes. One that need not expire says when it was made alone, as that
    /// of getstream 1.4.1.
    private static func token(_ scheme: JWTScheme, _ body: [UInt8], _ key: SourceKey, atSeconds: Int64) -> String {
        let digest = body.withUnsafeBytes { SHA256Digest.of($0) }.withUnsafeBytes { Base64.encode($0) }
        var claims = #"{"iat":\#(atSeconds)}"#
        if let digestClaim = scheme.bodyDigestClaim {
            claims =
                #"{"iss":"\#(key.id)","nbf":\#(atSeconds),"exp":\#(atSeconds + 300),"\#(digestClaim)":"\#(digest)"}"#
        } else if !scheme.mayLackExpiry {
            claims = #"{"iss":"\#(key.id)","exp":\#(atSeconds + 300)}"#
        }
        let signed = base64URL(Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "." + base64URL(Array(claims.utf8))
        let code = Array(signed.utf8).withUnsafeBytes { bytes in
            HMACKey(key.bytes).withCode(of: bytes) { Array($0) }
        }
        return signed + "." + base64URL(code)
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { Base64.encode($0, as: .urlUnpadded) }
    }

    /// One request being signed.
    private struct Signing {
        let scheme: SignatureScheme
        let verification: SourceVerification
        let key: SourceKey
        let webhookID: String
        let timestamp: String

        func sign(_ body: [UInt8], in request: inout SignedRequest) {
            let first = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
            let isForm = scheme.content.contains(.form) && first != UInt8(ascii: "{") && first != UInt8(ascii: "[")
            if scheme.content.contains(.form) {
                request.fields.append(
                    ("content-type", isForm ? "application/x-www-form-urlencoded" : "application/json"))
            }
            if let name = scheme.bodyDigestParameter, !isForm {
                let digest = body.withUnsafeBytes { SHA256Digest.of($0) }.withUnsafeBytes { Hexadecimal.encode($0) }
                request.query = "\(name)=\(digest)"
            }
            addUnsigned(to: &request)
            let fields = request.fields
            let ending = request.pathToken.map { "/" + $0 } ?? ""
            let query = request.query.isEmpty ? "" : "?" + request.query
            let signer = RequestSigner(scheme, keys: key.isPublic ? [] : [.shared(key.bytes)])
            var proofs: [(name: String, value: String)] = []
            body.withUnsafeBytes { body in
                signer?.sign({ $0(body) }, timestamp: Array(timestamp.utf8)) { part, content in
                    switch part {
                    case .literal, .body, .timestamp: break
                    case .field(let name): content += Array((fields.first { $0.name == name }?.value ?? "").utf8)
                    case .url:
                        content += PublicURL.spellings(of: verification).last ?? []
                        content += Array((ending + query).utf8)
                    case .form: if isForm { _ = FormText.append(body, to: &content) }
                    }
                } each: {
                    proofs.append(($0, String(decoding: $1, as: UTF8.self)))
                }
            }
            request.fields += proofs
        }

        private func addUnsigned(to request: inout SignedRequest) {
            if let name = scheme.idField { request.fields.append((name, webhookID)) }
            if let name = scheme.keyField { request.fields.append((name, key.id)) }
            if let time = scheme.timestamp, time.pairKey == nil { request.fields.append((time.field, timestamp)) }
            for part in scheme.content {
                guard case .field(let name) = part, !request.fields.contains(where: { $0.name == name }) else {
                    continue
                }
                request.fields.append((name, webhookID))
            }
        }
    }
}
