import EventLog
import JSON
import NATS
import NIOCore
import PipelineConfiguration
import Testing

@testable import EventDelivery

/// What becomes of events and answers on the way to NATS; `Tests/Brokers` has a server.
struct NATSDestinationTests {
    private func template(_ subject: String) throws -> SubjectTemplate {
        let text =
            "{\"name\":\"n\",\"type\":\"nats\",\"servers\":[\"nats://127.0.0.1\"],\"publish_subject\":\"\(subject)\"}"
        let document = try #require(JSONValue.read(Array(text.utf8)))
        let read = try SubscriptionDocument.decode(document, sources: [])
        return try #require(read.destination as? NATSDestinationConfiguration).subject
    }

    @Test(arguments: [
        ("events.{source}.{type}", [:], "events.stream-prod.participant.joined"),
        ("{provider}-{subject}", [:], "stream-calls-call_default_1"),
        ("a.{partitionkey}.b", ["partitionkey": "x.y z*>ä"], "a.x_y_z____.b"),
        ("a.{type}.b", ["type": "..odd..type."], "a._.odd._type._.b"),
        ("a.{subject}.{type}", ["subject": "", "type": ""], "a._._"),
    ])
    func `a subject has the event's attributes, each without what NATS forbids`(
        _ text: String, _ changes: [String: String], _ subject: String
    ) throws {
        #expect(try template(text).subject(of: BrokerSample.content(changes)) == subject)
    }

    @Test func `a long attribute is cut`() throws {
        let content = try BrokerSample.content(["subject": String(repeating: "x", count: 5000)])
        #expect(try template("{subject}").subject(of: content).utf8.count == 255)
    }

    @Test(arguments: ["a..b", ".a", "a.", "a b", "a.*", "a.>", "{nothing}", "a.{type", "}", "ä"])
    func `a template that makes no subject is refused`(_ text: String) {
        #expect(throws: SubscriptionDocumentError.self) { try template(text) }
    }

    @Test func `structured events carry their media type and their id`() throws {
        let fields = NATSDestination.fields(of: try BrokerSample.content())
        #expect(fields.map(\.name) == ["content-type", "Nats-Msg-Id"])
        #expect(fields.map(\.value) == ["application/cloudevents+json", "evt-1"])
        let odd = NATSDestination.fields(of: try BrokerSample.content(["id": "a\r\nb: ü"]))
        #expect(odd.last?.value == "a%0D%0Ab%3A%20%C3%BC")
    }

    @Test func `binary events carry their attributes as fields and their data as the body`() throws {
        let content = try BrokerSample.content(["subject": "50% \"ü\""], as: .cloudeventsBinary)
        let fields = Dictionary(uniqueKeysWithValues: NATSDestination.fields(of: content).map { ($0.name, $0.value) })
        #expect(fields["content-type"] == "application/json" && fields["ce-datacontenttype"] == "application/json")
        #expect(fields["ce-specversion"] == "1.0" && fields["ce-id"] == "evt-1" && fields["Nats-Msg-Id"] == "evt-1")
        #expect(fields["ce-subject"] == "50%25%20%22%C3%BC%22")
        #expect(fields["ce-sequence"] == "00000000000000000000")
        #expect(content.body.bytes == Array("{\"a\":1}".utf8))
    }

    @Test(arguments: [
        (#"{"stream":"S","seq":1}"#, "delivered", AttemptOutcome.Verdict.delivered),
        (#"{"stream":"S","seq":1,"duplicate":true}"#, "delivered", .delivered),
        (
            #"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}"#,
            "event_too_large", .tooLarge
        ),
        (#"{"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}}"#, "refused", .final),
        (
            #"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}"#, "broker_unavailable",
            .retry
        ),
        ("+OK", "response_malformed", .retry), ("{}", "response_malformed", .retry),
    ])
    func `only an acknowledgement of a stream delivers`(
        _ answer: String, _ word: String, _ verdict: AttemptOutcome.Verdict
    ) {
        let outcome = AttemptOutcome(NATSReply(Array(answer.utf8)))
        #expect(outcome.word == word && outcome.verdict == verdict)
    }

    @Test func `a subject that no stream takes is tried again`() {
        let outcome = AttemptOutcome(NATSReply.noResponders)
        #expect(outcome.word == "no_such_queue" && outcome.verdict == .retry)
    }

    @Test func `a file of credentials is read as nsc writes it`() {
        let file = """
            -----BEGIN NATS USER JWT-----
            eyJ0.e30.c2ln
            ------END NATS USER JWT------

            ************************* IMPORTANT *************************
            -----BEGIN USER NKEY SEED-----
            SUAKYRHVIOREXV7EUZTBHUHL7NUMHPMAS7QMDU3GTIUWEI5LDNOXD43IZY
            ------END USER NKEY SEED------
            """
        #expect(
            NATSOptions.Login.credentials(file: file)
                == .credentials(
                    jwt: "eyJ0.e30.c2ln", seed: "SUAKYRHVIOREXV7EUZTBHUHL7NUMHPMAS7QMDU3GTIUWEI5LDNOXD43IZY"))
        #expect(NATSOptions.Login.credentials(file: "SUAKYRHV") == nil)
    }
}
