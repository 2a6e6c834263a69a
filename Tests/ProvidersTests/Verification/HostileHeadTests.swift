import Events
import Gzip
import Primitives
import SeededRandom
import Testing
import WebhookSamples
import Wire

@testable import Crypto
@testable import Providers
@testable import Verification
@testable import VerificationSchemes

struct HostileHeadTests {
    /// An envelope made of raw bytes: fields of any bytes, in any number.
    private func verify(_ verifier: SourceVerifier, _ head: [UInt8], _ body: [UInt8], at time: Int64) throws -> Bool {
        var writer = ByteWriter()
        Array("s".utf8).withUnsafeBytes { name in
            writer.openEnvelope(source: name, receivedAtNanoseconds: time) { sections in
                head.withUnsafeBytes { sections.section(.requestHead, $0) }
                body.withUnsafeBytes { sections.section(.body, $0) }
            }
        }
        return try Array(writer.bytes.dropFirst(4)).withUnsafeBytes { bytes in
            let webhook = try #require(AcceptedWebhook(try EnvelopeView(bytes)))
            var written = ByteWriter()
            if case .refused(_, let detail) = verifier.verify(webhook, into: &written) {
                #expect(written.count == 0 && !detail.isEmpty)
                return false
            }
            return true
        }
    }

    private func head(_ fields: [(name: [UInt8], value: [UInt8])]) -> [UInt8] {
        var writer = ByteWriter()
        writer.u16(UInt16(fields.count))
        for field in fields {
            writer.u16(UInt16(field.name.count))
            writer.u16(UInt16(field.value.count))
            writer.raw(field.name)
            writer.raw(field.value)
        }
        return writer.bytes
    }

    @Test func `bytes of any kind in any field never trap`() throws {
        let vectors = try SignedVector.all()
        let verifiers = vectors.map { vector in
            var verification = vector.verification
            verification.addresses = ["10.0.0.0/8", "::1"]
            return SourceVerifier(verification, inflater: Inflater(maxInflatedBytes: 10_000))
        }
        var generator = SeededGenerator(seed: 7)
        var verified = 0
        for round in 0..<20_000 {
            let place = Int.random(in: vectors.indices, using: &generator)
            var fields = vectors[place].fields.map {
                (name: Array($0.name.lowercased().utf8), value: Array($0.value.utf8))
            }
            fields.append((Array(":peer".utf8), Array("10.1.2.3".utf8)))
            var body = vectors[place].body
            for _ in 0..<(round % 4) {
                let field = Int.random(in: fields.indices, using: &generator)
                mutate(&fields[field].value, &generator)
                if Int.random(in: 0..<8, using: &generator) == 0 { mutate(&body, &generator) }
                if Int.random(in: 0..<16, using: &generator) == 0 { fields.append(fields[field]) }
            }
            var head = head(fields)
            if Int.random(in: 0..<32, using: &generator) == 0 { mutate(&head, &generator) }
            if try verify(verifiers[place], head, body, at: vectors[place].receivedAtNanoseconds) { verified += 1 }
        }
        // A quarter was left as it was.
        #expect(verified > 4500 && verified < 7000)
    }

