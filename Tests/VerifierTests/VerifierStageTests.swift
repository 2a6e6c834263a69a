import Events
import JSON
import Providers
import SeededRandom
import Testing
import Verification
import VerificationSchemes
import WebhookSamples
import Wire

@testable import Verifier

struct VerifierStageTests {
    private let stream = SourceSecret(id: SampleLibrary.streamAPIKey, value: SampleLibrary.streamSecret)
    private let fastPix = SourceSecret(value: SampleLibrary.fastPixSecret)

    private func stage(stream: [SourceSecret], fastPix: [SourceSecret] = [], maxInflatedBytes: Int = 2_097_152)
        throws -> VerifierStage
    {
        VerifierStage(
            sources: try sources(stream: stream, fastPix: fastPix.isEmpty ? [self.fastPix] : fastPix),
            maxInflatedBytes: maxInflatedBytes)
    }

    private func sources(stream: [SourceSecret], fastPix: [SourceSecret]) throws -> [SourceVerification] {
        [
            try verification("stream", streamScheme, stream),
            try verification("fastpix", fastPixScheme, fastPix),
        ]
    }

    private let streamScheme = SchemePresets.scheme(named: "stream") ?? .none
    private let fastPixScheme = SchemePresets.scheme(named: "fastpix") ?? .none

    private func verification(_ source: String, _ scheme: VerificationScheme, _ secrets: [SourceSecret]) throws
        -> SourceVerification
    {
        SourceVerification(
            source: source, scheme: scheme, keys: try SourceKeyring.keys(secrets, for: scheme, provider: source))
    }

    /// The code of the refusal; nil where the webhook was verified. Checks that the record tells the same.
    private func verdict(_ stage: inout VerifierStage, _ record: Record) throws -> (
        code: RejectionCode, status: UInt16
    )? {
        var record = record
        let outcome = try record.pass { stage.process($0, into: &$1) }
        switch outcome {
        case .passed:
            #expect(try record.section(.verification) != nil)
            #expect(try record.section(.rejection) == nil)
            #expect(stage.lastProof != nil)
            return nil
        case .answered, .passedExcept:
            Issue.record("no source here has a handshake, and the verifier knows no elements")
            return nil
        case .refused(let rejection):
            #expect(try record.section(.verification) == nil && record.section(.inflatedBody) == nil)
            let written = try #require(try record.section(.rejection))
            #expect(try written.withUnsafeBytes { try Rejection(section: $0) } == rejection)
            #expect(rejection.stage == .verifier && !rejection.detail.isEmpty)
            #expect(stage.lastProof == nil)
            return (rejection.code, rejection.code.httpStatus)
        }
    }

    private func signed(_ body: [UInt8], secret: SourceSecret? = nil, as posted: [UInt8]? = nil) throws -> Record {
        let verification = try verification("stream", streamScheme, [secret ?? stream])
        let request = SourceSigner.fields(
            for: body, verification: verification, key: verification.keys.keys[0], webhookID: "w", atNanoseconds: 1)
        return Record(source: "stream", fields: request.fields, body: posted ?? body)
    }

    @Test func `what Stream signed is named the same under every id, compressed or not, and FastPix's is not named`()
        throws
    {
        var stage = try stage(stream: [stream])
        func name(_ record: Record) throws -> [UInt8]? {
            var record = record
            _ = try record.pass { stage.process($0, into: &$1) }
            return try record.section(.signedContent)
        }
        let sample = try #require(try SampleLibrary.samples(of: "stream").first)
        let fields = sample.fields.filter { $0.name.lowercased() != "x-webhook-id" }
        func sent(_ id: String) throws -> [UInt8]? {
            try name(Record(source: "stream", fields: fields + [(name: "x-webhook-id", value: id)], body: sample.body))
        }
        let first = try #require(try sent("a"))
        #expect(first.count == 32)
        #expect(try sent("b") == first)
        #expect(try name(Record(source: "stream", fields: fields, body: sample.body)) == first, "without an id")
        let body = Array("{\"type\":\"call.created\"}".utf8)
        #expect(try name(signed(body)) == name(signed(body, as: Gzip.compress(body))))
        #expect(try name(signed(body)) != first)
        let other = try #require(try SampleLibrary.samples(of: "fastpix").first)
        #expect(try name(Record(source: "fastpix", fields: other.fields, body: other.body)) == nil)
    }

