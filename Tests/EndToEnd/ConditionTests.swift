import Glibc
import Testing

extension EndToEnd {
    @Suite struct Conditions {
        @Test func `whoever asked for it is told once of a disabled subscription, whatever happens to the router`()
            throws
        {
            var settings = PipelineSettings(subscriptions: 1)
            settings.furtherSubscriptions = 1
            try Pipeline.with(settings) { pipeline in
                let subscriber = pipeline.subscriber
                func make(_ name: String, _ path: Int, _ more: String = "") throws {
                    let url = "http://127.0.0.1:\(subscriber.port)/\(path)"
                    try pipeline.api(
                        "POST", "/subscriptions",
                        #"{"name":"\#(name)","url":"\#(url)","signing":{"scheme":"none"}\#(more)}"#)
                }
                func told(of name: String) -> Int {
                    subscriber.ledger(1).others.keys.count {
                        $0.hasPrefix("subscription_disabled-raised-") && $0.hasSuffix("-subscriptions/\(name)")
                    }
                }
                try make("pager", 1, #","filter":{"types":["gateway.*"]}"#)
                try make("gone", 9)
                _ = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(1))
                try waitUntil("the pager is told") { told(of: "gone") == 1 }
                #expect(pipeline.signal("fanout-router-0", SIGKILL))
                try waitUntil("the router is back") { (try? make("gone-too", 9)) != nil }
                _ = try HTTPClient(port: pipeline.port).exchange(SignedWebhook.stream(2))
                try waitUntil("the pager is told of the other") { told(of: "gone-too") == 1 }
                #expect(told(of: "gone") == 1, "what was said before the restart is not said again")
                try waitUntil("the webhooks are delivered") { subscriber.ledger(0).counts.count == 2 }
                #expect(subscriber.ledger(0).others.isEmpty, "a filter that names nothing takes none of it")
                #expect(subscriber.ledger(1).counts.isEmpty)
                let listed = try pipeline.events().filter { $0.type.hasPrefix("dev.tributary.gateway.") }
                #expect(listed.count >= 2 && listed.allSatisfy { $0.source == "/tributary" })
            }
        }
    }
}
