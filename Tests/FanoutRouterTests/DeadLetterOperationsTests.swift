import JSON
import Testing

@testable import EventDelivery

/// Dead letters through the API of a whole router.
@Suite(.serialized) struct DeadLetterOperationsTests {
    /// Four events that one subscription answers with two statuses, one does not answer and one may not be sent to.
    private func prepared() async throws -> (fixture: OperationsFixture, subscriber: Subscriber) {
        let subscriber = try Subscriber { _, request in
            request.position % 2 == 0 ? .status(500) : .status(503)
        }
        let closed = try Subscriber { _, _ in .status(200) }
        let closedURL = closed.url
        closed.stop()
        let fixture = try OperationsFixture([
            .init(name: "broken", url: subscriber.url), .init(name: "closed", url: closedURL),
            .init(name: "private", url: "https://10.0.0.1/events"),
        ])
        fixture.receive(1...4)
        try await eventually { try fixture.all("/v1/dead-letters", "dead_letters").count == 12 }
        return (fixture, subscriber)
    }

    @Test func `dead letters are grouped by cause, ours apart from theirs`() async throws {
        let (fixture, subscriber) = try await prepared()
        func totals(_ query: String = "") throws -> [String] {
            try fixture.ask("GET", "/v1/dead-letters/totals\(query)").json["totals"].elements.map { total in
                ["subscription", "cause", "fault", "count"].map { total[$0].text }.joined(separator: " ")
            }.sorted()
        }
        let theirs = ["broken status 500 theirs 2", "broken status 503 theirs 2", "closed connect_failed theirs 4"]
        let ours = ["private address_refused ours 4"]
        #expect(try totals() == theirs + ours)
        #expect(try totals("?fault=ours") == ours)
        #expect(try totals("?fault=theirs") == theirs)
        #expect(try totals("?subscription=closed") == [theirs[2]])
        #expect(try totals("?cause=status%20500") == [theirs[0]])
        #expect(try totals("?until=2000-01-01T00:00:00Z") == [])
        #expect(try totals("?since=2000-01-01T00:00:00Z") == theirs + ours)
        subscriber.stop()
    }

    @Test func `dead letters are listed by subscription and position, page by page`() async throws {
        let (fixture, subscriber) = try await prepared()
        func places(_ query: String) throws -> [String] {
            try fixture.all("/v1/dead-letters?\(query)", "dead_letters").map {
                "\($0["subscription"].text) \($0["position"].text)"
            }
        }
        let all = ["broken", "closed", "private"].flatMap { name in (1...4).map { "\(name) \($0)" } }
        for limit in [1000, 7, 1] { #expect(try places("limit=\(limit)") == all) }
        #expect(try places("subscription=closed&limit=3") == all.filter { $0.hasPrefix("closed") })
        #expect(try places("cause=status%20503&limit=2") == [1, 3].map { "broken \($0)" })
        #expect(try places("fault=ours") == all.filter { $0.hasPrefix("private") })
        let first = try fixture.ask("GET", "/v1/dead-letters?limit=1").json["dead_letters"].elements[0]
        #expect(first["reason"].text == "status 503")
        #expect(first["attempts"].integer == 1)
        #expect(try fixture.ask("GET", "/v1/dead-letters?fault=nobody").status == 400)
        #expect(try fixture.ask("GET", "/v1/dead-letters?cursor=x").status == 400)
        subscriber.stop()
    }
}
