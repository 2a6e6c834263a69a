import Glibc
import SeededRandom
import Testing

extension EndToEnd {
    @Suite struct Fanout {
        /// Twenty partition keys in turns.
        private static func request(_ number: Int) -> [UInt8] {
            SignedWebhook.stream(SignedWebhook.id(number), body: SignedWebhook.streamBody(number % 20, "\(number)"))
        }

        private static func document(_ name: String, _ pipeline: Pipeline, _ path: Int, _ more: String) -> String {
            """
            {"name":"\(name)","url":"http://127.0.0.1:\(pipeline.subscriber.port)/\(path)",
             "signing":{"scheme":"standard-webhooks"},
             "retry":{"schedule":["0s","500ms","1s"],"repeat_last":true,"deadline":"1h"},\(more)}
            """
        }

        @Test func `a router that is killed again and again keeps subscriptions, cursors and the order of keys`() throws
        {
            var settings = PipelineSettings(subscriptions: 1)
            settings.furtherSubscriptions = 2
            try Pipeline.with(settings) { pipeline in
                let made = try pipeline.api(
                    "POST", "/subscriptions", Self.document("by-key", pipeline, 1, #""order":"key","concurrency":8"#))
                #expect((made["generated_secret"] as? String)?.hasPrefix("whsec_") == true)
                let load = LoadGenerator(
                    port: pipeline.port, count: 5_000, perSecond: 400, makeRequest: Self.request)
                load.start()
                var generator = SeededGenerator(seed: 4)
                var deaths = 0
                var isLateMade = false
                /// While the router is alive: the supervisor takes its time with one that dies again and again.
                func makeLate() throws {
                    guard !isLateMade else { return }
                    try waitUntil("the router takes another subscription") {
                        (try? pipeline.api(
                            "POST", "/subscriptions", Self.document("late", pipeline, 2, #""start":"earliest""#)))
                            != nil || (try? pipeline.api("GET", "/subscriptions/late")) != nil
                    }
                    isLateMade = true
                }
                while load.soFar.count < 5_000 {
                    pause(seconds: 0.2 + Double(generator.next() % 600) / 1000)
                    if load.soFar.count > 2_000 { try makeLate() }
                    // Refused while the router is just being started; the next round has another go.
                    _ = try? change(pipeline, generator.next())
                    if pipeline.signal("fanout-router-0", SIGKILL) { deaths += 1 }
                }
                let sent = load.wait()
                try waitUntil("the router is back and goes on") {
                    (try? pipeline.api("POST", "/subscriptions/by-key/resume")) != nil
                }
                try makeLate()
                try pipeline.waitForDelivery(of: sent)
                try Promises.checkLog(of: pipeline, accepted: sent)
                try checkKeyOrder(sent, pipeline.subscriber.ledger(1))
                let repeated = (0..<3).map {
                    pipeline.subscriber.ledger($0).deliveries - pipeline.subscriber.distinct($0)
                }
                report("router killed \(deaths) times: \(Promises.describe(sent)), repeated deliveries \(repeated)")
                // What was in flight, or delivered since the cursor was saved last, comes again; nothing else does.
                #expect(repeated.allSatisfy { $0 <= deaths * 200 })
            }
        }

        /// One of the changes that an operator makes at any time.
        private func change(_ pipeline: Pipeline, _ chance: UInt64) throws {
            switch chance % 4 {
            case 0: try pipeline.api("POST", "/subscriptions/by-key/pause")
            case 1: try pipeline.api("POST", "/subscriptions/by-key/resume")
            case 2: try pipeline.api("PATCH", "/subscriptions/by-key", #"{"concurrency":\#(1 + chance / 4 % 20)}"#)
            default: try pipeline.api("POST", "/subscriptions/by-key/rotate-secret", #"{"keep_old":"1m"}"#)
            }
        }

        /// Events of one key come in the order of the journal; an event that comes again does so after its first time.
        private func checkKeyOrder(_ sent: [SentWebhook], _ ledger: Subscriber.Ledger) throws {
            for key in 0..<20 {
                let ofKey = sent.filter { $0.isAccepted && $0.number % 20 == key }.sorted { $0.sequence < $1.sequence }
                let arrivals = ofKey.compactMap { ledger.firstNanoseconds[$0.number] }
                #expect(arrivals.count == ofKey.count)
                #expect(arrivals == arrivals.sorted(), "key \(key)")
            }
        }
    }
}