    @Test func `every recorded webhook of both providers is verified`() throws {
        var stage = try stage(stream: [stream])
        var count = 0
        for provider in ["stream", "fastpix"] {
            for sample in try SampleLibrary.samples(of: provider) {
                let record = Record(source: provider, fields: sample.fields, body: sample.body)
                #expect(try verdict(&stage, record) == nil, "\(sample)")
                count += 1
            }
        }
        #expect(count == 37 + 32)
    }

    @Test func `a signature made elsewhere is verified`() throws {
        // HMAC-SHA256 by Python's hashlib, with the secret of Stream's published fixtures.
        let secret = SourceSecret(id: "key", value: Array("test_secret_do_not_use_in_production".utf8))
        var stage = try stage(stream: [secret])
        for (body, signature) in [
            (
                #"{"type":"call.session_started","created_at":1778198400000000000}"#,
                "9c65b50bfdf1e8205ba673103a21d3fda71d6969f9003c0f2cdaf43467f6ab07"
            ),
            ("", "ff0affd4e69c01904d58894b1d0ffac80fb093b36fa32ee2879ded7801a29578"),
        ] {
            let fields = [(name: "X-API-KEY", value: "key"), (name: "X-SIGNATURE", value: signature)]
            for posted in [Array(body.utf8), Gzip.compress(Array(body.utf8))] {
                #expect(try verdict(&stage, Record(source: "stream", fields: fields, body: posted)) == nil)
            }
        }
    }

    @Test func `a compressed body is inflated, with or without the header field that says so`() throws {
        let plain = Array(try SampleLibrary.contents("stream/custom.json"))
        let packed = Array(try SampleLibrary.contents("stream/variants/custom.json.gz"))
        var stage = try stage(stream: [stream])
        for fields in [[], [(name: "Content-Encoding", value: "gzip")]] {
            var record = try signed(plain, as: packed)
            record = Record(source: "stream", fields: try self.fields(of: record) + fields, body: packed)
            let outcome = try record.pass { stage.process($0, into: &$1) }
            #expect(outcome == .passed)
            #expect(try record.section(.inflatedBody) == plain)
            #expect(try record.section(.body) == packed)
            #expect(try record.withView { VerifiedWebhook($0)?.body.elementsEqual(plain) } == true)
        }
    }

    private func fields(of record: Record) throws -> [(name: String, value: String)] {
        try record.withView { view in
            var fields: [(name: String, value: String)] = []
            AcceptedWebhook(view)?.head.forEachField { name, value in
                fields.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
                return true
            }
            return fields
        }
    }

    @Test func `a signature over the compressed bytes is wrong`() throws {
        var stage = try stage(stream: [stream])
        let packed = Gzip.compress(Array("{}".utf8))
        let verdict = try verdict(&stage, signed(packed, as: packed))
        #expect(verdict?.code == .signatureMismatch && verdict?.status == 401)
    }

    @Test func `damaged and oversized compression is refused`() throws {
        var stage = try stage(stream: [stream], maxInflatedBytes: 1000)
        let packed = Gzip.compress(Array("{\"type\":\"custom\"}".utf8))
        for posted in [Array(packed.dropLast()), packed + [1], [0x1f, 0x8b], [0x1f, 0x8b, 8, 0, 0]] {
            let verdict = try verdict(&stage, signed([1], as: posted))
            #expect(verdict?.code == .bodyNotInflatable && verdict?.status == 400)
        }
        let bomb = try verdict(&stage, signed([1], as: Gzip.compress([UInt8](repeating: 32, count: 10_000_000))))
        #expect(bomb?.code == .bodyTooLargeInflated && bomb?.status == 413)
    }

    @Test func `an unknown API key is refused before anything is inflated`() throws {
        var stage = try stage(stream: [stream])
        let stranger = SourceSecret(id: "stranger", value: [1])
        let verdict = try verdict(&stage, signed([1], secret: stranger, as: [0x1f, 0x8b, 1, 2, 3]))
        #expect(verdict?.code == .keyUnknown && verdict?.status == 401)
    }

