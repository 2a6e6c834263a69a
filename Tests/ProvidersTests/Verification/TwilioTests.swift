import Events
import Primitives
import Testing
import WebhookSamples

@testable import Crypto
@testable import Verification
@testable import VerificationSchemes

struct TwilioTests {
    private func vectors() throws -> [SignedVector] {
        try SignedVector.byLibraries().filter { $0.verification.scheme.name == "twilio" }
    }

    @Test func `without a public URL a signed URL cannot be compared, and the refusal says so`() throws {
        for vector in try vectors() {
            for url in ["", "gw.example.com", "https://"] {
                let outcome = try vector.with { $0.verification.publicURL = url }.outcome()
                guard case .refused(.signatureMismatch, let detail) = outcome else {
                    Issue.record("a signature over a URL was accepted without one")
                    continue
                }
                #expect(detail.contains("public_url"))
            }
        }
    }

    @Test func `another URL, source or scheme fails`() throws {
        for vector in try vectors() {
            let other =
                vector.verification.publicURL.hasPrefix("https") ? "http://gw.example.com" : "https://gw.example.com"
            for url in [other, "https://gw.example.org", vector.verification.publicURL + "/x"] {
                #expect(try vector.with { $0.verification.publicURL = url }.code() == .signatureMismatch)
            }
            #expect(try vector.with { $0.verification.source = "twilio2" }.code() == .signatureMismatch)
        }
    }

    @Test func `the URL is known with and without port, and slashes at the end of its base do not count`() {
        func spellings(_ url: String) -> [String] {
            PublicURL.spellings(of: SourceVerification(source: "s", scheme: .none, publicURL: url)).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(spellings("https://a.example") == ["https://a.example:443/in/s", "https://a.example/in/s"])
        #expect(spellings("https://a.example//") == ["https://a.example:443/in/s", "https://a.example/in/s"])
        #expect(spellings("http://a.example/p/q") == ["http://a.example:80/p/q/in/s", "http://a.example/p/q/in/s"])
        #expect(spellings("http://a.example:8080") == ["http://a.example:8080/in/s", "http://a.example/in/s"])
        #expect(spellings("http://[::1]") == ["http://[::1]:80/in/s", "http://[::1]/in/s"])
        #expect(spellings("http://[::1]:81") == ["http://[::1]:81/in/s", "http://[::1]/in/s"])
        #expect(spellings("a.example").isEmpty && spellings("").isEmpty && spellings("://").isEmpty)
    }

    @Test func `a body that is neither form nor hashed in the query is not signed`() throws {
        let json = try #require(try vectors().first { $0.body.first == UInt8(ascii: "{") })
        let query = try #require(json.fields.firstIndex { $0.name == ":query" })
        let text = json.fields[query].value
        #expect(text.hasPrefix("x=1&bodySHA256="))
        let key = json.verification.keys.keys[0]
        // Signed over the URL alone: right, but it says nothing about the body.
        let content = Array("https://gw.example.com/in/twilio?x=1".utf8)
        let signature = content.withUnsafeBytes { HMACKey(key.bytes, .sha1).withCode(of: $0) { Array($0) } }
        let unhashed = json.with {
            $0.fields = [("x-twilio-signature", base64(signature)), (":query", "x=1")]
        }
        #expect(try unhashed.code() == .bodyDigestMismatch)
        #expect(try unhashed.with { $0.body = [] }.isVerified())
        for wrong in [
            String(text.dropLast()), text + "0", text.replacing("bodySHA256=", with: "bodySHA256=0"), text.uppercased(),
            text + "&bodySHA256=0", "bodySHA256=%",
        ] {
            #expect(try json.with { $0.fields[query].value = wrong }.code() == .bodyDigestMismatch, "\(wrong)")
        }
        #expect(try json.with { $0.body.append(0x20) }.code() == .bodyDigestMismatch)
    }

    private func base64(_ bytes: [UInt8]) -> String {
        let request = SourceSigner.fields(
            for: [], verification: SourceVerification(source: "s", scheme: VerificationScheme("b", .token(.basic))),
            key: SourceKey(id: "", bytes: bytes), webhookID: "", atNanoseconds: 0)
        return String(request.fields[0].value.dropFirst("Basic ".count))
    }

    @Test func `a form has one spelling`() throws {
        let form = try #require(try vectors().first)
        let text = String(decoding: form.body, as: UTF8.self)
        #expect(text.contains("%26+caf%C3%A9"))
        for other in [
            text.replacing("%26", with: "%2"), text.replacing("%C3", with: "%c3"), text + "%", text + "&x=%zz",
        ] {
            #expect(try form.with { $0.body = Array(other.utf8) }.code() == .signatureMismatch, "\(other)")
        }
    }

    @Test func `a form's parameters are sorted, and what is there twice counts once`() {
        func signed(_ body: String) -> String? {
            var content: [UInt8] = []
            let isWellFormed = Array(body.utf8).withUnsafeBytes { FormText.append($0, to: &content) }
            return isWellFormed ? String(decoding: content, as: UTF8.self) : nil
        }
        #expect(signed("") == "")
        #expect(signed("b=2&a=1") == "a1b2")
        #expect(signed("a=2&a=1&a=2") == "a1a2")
        #expect(signed("a&b=&=c&&") == "cab")
        #expect(signed("a=b=c&B=%41+1") == "BA 1ab=c")
        #expect(signed("%C3%A9=1&z=2&A=3") == "A3z2é1")
        #expect(signed("a=%4") == nil && signed("%=1") == nil)
    }

    @Test func `the media type decides whether the body is a form`() {
        func isForm(_ type: String) -> Bool { Array(type.utf8).withUnsafeBytes { QueryText.isForm($0) } }
        for type in [
            "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8",
            "Application/X-WWW-Form-urlencoded;charset=utf-8",
        ] {
            #expect(isForm(type))
        }
        for type in ["", "application/json", "application/x-www-form-urlencode", "application/x-www-form-urlencodedx"] {
            #expect(!isForm(type))
        }
        #expect(!QueryText.isForm(nil))
    }
}
