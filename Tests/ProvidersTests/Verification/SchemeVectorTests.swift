import Events
import Gzip
import Testing
import WebhookSamples

@testable import Verification
@testable import VerificationSchemes

struct SchemeVectorTests {
    /// Fields whose bytes are not all signed.
    private static let unsigned = ["content-type"]

    @Test func `what the official libraries sign is verified`() throws {
        let vectors = try SignedVector.byLibraries()
        #expect(vectors.count == 44)
        for vector in vectors {
            #expect(try vector.outcome() == .verified(keyID: vector.verification.keys.keys[0].id), "\(vector)")
        }
    }

    @Test func `what the documented formulas sign is verified`() throws {
        let vectors = try SignedVector.byFormulas()
        #expect(
            vectors.map(\.description) == [
                "livekit", "mux", "daily", "twilio", "twilio-json", "zoom", "agora", "cloudflare-stream",
                "standard-webhooks",
            ])
        for vector in vectors { #expect(try vector.isVerified(), "\(vector)") }
    }

    @Test func `Fishjam's later webhooks are verified`() throws {
        let vectors = try SignedVector.byFishjam()
        #expect(vectors.count >= 4)
        for vector in vectors { #expect(try vector.isVerified(), "\(vector)") }
    }

    @Test func `every change of one byte of a body fails`() throws {
        for vector in try SignedVector.all() {
            let verifier = SourceVerifier(vector.verification, inflater: Inflater(maxInflatedBytes: 1 << 20))
            #expect(try vector.isVerified(verifier))
            for place in vector.body.indices {
                for mask in [UInt8(1) << (place % 8), 0x20] {
                    let changed = vector.with { $0.body[place] ^= mask }
                    #expect(try !changed.isVerified(verifier), "\(vector): byte \(place) of the body")
                }
            }
            for body in [vector.body + [0], vector.body + [0x0A], Array(vector.body.dropLast()) + [0x20]] {
                #expect(try !vector.with { $0.body = body }.isVerified(verifier), "\(vector)")
            }
        }
    }

    @Test func `every change of one byte of a signed field, time stamp, query or path fails`() throws {
        for vector in try SignedVector.all() where !vector.holdsIgnoredSignature {
            let verifier = SourceVerifier(vector.verification, inflater: Inflater(maxInflatedBytes: 1 << 20))
            for (field, (name, value)) in vector.fields.enumerated()
            where !Self.unsigned.contains(name.lowercased()) {
                let bytes = Array(value.utf8)
                for place in bytes.indices {
                    for bit in [0, 5, place % 7] {
                        var changed = bytes
                        changed[place] ^= 1 << bit
                        let text = String(decoding: changed, as: UTF8.self)
                        // The case of hexadecimal digits and of a scheme says nothing.
                        let hasNoCase =
                            Self.isHexadecimal(name, in: vector) || (value.hasPrefix("Bearer ") && place < 6)
                        if hasNoCase, text.lowercased() == value.lowercased() { continue }
                        #expect(
                            try !vector.with { $0.fields[field].value = text }.isVerified(verifier),
                            "\(vector): byte \(place), bit \(bit) of \(name)")
                    }
                }
            }
        }
    }

    private static func isHexadecimal(_ name: String, in vector: SignedVector) -> Bool {
        guard case .signature(let scheme) = vector.verification.scheme.proof else { return false }
        if name == ":query" { return scheme.bodyDigestParameter != nil }
        return scheme.signatures.contains { $0.field == name.lowercased() && $0.encoding == .hex }
    }

    @Test func `every change of one byte of a key fails`() throws {
        for vector in try SignedVector.all() {
            let key = vector.verification.keys.keys[0]
            for place in key.bytes.indices {
                var bytes = key.bytes
                bytes[place] ^= UInt8(1) << (place % 8)
                let changed = vector.with {
                    $0.verification.keys = SourceKeys([SourceKey(id: key.id, bytes: bytes, isPublic: key.isPublic)])
                }
                #expect(try !changed.isVerified(), "\(vector): byte \(place) of the key")
            }
        }
    }