    @Test func `missing and malformed fields have codes of their own`() throws {
        var stage = try stage(stream: [stream])
        let key = (name: "X-API-KEY", value: SampleLibrary.streamAPIKey)
        let right = String(repeating: "ab", count: 32)
        for (fields, code) in [
            ([], RejectionCode.keyMissing), ([(name: "X-SIGNATURE", value: right)], .keyMissing),
            ([(name: "X-API-KEY", value: "")], .keyMissing), ([key], .signatureMissing),
            ([key, (name: "X-SIGNATURE", value: "")], .signatureMissing),
            ([key, (name: "X-SIGNATURE", value: "abc")], .signatureMalformed),
            ([key, (name: "X-SIGNATURE", value: right + "ab")], .signatureMalformed),
            ([key, (name: "X-SIGNATURE", value: right.uppercased())], .signatureMismatch),
            ([key, (name: "X-SIGNATURE", value: right)], .signatureMismatch),
        ] {
            let verdict = try verdict(&stage, Record(source: "stream", fields: fields, body: [1]))
            #expect(verdict?.code == code && verdict?.status == 401)
        }
        let unpadded = String(repeating: "A", count: 44)
        for (fields, code) in [
            ([], RejectionCode.signatureMissing), ([(name: "FastPix-Signature", value: "x")], .signatureMalformed),
            ([(name: "FastPix-Signature", value: unpadded)], .signatureMalformed),
            ([(name: "FastPix-Signature", value: unpadded.dropLast() + "=")], .signatureMismatch),
        ] {
            let verdict = try verdict(&stage, Record(source: "fastpix", fields: fields, body: [1]))
            #expect(verdict?.code == code && verdict?.status == 401)
        }
    }

    @Test(arguments: ["stream", "fastpix"])
    func `every change of one byte of body, signature or key fails`(provider: String) throws {
        var stage = try stage(stream: [stream])
        let samples = try SampleLibrary.samples(of: provider)
        let sample = try #require(samples.min { $0.body.count < $1.body.count })
        for place in sample.body.indices {
            var body = sample.body
            body[place] ^= UInt8(1 << (place % 8))
            #expect(try verdict(&stage, Record(source: provider, fields: sample.fields, body: body)) != nil)
        }
        for field in sample.fields.indices
        where ["signature", "key"].contains(where: sample.fields[field].name.lowercased().hasSuffix) {
            for place in sample.fields[field].value.utf8.indices {
                for bit in 0..<7 {
                    var fields = sample.fields
                    var value = Array(fields[field].value.utf8)
                    let offset = fields[field].value.utf8.distance(from: fields[field].value.utf8.startIndex, to: place)
                    value[offset] ^= 1 << bit
                    fields[field].value = String(decoding: value, as: UTF8.self)
                    // The case of a hexadecimal digit says nothing.
                    let isSame = fields[field].value.lowercased() == sample.fields[field].value.lowercased()
                    if provider == "stream", sample.fields[field].name.lowercased() == "x-signature", isSame {
                        continue
                    }
                    #expect(try verdict(&stage, Record(source: provider, fields: fields, body: sample.body)) != nil)
                }
            }
        }
    }

    @Test func `several secrets are valid at once, and the verification names the one that matched`() throws {
        let other = SourceSecret(id: SampleLibrary.streamAPIKey, value: [9, 9])
        let otherApp = SourceSecret(id: "app2", value: [7])
        var stage = try stage(stream: [other, stream, otherApp])
        for secret in [stream, other, otherApp] {
            var record = try signed([1, 2], secret: secret)
            #expect(try record.pass { stage.process($0, into: &$1) } == .passed)
            let section = try #require(try record.section(.verification))
            let verification = try section.withUnsafeBytes { try Verification(section: $0) }
            #expect(verification == Verification(scheme: "stream", keyID: secret.id ?? ""))
        }
        let swapped = SourceSecret(id: "app2", value: SampleLibrary.streamSecret)
        #expect(try verdict(&stage, signed([1], secret: swapped))?.code == .signatureMismatch)
    }

    @Test func `FastPix's keys are named by id or place`() throws {
        let sample = try #require(try SampleLibrary.samples(of: "fastpix").first)
        let previous = SourceSecret(value: Array("AAAA".utf8))
        for (secrets, id) in [
            ([previous, fastPix], "1"), ([SourceSecret(id: "now", value: fastPix.value), previous], "now"),
        ] {
            var stage = try stage(stream: [stream], fastPix: secrets)
            var record = Record(source: "fastpix", fields: sample.fields, body: sample.body)
            #expect(try record.pass { stage.process($0, into: &$1) } == .passed)
            let section = try #require(try record.section(.verification))
            #expect(try section.withUnsafeBytes { try Verification(section: $0) }.keyID == id)
        }
    }

