import EventLog
import LogSamples
import PipelineConfiguration
import Testing

@testable import EventDelivery

@Suite(.serialized) struct FilterTests {
    private func record<Value>(
        subject: String = "calls/default:1", payload: String = "{\"a\":1}", _ body: (EventRecord) -> Value
    ) throws -> Value {
        let folder = try TemporaryFolder()
        let settings = EventLogSettings(path: folder.file)
        let log = try SegmentEventLog(settings: settings)
        var transaction = LogTransaction(settings: settings, takenAtNanoseconds: 1)
        let envelope = Sample.envelope(sequence: 1, ids: ["a"], subject: subject, payload: payload)
        _ = try Sample.admit(envelope, log, &transaction)
        let rows = try log.commit(transaction)
        let value = rows.first?.withRecord(at: 1, body)
        return try #require(value)
    }

    @Test func `attributes are matched by lists, each of which must hold`() throws {
        func matches(_ matcher: EventMatcher) throws -> Bool { try record { matcher.matches($0) } }
        #expect(try matches(EventMatcher(types: ["participant.*"], sources: ["stream"], subjects: ["calls/*"])))
        #expect(try !matches(EventMatcher(types: ["room.*"])))
        #expect(try matches(EventMatcher(types: ["dev.tributary.participant.*"])), "the prefix may be there, too")
        #expect(try !matches(EventMatcher(types: ["dev.tributary.room.*"])))
        #expect(try !matches(EventMatcher(providers: ["stream"])), "the sample has no provider")
        #expect(try !matches(EventMatcher(keys: ["a*"])), "the sample has no partition key")
        #expect(try matches(EventMatcher(keys: ["*"])))
    }

    @Test(arguments: [
        (ContentCondition(pointer: "/role", test: .oneOf(["guest", "host"])), true),
        (ContentCondition(pointer: "/role", test: .oneOf(["guest"])), false),
        (ContentCondition(pointer: "/big", test: .oneOf(["12345678901234567890"])), true),
        (ContentCondition(pointer: "/deep/list/1/x", test: .oneOf(["y"])), true),
        (ContentCondition(pointer: "/a~1b", test: .oneOf(["slash"])), true),
        (ContentCondition(pointer: "/number", test: .within(atLeast: 1.5, below: nil)), true),
        (ContentCondition(pointer: "/number", test: .within(atLeast: nil, below: 1.5)), false),
        (ContentCondition(pointer: "/role", test: .within(atLeast: 0, below: nil)), false),
        (ContentCondition(pointer: "/nothing", test: .exists(true)), true),
        (ContentCondition(pointer: "/absent", test: .exists(true)), false),
        (ContentCondition(pointer: "/absent", test: .exists(false)), true),
    ])
    func `a condition looks at the value where its pointer leads`(_ condition: ContentCondition, _ holds: Bool) throws {
        let payload = """
            {"role":"host","big":12345678901234567890,"deep":{"list":[0,{"x":"y"}]},"a/b":"slash","number":1.5,
            "nothing":null}
            """
        let matcher = try #require(ContentMatcher([condition]))
        #expect(try record(payload: payload) { matcher.matches($0) } == holds)
    }

    @Test func `every condition must hold, also two on one value`() throws {
        let range = [
            ContentCondition(pointer: "/a", test: .within(atLeast: 1, below: nil)),
            ContentCondition(pointer: "/a", test: .within(atLeast: nil, below: 2)),
        ]
        let matcher = try #require(ContentMatcher(range))
        #expect(try record(payload: "{\"a\":1}") { matcher.matches($0) })
        #expect(try !record(payload: "{\"a\":2}") { matcher.matches($0) })
        #expect(ContentMatcher([]) == nil)
    }

    @Test func `a subscription with conditions gets what fulfils them and passes over the rest`() async throws {
        let folder = try TemporaryFolder()
        let subscriber = try Subscriber { _, _ in .status(200) }
        let fixture = try RouterFixture(
            EventLogSettings(path: folder.file),
            lanes: [
                LaneSettings(
                    name: "app", place: subscriber.url,
                    conditions: [ContentCondition(pointer: "/n", test: .within(atLeast: 5, below: 8))])
            ])
        fixture.receive(1...10) { sequence in
            Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                payload: "{\"n\":\(sequence)}")
        }
        #expect(try await subscriber.wait(for: 3).map(\.position).sorted() == [5, 6, 7])
        try await eventually { try fixture.withLane("app") { $0.cursor.taken } == 10 }
        fixture.stop()
        #expect(subscriber.ledger.all.count == 3)
    }
}
