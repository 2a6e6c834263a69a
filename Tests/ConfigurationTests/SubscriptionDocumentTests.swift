import JSON
import PipelineConfiguration
import Testing

@Suite struct SubscriptionDocumentTests {
    private func decode(_ json: String) throws -> SubscriptionConfiguration {
        let document = try #require(JSONValue.read(Array(json.utf8)))
        return try SubscriptionDocument.decode(document, sources: ["stream", "fishjam"])
    }

    /// `pointer: sentence` of everything that is wrong.
    private func problems(_ json: String) -> [String] {
        let error = #expect(throws: SubscriptionDocumentError.self) { try decode(json) }
        return error?.problems.map { "\($0.pointer): \($0.sentence)" } ?? []
    }

    @Test func `a name and a URL are enough, and every default is written out`() throws {
        let subscription = try decode(#"{"name": "a", "url": "https://example.com/e"}"#)
        #expect(subscription.signing.scheme == .standardWebhooks && subscription.signing.secrets.isEmpty)
        #expect(
            SubscriptionDocument.json(subscription).text
                == #"{"name":"a","type":"http","url":"https://example.com/e","signing":{"scheme":"standard-webhooks"},"#
                + #""timeout":"15s","filter":{"types":[],"sources":[],"providers":[],"subjects":[],"keys":[],"data":[]},"#
                + #""format":"cloudevents","mode":"single","retry":"standard","concurrency":30,"disable_after":"5d","#
                + #""order":"none"}"#)
    }

    @Test(arguments: [
        #"{"name":"a","type":"http","url":"http://example.com/e","signing":{"scheme":"stream","api_key":"k"},"#
            + #""timeout":"20s","filter":{"types":["a.*"],"sources":["stream"],"providers":[],"#
            + #""subjects":["c/*"],"keys":["k"],"data":[{"pointer":"/a","in":["b","5"]},{"pointer":"/b","exists":false},"#
            + #"{"pointer":"/c","at_least":1.5},{"pointer":"/c","at_least":-1.0,"below":3.0}]},"format":"superviz","#
            + #""mode":{"batch":{"every":"250ms","max_events":7,"max_bytes":1024}},"#
            + #""retry":{"schedule":["0s","1m"],"repeat_last":true,"jitter":true,"timeout":"6s","deadline":"1h"},"#
            + #""concurrency":5,"rate_limit":9,"disable_after":"1h","order":"key","key_hold":"30s"}"#,
        #"{"name":"b","type":"http","url":"https://[2001:db8::1]:8443/e?x=1","#
            + #""signing":{"scheme":"header","header":"x-token","prefix":"Bearer "},"timeout":"15s","#
            + #""filter":{"types":[],"sources":[],"providers":["fishjam"],"subjects":[],"keys":[],"data":[]},"#
            + #""format":"cloudevents-binary","mode":"single","retry":"stream","concurrency":30,"#
            + #""disable_after":"5d","order":"none"}"#,
    ])
    func `what is written is read again as the same`(_ json: String) throws {
        #expect(SubscriptionDocument.json(try decode(json)).text == json)
    }

    @Test func `everything wrong is said at once, with JSON Pointers`() {
        let json = #"""
            {"name": 5, "url": "ftp://x", "filtr": {}, "a/b~c": 1, "concurrency": "5", "timeout": 5,
             "filter": {"types": ["a", 7], "sources": ["steam"], "data": [{"pointer": "/a", "at_least": "5"}]},
             "signing": {"scheme": "standard-webhooks", "secrets": ["env:HOME"]}, "tls": {"ca": "file:/etc/passwd"},
             "retry": {"schedule": ["0s", "soon"]}, "order": null}
            """#
        let keys =
            "name, type, url, signing, timeout, path, rotate_at, keep, queue_url, region, endpoint, servers, "
            + "publish_subject, filter, format, mode, retry, concurrency, rate_limit, disable_after, order, key_hold"
        #expect(
            problems(json) == [
                "/filtr: unknown key; did you mean \"filter\"?",
                "/a~1b~0c: unknown key; valid are: \(keys)",
                "/tls: unknown key; valid are: \(keys)",
                "/name: expected a name of 1 to 63 characters a-z, 0-9 and -, found \"5\"",
                "/url: expected a URL such as https://example.com/events, found \"ftp://x\": it must begin with http:// "
                    + "or https://",
                "/signing/secrets: secrets are no part of a subscription's document; they are kept apart from it",
                "/timeout: expected a duration from 100ms to 5m such as 250ms, 5s, 10m or 2h, found \"5\"",
                "/filter/types/1: expected patterns of event types, found \"7\"",
                "/filter/sources/0: no source is named \"steam\"; did you mean \"stream\"?",
                "/filter/data/0/at_least: expected a number, found the text \"5\" in quotes",
                "/retry/schedule/1: expected a duration from 0s to 30d such as 250ms, 5s, 10m or 2h, found the text "
                    + "\"soon\" in quotes",
                "/concurrency: expected a whole number from 1 to 1000, found the text \"5\" in quotes",
                "/order: expected one of none, key, found nothing",
            ])
    }

    @Test func `what is no object, and a name that comes twice, are refused`() {
        #expect(problems("[]").count == 1 && problems("null").count == 1)
        #expect(
            problems(#"{"name": "a", "url": "https://e.com", "filter": {"types": [], "types": ["a"]}}"#)
                == ["/filter/types: this name comes twice in one object; keep one"])
    }

    @Test func `no document makes the decoder trap`() {
        let pieces = [
            "{", "}", "[", "]", ":", ",", "\"", "1e9", "-0.5", "null", "true", #""name""#, #""filter""#, "\\u0000",
        ]
        let valid = Array(
            #"{"name":"a","url":"https://e.com","filter":{"data":[{"pointer":"/a","in":["x",5]}]},"mode":{"batch":{}}}"#
                .unicodeScalars)
        var state: UInt64 = 7
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        var decoded = 0
        for _ in 0..<3000 {
            var text = valid
            for _ in 0...below(3) {
                let place = below(text.count)
                text.replaceSubrange(
                    place..<min(text.count, place + below(6)), with: pieces[below(pieces.count)].unicodeScalars)
                if text.isEmpty { text = ["{"] }
            }
            var mutated = ""
            mutated.unicodeScalars.append(contentsOf: text)
            guard let document = JSONValue.read(Array(mutated.utf8)) else { continue }
            do throws(SubscriptionDocumentError) {
                let subscription = try SubscriptionDocument.decode(document, sources: [])
                #expect(JSONValue.read(SubscriptionDocument.json(subscription).bytes) != nil)
            } catch {
                #expect(!error.problems.isEmpty)
            }
            decoded += 1
        }
        #expect(decoded > 50)
    }
}