    private func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        let place = bytes.isEmpty ? 0 : Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: bytes.insert(UInt8(truncatingIfNeeded: generator.next()), at: place)
        case 1 where !bytes.isEmpty: bytes.remove(at: place)
        case 2 where !bytes.isEmpty: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
        case 3: bytes = generator.bytes(Int.random(in: 0..<100, using: &generator))
        case 4: bytes.removeLast(bytes.count - place)
        case 5: bytes.insert(contentsOf: bytes.prefix(place), at: place)
        default:
            let marks = Array("%=,. +:\"\\{}[]0tv1&?-_/".utf8)
            for _ in 0..<3 { bytes.insert(marks.randomElement(using: &generator) ?? 0, at: place) }
        }
    }

    @Test func `a token of any JSON never traps`() throws {
        let scheme = SchemePresets.liveKit
        let key = SourceKey(id: "k", bytes: [1])
        let verification = SourceVerification(source: "s", scheme: scheme, keys: SourceKeys([key]))
        func signed(_ header: String, _ claims: String) -> SignedVector {
            let text = base64URL(Array(header.utf8)) + "." + base64URL(Array(claims.utf8))
            let code = Array(text.utf8).withUnsafeBytes { HMACKey(key.bytes).withCode(of: $0) { Array($0) } }
            let request = SignedRequest(
                fields: [("authorization", text + "." + base64URL(code))], query: "", pathToken: nil)
            return SignedVector(verification, request, body: [], atNanoseconds: 100 * SignedVector.second)
        }
        let good = #""sha256":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=""#
        let header = #"{"alg":"HS256"}"#
        for (header, claims, code) in [
            (header, "{\(good),\"iss\":\"k\",\"exp\":100}", nil),
            (header, "{\(good),\"iss\":\"k\",\"exp\":100.75,\"nbf\":99.5}", nil),
            (header, #"{"sha256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU","iss":"k","exp":100}"#, nil),
            (#"{"alg":"none"}"#, "{\(good),\"iss\":\"k\",\"exp\":100}", RejectionCode.tokenMalformed),
            (#"{"alg":"HS384"}"#, "{\(good),\"iss\":\"k\",\"exp\":100}", .tokenMalformed),
            (#"{"alg":"hs256"}"#, "{\(good),\"iss\":\"k\",\"exp\":100}", .tokenMalformed),
            (#"{"alg":"HS256","crit":["b64"],"b64":false}"#, "{\(good),\"iss\":\"k\",\"exp\":100}", .tokenMalformed),
            ("{}", "{\(good),\"iss\":\"k\",\"exp\":100}", .tokenMalformed), ("", "", .tokenMalformed),
            ("[]", "{}", .tokenMalformed), (header, "[]", .tokenMalformed), (header, "{}", .keyMissing),
            (header, "{\(good),\"iss\":7,\"exp\":100}", .keyMissing),
            (header, "{\(good),\"iss\":\"l\",\"exp\":100}", .keyUnknown),
            (header, "{\(good),\"iss\":\"k\"}", .tokenMalformed),
            (header, "{\(good),\"iss\":\"k\",\"exp\":\"100\"}", .tokenMalformed),
            (header, "{\(good),\"iss\":\"k\",\"exp\":1e9}", .tokenMalformed),
            (header, "{\(good),\"iss\":\"k\",\"exp\":-1}", .tokenMalformed),
            (header, "{\(good),\"iss\":\"k\",\"exp\":39}", .tokenExpired),
            (header, "{\(good),\"iss\":\"k\",\"exp\":999999999999999999}", nil),
            (header, "{\(good),\"iss\":\"k\",\"exp\":9999999999999999999999}", .tokenMalformed),
            (header, "{\(good),\"iss\":\"k\",\"exp\":100,\"nbf\":161}", .timestampOutsideTolerance),
            (header, "{\(good),\"iss\":\"k\",\"exp\":100,\"nbf\":\"1\"}", .tokenMalformed),
            (header, #"{"iss":"k","exp":100}"#, .bodyDigestMismatch),
            (header, #"{"iss":"k","exp":100,"sha256":""}"#, .bodyDigestMismatch),
            (header, #"{"iss":"k","exp":100,"sha256":7}"#, .bodyDigestMismatch),
        ] {
            #expect(try signed(header, claims).code() == code, "\(header) \(claims)")
        }
        for text in [
            "", ".", "..", "...", "a.b.c", "a.b", "Bearer ", "Bearer a.b.c", String(repeating: "a", count: 9000),
        ] {
            let vector = signed("", "").with { $0.fields[0].value = text }
            #expect(try vector.code() == (text.isEmpty ? .tokenMissing : .tokenMalformed), "\(text)")
        }
    }

    private func base64URL(_ bytes: [UInt8]) -> String {
        let text = bytes.withUnsafeBytes { Base64.encode($0) }
        return String(text.compactMap { $0 == "=" ? nil : $0 == "+" ? "-" : $0 == "/" ? "_" : $0 })
    }

    @Test func `base64 has one spelling`() {
        func decode(_ text: String, _ spelling: Base64.Spelling = .standard) -> [UInt8]? {
            Array(text.utf8).withUnsafeBytes { Base64.decode($0, as: spelling) }
        }
        #expect(decode("") == [] && decode("AA==") == [0] && decode("AAA=") == [0, 0] && decode("AAAA") == [0, 0, 0])
        for wrong in [
            "A", "AA", "AAA", "AA=", "AB==", "AAB=", "A===", "====", "=", "AA==AA==", "AA==\n", " AA==", "-_AA", "AA=A",
        ] {
            #expect(decode(wrong) == nil, "\(wrong)")
        }
        #expect(
            decode("", .urlUnpadded) == [] && decode("AA", .urlUnpadded) == [0]
                && decode("-_8", .urlUnpadded) == [251, 255])
        for wrong in ["A", "AAAAA", "AB", "AAB", "AA==", "AAA=", "+/8", "AA\n"] {
            #expect(decode(wrong, .urlUnpadded) == nil, "\(wrong)")
        }
        var room = [UInt8](repeating: 0, count: 2)
        #expect(
            Array("AAAA".utf8).withUnsafeBytes { text in room.withUnsafeMutableBytes { Base64.decode(text, into: $0) } }
                == nil)
        #expect(
            Array("AAA=".utf8).withUnsafeBytes { text in room.withUnsafeMutableBytes { Base64.decode(text, into: $0) } }
                == 2)
    }
}
