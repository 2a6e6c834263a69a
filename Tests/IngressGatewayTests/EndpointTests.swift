import Foundation
import PipelineConfiguration
import Testing
import Wire

@testable import IngressGateway

/// A source whose provider's clients call a path of their own behind it: Stream's SDKs.
@Suite(.serialized) struct EndpointTests {
    private static let path = "api/v2/video/call/livestream/room%2042/event"

    /// What an SDK of Stream's needs of an error: all six members, or it says code 0.
    private struct StreamError: Decodable {
        var code: Int
        var sentence: String
        var status: Int
        var duration: String
        var link: String
        var details: [Int]

        private enum CodingKeys: String, CodingKey {
            case code, duration, details
            case sentence = "message"
            case status = "StatusCode"
            case link = "more_info"
        }

        init(_ answer: HTTPAnswer?) throws {
            let answer = try #require(answer)
            self = try JSONDecoder().decode(Self.self, from: Data(answer.body.utf8))
            #expect(status == answer.status && duration.hasSuffix("ms") && details.isEmpty)
            #expect(answer.fields["content-type"] == "application/json")
        }
    }

    @Test func `its path is answered as the provider does, and travels as it was sent`() throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(post("/in/calls/\(Self.path)?api_key=key123"))
        let answer = try #require(client.answer())
        #expect(answer.status == 201 && answer.body.wholeMatch(of: #/\{"duration":"\d+\.\d\dms"\}/#) != nil)
        #expect(answer.fields["tributary-webhook-id"]?.hasSuffix("-1") == true)
        let fields = try #require(test.bus.webhooks.first?.fields)
        #expect(fields[":path"] == Self.path && fields[":query"] == "api_key=key123" && fields[":token"] == nil)
        #expect(test.metrics.contains(#"status="201"} 1"#))
    }

    @Test(arguments: [
        "", "/", "/token", "/api/v2/video/call/livestream/event", "/api/v2/video/call/livestream/a/event/x",
        "/api/v2/video/call/livestream/%4/event", "/api/v2/video/call//a/event", "//api/v2/video/call/a/b/event",
    ])
    func `another path is not found, in the provider's shape, and the connection goes on`(path: String) throws {
        let test = try TestIngress()
        let client = test.connect()
        client.send(post("/in/calls\(path)") + post("/in/calls/\(Self.path)"))
        let error = try StreamError(client.answer())
        #expect(error.status == 404 && error.code == 16)
        #expect(
            error.sentence.hasPrefix("not_found: This source takes POST /in/calls/api/v2/video/call/{type}/{id}/event"))
        #expect(client.answer()?.status == 201)
        #expect(test.bus.webhooks.count == 1)
    }

    @Test func `a body over the source's limit is refused in the provider's shape, others take it`() throws {
        let test = try TestIngress()
        let body = #"{"a":"\#(String(repeating: "x", count: 57))"}"#
        let chunked = "Transfer-Encoding: chunked\r\n\r\n41\r\n\(body)\r\n0\r\n\r\n"
        for request in [
            post("/in/calls/\(Self.path)", body: body),
            "POST /in/calls/\(Self.path) HTTP/1.1\r\nHost: localhost\r\n\(chunked)",
            post("/in/calls/\(Self.path)", body: String(repeating: "x", count: 2 << 20)),
        ] {
            let client = test.connect()
            client.send(request)
            let answer = client.answer()
            let error = try StreamError(answer)
            #expect(error.status == 400 && error.code == 4 && answer?.closes == true)
            #expect(error.sentence.hasPrefix("body_too_large: "))
        }
        let client = test.connect()
        client.send(post("/in/calls/\(Self.path)", body: String(body.dropFirst())) + post("/in/stream", body: body))
        #expect(client.answer()?.status == 201 && client.answer()?.status == 202)
    }

    @Test func `what is over a quota has the provider's number, and says when to come again`() throws {
        var quotas = QuotaSettings(journalBytes: 64 << 20, patienceNanoseconds: 0)
        quotas.quotas.perAddress = QuotaConfiguration(
            requestsPerSecond: 1, bytesPerSecond: 1 << 20, burst: .seconds(1))
        let test = try TestIngress(quotas: quotas)
        let client = test.connect()
        client.send(String(repeating: post("/in/calls/\(Self.path)"), count: 10))
        let answers = try (0..<10).map { _ in try #require(client.answer()) }
        #expect(answers[0].status == 201)
        let error = try StreamError(answers[9])
        #expect(error.status == 429 && error.code == 9 && error.sentence.hasPrefix("address_quota: "))
        #expect(answers[9].fields["retry-after"] != nil)
    }

    @Test(arguments: [
        ("signature_mismatch", 401, 401, 5), ("token_expired", 401, 401, 40), ("key_unknown", 401, 401, 2),
        ("timestamp_outside_tolerance", 401, 401, 42), ("token_not_allowed", 403, 403, 17),
        ("body_not_json", 400, 400, 4),
    ])
    func `what the verifier refuses has the provider's number`(
        code: String, verdict: UInt16, status: Int, number: Int
    ) throws {
        let test = try TestIngress()
        test.bus.judge(1, Verdict(httpStatus: verdict, code: code))
        let client = test.connect()
        client.send(post("/in/calls/\(Self.path)"))
        let error = try StreamError(client.answer())
        #expect(error.status == status && error.code == number && error.sentence.hasPrefix("\(code): "))
    }
}