    @Test func `fields that are missing, empty or there twice are refused`() throws {
        for vector in try SignedVector.all() {
            for (place, (name, value)) in vector.fields.enumerated()
            where !Self.unsigned.contains(name.lowercased()) && name.lowercased() != "agora-signature-v2"
                && name.lowercased() != "agora-signature"
            {
                #expect(try !vector.with { $0.fields.remove(at: place) }.isVerified(), "\(vector) without \(name)")
                #expect(try !vector.with { $0.fields[place].value = "" }.isVerified(), "\(vector) with empty \(name)")
                for other in [value, "x", ""] where !name.hasPrefix(":") {
                    let twice = vector.with { $0.fields.append((name, other)) }
                    #expect(try !twice.isVerified(), "\(vector) with \(name) twice")
                }
            }
        }
    }

    @Test func `signatures have exact lengths and nothing around them`() throws {
        for vector in try SignedVector.all() where !vector.holdsIgnoredSignature {
            for (place, (name, value)) in vector.fields.enumerated() where name.lowercased().contains("signature") {
                let isList = ["mux", "cloudflare-stream", "standard-webhooks"].contains(vector.verification.scheme.name)
                // Around the parts of a list there may be blanks, and empty parts between them.
                let around = [value + " ", " " + value, value + ",", "," + value, value + "  " + value]
                for changed in [
                    value + "=", value + "\u{0}", value + "0", String(value.dropLast()), String(value.dropFirst()),
                    value.uppercased() + "!",
                ] + (isList ? [] : around) {
                    #expect(
                        try !vector.with { $0.fields[place].value = changed }.isVerified(),
                        "\(vector): \(name) \(changed)")
                }
            }
        }
    }

    @Test func `Agora's two signatures must be right each, where they are there`() throws {
        let vector = try #require(try SignedVector.byFormulas().first { $0.description == "agora" })
        for place in vector.fields.indices {
            #expect(try vector.with { $0.fields.remove(at: place) }.isVerified())
            var wrong = Array(vector.fields[place].value.utf8)
            wrong[0] = wrong[0] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            let changed = vector.with { $0.fields[place].value = String(decoding: wrong, as: UTF8.self) }
            #expect(try changed.code() == .signatureMismatch)
        }
        #expect(try vector.with { $0.fields = [] }.code() == .signatureMissing)
    }

    @Test func `Standard Webhooks' two kinds of signature are each compared with the keys of their kind`() throws {
        let vectors = try SignedVector.byLibraries().filter { $0.verification.scheme.name == "standard-webhooks" }
        let symmetric = try #require(vectors.first { $0.body.isEmpty && !$0.verification.keys.keys[0].isPublic })
        let asymmetric = try #require(vectors.first { $0.body.isEmpty && $0.verification.keys.keys[0].isPublic })
        // With a public key alone, a symmetric signature proves nothing.
        let wrongKind = symmetric.with { $0.verification.keys = asymmetric.verification.keys }
        #expect(try wrongKind.code() == .keyUnknown)
        // With both keys, one right signature is enough, as in the official libraries.
        let both = SourceKeys(symmetric.verification.keys.keys + asymmetric.verification.keys.keys)
        #expect(try symmetric.with { $0.verification.keys = both }.isVerified())
        #expect(try asymmetric.with { $0.verification.keys = both }.isVerified())
        let mixed = asymmetric.with {
            $0.verification.keys = both
            $0.fields[2].value = "v1,\(String(repeating: "A", count: 43))= " + asymmetric.fields[2].value
        }
        #expect(try mixed.isVerified())
    }

    @Test func `in a list of signatures one that is right is enough, whatever else stands in it`() throws {
        let vectors = try SignedVector.byLibraries()
        let webhook = try #require(
            vectors.first {
                $0.verification.scheme.name == "standard-webhooks" && !$0.verification.keys.keys[0].isPublic
            })
        let place = try #require(webhook.fields.firstIndex { $0.name.lowercased() == "webhook-signature" })
        let right = webhook.fields[place].value
        let wrong = "v1,\(String(repeating: "A", count: 43))="
        func code(_ value: String) throws -> RejectionCode? {
            try webhook.with { $0.fields[place].value = value }.code()
        }
        for others in ["v1,abc=", "v1a,AAAA", wrong, "v1", ",", "v1,", ",x", "v9,x,y", "nonsense", " ", "\t", "v2,"] {
            #expect(try code("\(others) \(right)") == nil, "\(others)")
            #expect(try code("\(right) \(others)") == nil, "\(others)")
        }
        let most = Array(repeating: wrong, count: 127).joined(separator: " ")
        #expect(try code("\(most) \(right)") == nil)
        #expect(try code("\(most) \(right) \(wrong)") == .signatureMalformed)
        #expect(try code(right + String(repeating: " ", count: 8200)) == .signatureMalformed)
        #expect(try code("v1,abc= v1,") == .signatureMalformed)
        #expect(try code("v1,abc= \(wrong)") == .signatureMismatch)
        for name in ["mux", "cloudflare-stream"] {
            let vector = try #require(try SignedVector.byFormulas().first { $0.description == name })
            let place = try #require(
                vector.fields.firstIndex { $0.name.lowercased().hasSuffix("webhook-signature") }
                    ?? vector.fields.firstIndex { $0.name.lowercased().hasSuffix("signature") })
            let value = vector.fields[place].value
            let label = name == "mux" ? "v1" : "sig1"
            let wrong = "\(label)=\(String(repeating: "0", count: 64))"
            for changed in [
                "\(wrong),\(value)", "\(value),\(wrong)", "\(label)=abc,\(value)", "v0=x,\(value),v2", ",\(value),,=",
                value.replacing(",", with: ", "), value.replacing(",", with: " , "), "x,\(value)",
            ] {
                #expect(try vector.with { $0.fields[place].value = changed }.isVerified(), "\(changed)")
            }
        }
    }

    @Test func `a token may stand behind the scheme Bearer in any case`() throws {
        for vector in try SignedVector.all() where vector.verification.scheme.name == "livekit" {
            let place = try #require(vector.fields.firstIndex { $0.name.lowercased() == "authorization" })
            let token = try #require(vector.fields[place].value.split(separator: " ").last)
            for before in ["", "Bearer ", "bearer ", "BEARER ", "bEaReR   ", "Bearer\t"] {
                #expect(try vector.with { $0.fields[place].value = before + token }.isVerified(), "\(before)")
            }
            for before in ["Basic ", "Bearer", "Bearer Bearer ", " "] {
                #expect(try !vector.with { $0.fields[place].value = before + token }.isVerified(), "\(before)")
            }
        }
    }

    @Test func `hexadecimal digits are compared as bytes`() throws {
        for vector in try SignedVector.all() {
            guard case .signature(let scheme) = vector.verification.scheme.proof else { continue }
            for field in scheme.signatures where field.encoding == .hex {
                guard let place = vector.fields.firstIndex(where: { $0.name.lowercased() == field.field }) else {
                    continue
                }
                let value = vector.fields[place].value
                var isUpper = false
                let mixed = String(
                    value.map { letter in
                        isUpper.toggle()
                        return isUpper ? Character(letter.uppercased()) : letter
                    })
                let changed = field.list == .single ? [value.uppercased(), mixed] : [Self.upperCaseValues(value)]
                for text in changed {
                    #expect(try vector.with { $0.fields[place].value = text }.isVerified(), "\(vector): \(text)")
                }
            }
        }
    }

    private static func upperCaseValues(_ list: String) -> String {
        list.split(separator: ",").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            return "\(parts[0])=\(parts[1].uppercased())"
        }.joined(separator: ",")
    }

    @Test func `Stream's published cases come out as they are named`() throws {
        // The bodies and signatures of GetStream's conformance fixtures (secret
        // `test_secret_do_not_use_in_production`), plain and as gzip.
        let vectors = try SignedVector.byLibraries().filter { $0.verification.scheme.name == "stream" }
        #expect(vectors.count == 17)
        for vector in vectors {
            #expect(try vector.isVerified())
            #expect(try vector.with { $0.body = Gzip.compress(vector.body) }.isVerified())
            let damaged = vector.with { $0.body = Array(Gzip.compress(vector.body).dropLast()) }
            #expect(try damaged.code() == .bodyNotInflatable)
            let packed = Gzip.compress(vector.body)
            let signedPacked = SourceSigner.fields(
                for: packed, verification: vector.verification, key: vector.verification.keys.keys[0],
                webhookID: "w", atNanoseconds: 1)
            let overGzip = vector.with {
                $0.body = packed
                $0.fields = signedPacked.fields
            }
            #expect(try overGzip.code() == .signatureMismatch)
        }
        let tampered = try #require(vectors.first { String(decoding: $0.body, as: UTF8.self).contains("message.new") })
        let body = #"{"type":"message.new","created_at":1778198400000000000,"tampered":true}"#
        #expect(try tampered.with { $0.body = Array(body.utf8) }.code() == .signatureMismatch)
    }
}