    @Test func `keys are exchanged all at once`() throws {
        let next = SourceSecret(id: SampleLibrary.streamAPIKey, value: [5])
        var stage = try stage(stream: [stream])
        #expect(try verdict(&stage, signed([1], secret: next))?.code == .signatureMismatch)
        stage.replace(try sources(stream: [stream, next], fastPix: [fastPix]))
        #expect(try verdict(&stage, signed([1], secret: next)) == nil)
        #expect(try verdict(&stage, signed([1])) == nil)
        stage.replace(try sources(stream: [next], fastPix: [fastPix]))
        #expect(try verdict(&stage, signed([1]))?.code == .signatureMismatch)
    }

    @Test func `the place of the proof tells which key matched, without any text`() throws {
        let second = SourceSecret(id: "app2", value: [7])
        var stage = try stage(stream: [stream, second])
        #expect(stage.proofs.map { $0.map(\.keyID) } == [[SampleLibrary.streamAPIKey, "app2"], ["0"]])
        for (secret, place) in [(second, 1), (stream, 0)] {
            #expect(try verdict(&stage, signed([1], secret: secret)) == nil)
            #expect(stage.lastProof == VerifierStage.ProofPlace(source: 0, proof: place))
        }
    }

    @Test func `a genuine handshake is answered and travels on with no events`() throws {
        let zoom = try verification("zoom", SchemePresets.zoom, [SourceSecret(value: Array("secret".utf8))])
        var stage = VerifierStage(sources: [zoom], maxInflatedBytes: 1000)
        let body = Array(#"{"event":"endpoint.url_validation","payload":{"plainToken":"abc"}}"#.utf8)
        var record = Record(source: "zoom", fields: [], body: body)
        guard case .answered(let reply) = try record.pass({ stage.process($0, into: &$1) }) else {
            Issue.record("the handshake was not answered")
            return
        }
        #expect(String(decoding: reply, as: UTF8.self).hasPrefix(#"{"plainToken":"abc","encryptedToken":""#))
        #expect(try record.section(.verification) != nil && record.section(.rejection) == nil)
        #expect(try record.events().isEmpty && record.section(.events) == [0, 0, 0, 0])
        #expect(stage.lastProof == VerifierStage.ProofPlace(source: 0, proof: 0))
    }

    @Test func `a source that is not configured is refused`() throws {
        var stage = try stage(stream: [stream])
        let verdict = try verdict(&stage, Record(source: "streams", fields: [], body: []))
        #expect(verdict?.code == .sourceUnknown && verdict?.status == 404)
    }

    @Test func `tombstones and refused records pass untouched`() throws {
        var stage = try stage(stream: [stream])
        var tombstone = Record(source: "nobody", fields: [], body: [])
        tombstone.bytes.withUnsafeMutableBytes { EnvelopePatch.mark($0, flags: .tombstone, resends: 3) }
        var refused = Record(source: "stream", fields: [], body: [])
        refused.append { Rejection(.poison, stage: .ingress).write(to: &$0) }
        for record in [tombstone, refused] {
            var passed = record
            #expect(try passed.pass { stage.process($0, into: &$1) } == .passed)
            #expect(passed.bytes == record.bytes)
        }
    }

    @Test func `random heads and bodies never trap`() throws {
        var stage = try stage(stream: [stream])
        var generator = SeededGenerator(seed: 3)
        let names = ["X-API-KEY", "X-SIGNATURE", "FastPix-Signature"]
        for _ in 0..<3000 {
            let fields = names.shuffled(using: &generator).prefix(Int.random(in: 0...3, using: &generator)).map {
                name in
                let count = [0, 1, 13, 44, 64].randomElement(using: &generator) ?? 0
                let bytes = (0..<count).map { _ in UInt8.random(in: 0x20...0x7E, using: &generator) }
                return (
                    name: name,
                    value: Bool.random(using: &generator) && name == "X-API-KEY"
                        ? SampleLibrary.streamAPIKey : String(decoding: bytes, as: UTF8.self)
                )
            }
            let body =
                [0x1f, 0x8b].prefix(Int.random(in: 0...2, using: &generator))
                + (0..<40).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let source = ["stream", "fastpix", "x"].randomElement(using: &generator) ?? "x"
            #expect(try verdict(&stage, Record(source: source, fields: fields, body: Array(body))) != nil)
        }
    }
}
