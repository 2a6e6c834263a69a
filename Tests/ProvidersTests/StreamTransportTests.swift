import Events
import Foundation
import JSON
import Primitives
import Testing
import WebhookSamples
import Wire

@testable import Normalisation

struct StreamTransportTests {
    private enum Reading: Equatable {
        case webhook([UInt8], id: String?)
        case confirmation
        case refused(RejectionCode)
    }

    private func read(_ text: String, maxBodyBytes: Int = 1 << 20) -> Reading {
        Array(text.utf8).withUnsafeBytes { bytes in
            StreamTransport(maxBodyBytes: maxBodyBytes).read(bytes) { content in
                switch content {
                case .webhook(let body, let id):
                    .webhook(Array(body), id: id.map { String(decoding: $0, as: UTF8.self) })
                case .confirmation: .confirmation
                case .refused(let code): .refused(code)
                }
            }
        }
    }

    private struct Vectors: Decodable {
        struct Vector: Decodable {
            let form: String
            let name: String
            let text: String
            let body: Data?
        }
        let vectors: [Vector]
    }

    @Test func `the official SDK reads the same out of every form`() throws {
        let vectors = try JSONDecoder().decode(
            Vectors.self, from: SampleLibrary.contents("stream/variants/transport.json")
        ).vectors
        #expect(vectors.count > 20)
        for vector in vectors {
            let isWrapped = vector.form == "sns" && vector.name.hasPrefix("envelope with ")
            let id = isWrapped ? "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324" : nil
            let expected = vector.body.map { Reading.webhook(Array($0), id: id) } ?? .refused(.bodyNotInflatable)
            #expect(read(vector.text) == expected, "\(vector.form): \(vector.name)")
        }
    }

    @Test func `every form of the recorded webhook gives the same body`() throws {
        let index = try SampleLibrary.contents("stream/variants/INDEX.json")
        let forms = try #require(try JSONSerialization.jsonObject(with: index) as? [String: Any])
        let plain = try #require(forms["sqs_body_uncompressed"] as? String)
        let body = Array(plain.utf8)
        #expect(read(plain) == .webhook(body, id: nil))
        #expect(read(try #require(forms["sqs_body_compressed"] as? String)) == .webhook(body, id: nil))
        let envelope = try JSONSerialization.data(withJSONObject: #require(forms["sns_envelope"]))
        let id = "00000000-0000-0000-0000-000000000000"
        #expect(read(String(decoding: envelope, as: UTF8.self)) == .webhook(body, id: id))
    }

    @Test func `a request to confirm a subscription holds no webhook`() {
        for type in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
            #expect(read(#"{"Type":"\#(type)","Message":"You have chosen to subscribe","Token":"t"}"#) == .confirmation)
        }
    }

    @Test func `a bomb is stopped at the limit`() {
        let bomb = Gzip.compress([UInt8](repeating: 0x20, count: 20_000_000)).withUnsafeBytes { Base64.encode($0) }
        #expect(read(bomb, maxBodyBytes: 100_000) == .refused(.bodyTooLargeInflated))
        #expect(read(#"{"Message":"\#(bomb)"}"#, maxBodyBytes: 100_000) == .refused(.bodyTooLargeInflated))
    }

    @Test func `deep, broken and odd texts are handed on for the normaliser to refuse`() {
        for text in ["", "{", String(repeating: "[", count: 10_000), #"{"Message":7}"#, "[]", "\u{0}"] {
            #expect(read(text) == .webhook(Array(text.utf8), id: nil))
        }
        #expect(read(#"{"Message":""}"#) == .webhook([], id: nil))
        #expect(read(#"{"Message":"{}","MessageId":7}"#) == .webhook(Array("{}".utf8), id: "7"))
    }
}
