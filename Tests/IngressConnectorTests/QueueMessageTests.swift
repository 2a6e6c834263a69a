import AWS
import Foundation
import Gzip
import JSON
import Primitives
import Testing
import WebhookSamples

@testable import IngressConnector

struct QueueMessageTests {
    private enum Reading: Equatable {
        case webhook([UInt8], id: String?)
        case damaged
    }

    private func receipt(_ body: String, attributes: [String: String] = [:]) throws -> SQSReceipt {
        let members = attributes.map { ($0.key, JSONText.object([("StringValue", .string($0.value))])) }
        let message = JSONText.object([
            ("MessageId", .string("queue-id")), ("ReceiptHandle", .string("h")), ("Body", .string(body)),
            ("MessageAttributes", .object(members)),
        ])
        return try #require(try SQSReceipt.all(JSONText.object([("Messages", .array([message]))]).bytes).first)
    }

    /// With the body as the verifier makes it of what is handed on. Id nil: that of the queue.
    private func read(_ text: String) throws -> Reading {
        let webhook = FetchedWebhook(try receipt(text))
        let id = webhook.id == "queue-id" ? nil : webhook.id
        return webhook.body.withUnsafeBytes { body in
            guard Inflater.isCompressed(body) else { return .webhook(Array(body), id: id) }
            return Inflater(maxInflatedBytes: 1 << 20).inflate(body) { outcome in
                if case .inflated(let inflated) = outcome { .webhook(Array(inflated), id: id) } else { .damaged }
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
            let expected = vector.body.map { Reading.webhook(Array($0), id: id) } ?? .damaged
            #expect(try read(vector.text) == expected, "\(vector.form): \(vector.name)")
        }
    }

    @Test func `every form of the recorded webhook gives the same body`() throws {
        let index = try SampleLibrary.contents("stream/variants/INDEX.json")
        let forms = try #require(try JSONSerialization.jsonObject(with: index) as? [String: Any])
        let plain = try #require(forms["sqs_body_uncompressed"] as? String)
        let body = Array(plain.utf8)
        #expect(try read(plain) == .webhook(body, id: nil))
        #expect(try read(try #require(forms["sqs_body_compressed"] as? String)) == .webhook(body, id: nil))
        let envelope = try JSONSerialization.data(withJSONObject: #require(forms["sns_envelope"]))
        let id = "00000000-0000-0000-0000-000000000000"
        #expect(try read(String(decoding: envelope, as: UTF8.self)) == .webhook(body, id: id))
    }

    @Test func `a request to confirm a subscription is handed on whole, for somebody to see in quarantine`() throws {
        for type in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
            let text = #"{"Type":"\#(type)","Message":"You have chosen to subscribe","SubscribeURL":"https://s"}"#
            #expect(try read(text) == .webhook(Array(text.utf8), id: nil))
        }
    }

    @Test func `deep, broken and odd texts are handed on for the normaliser to refuse`() throws {
        for text in ["", "{", String(repeating: "[", count: 10_000), #"{"Message":7}"#, "[]", "\u{0}"] {
            #expect(try read(text) == .webhook(Array(text.utf8), id: nil))
        }
        #expect(try read(#"{"Message":""}"#) == .webhook([], id: nil))
        #expect(try read(#"{"Message":"{}","MessageId":7}"#) == .webhook(Array("{}".utf8), id: "7"))
        let long = String(repeating: "7", count: 256)
        #expect(try read(#"{"Message":"{}","MessageId":"\#(long)"}"#) == .webhook(Array("{}".utf8), id: nil))
    }

    @Test func `attributes of the message, and of the envelope in it, are header fields`() throws {
        let text = #"{"Message":"{}","MessageAttributes":{"X-Signature":{"Type":"String","Value":"s"}}}"#
        let webhook = FetchedWebhook(try receipt(text, attributes: ["X-Webhook-Id": "w", "trace": "t"]))
        let fields: [FetchedWebhook.Field] = [
            .init(name: "X-Signature", value: "s"), .init(name: "X-Webhook-Id", value: "w"),
            .init(name: "trace", value: "t"), .init(name: "content-type", value: "application/json"),
        ]
        #expect(webhook == FetchedWebhook(fields: fields, id: "queue-id", body: Array("{}".utf8)))
    }

    @Test func `attributes that an envelope has no room for are left out`() throws {
        let long = String(repeating: "x", count: FetchedWebhook.attributeBytes)
        let webhook = FetchedWebhook(try receipt("{}", attributes: ["a": "1", "b": long]))
        #expect(webhook.fields.map(\.name) == ["a", "content-type"])
    }
}
