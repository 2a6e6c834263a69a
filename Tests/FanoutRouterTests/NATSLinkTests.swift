import Egress
import JSON
import NATS
import NIOCore
import NIOPosix
import PipelineConfiguration
import Primitives
import Testing

@testable import EventDelivery

/// The way to a server of NATS, where there is none to be had.
@Suite(.serialized) struct NATSLinkTests {
    private func outcome(
        of server: String, _ resolver: EgressResolver, timeout: Duration = patience
    ) throws -> AttemptOutcome {
        let settings = NATSLink.Settings(servers: [try EndpointURL(server, as: .nats)])
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try loop.flatSubmit { () -> EventLoopFuture<AttemptOutcome> in
            let promise = loop.makePromise(of: AttemptOutcome.self)
            let link = NATSLink(settings, resolver: resolver, loop: loop)
            link.publish(
                .init(ticket: 0, subject: "a", fields: [], body: []), timeoutNanoseconds: timeout.nanoseconds
            ) { promise.succeed($0) }
            link.close()
            return promise.futureResult
        }.wait()
    }

    @Test func `an address that is not allowed is refused at once and not connected to`() throws {
        let tripwire = try Tripwire()
        let refused = try outcome(of: "tls://127.0.0.1:\(tripwire.port)", EgressResolver(EgressGuard(allow: [])))
        #expect(refused.word == "address_refused" && refused.detail.contains("127.0.0.1 is not global"))
        let plain = try outcome(of: "nats://8.8.8.8", EgressResolver(EgressGuard(allow: [])))
        #expect(plain.word == "address_refused")
        #expect(plain.detail.contains("nats:// to 8.8.8.8 is not encrypted; use tls://"))
        #expect(tripwire.count == 0)
        tripwire.stop()
    }

    @Test func `no way leads past the egress proxy`() throws {
        let tripwire = try Tripwire()
        let resolver = EgressResolver(
            EgressGuard(allow: ["127.0.0.0/8"]), proxy: EgressProxy(host: "127.0.0.1", port: tripwire.port))
        #expect(try outcome(of: "nats://127.0.0.1:\(tripwire.port)", resolver).word == "address_refused")
        #expect(tripwire.count == 0)
        tripwire.stop()
    }

    @Test func `a server that is away is waited for until the time-out`() throws {
        let tripwire = try Tripwire(host: "127.0.0.1")
        tripwire.stop()
        let resolver = EgressResolver(EgressGuard(allow: ["127.0.0.0/8"]))
        let away = try outcome(of: "nats://127.0.0.1:\(tripwire.port)", resolver, timeout: .milliseconds(500))
        #expect(away.word == "connect_failed" && away.verdict == .unreachable)
        #expect(away.detail.hasPrefix("127.0.0.1:\(tripwire.port): "))
    }

    @Test func `the control API makes subscriptions that need no secrets`() throws {
        let fixture = try OperationsFixture()
        let nats =
            #"{"name":"n","type":"nats","servers":["nats://127.0.0.1:1"],"timeout":"100ms","publish_subject":"a.{type}"}"#
        #expect(try fixture.ask("POST", "/v1/subscriptions", nats).status == 201)
        let shown = try fixture.ask("GET", "/v1/subscriptions/n").json
        #expect(shown["publish_subject"].text == "a.{type}" && shown["servers"].elements.map(\.text).count == 1)
        #expect(try fixture.ask("POST", "/v1/subscriptions/n/test").json["outcome"].text == "connect_failed")
        let inward = nats.replacing("127.0.0.1:1", with: "10.0.0.1").replacing("\"n\"", with: "\"m\"")
        let refused = try fixture.ask("POST", "/v1/subscriptions", inward)
        #expect(refused.status == 422 && refused.json["errors"].elements.map { $0["pointer"].text } == ["/servers"])
        let sqs = #"{"name":"q","type":"sqs","queue_url":"https://sqs.eu-west-1.amazonaws.com/1/q"}"#
        let queue = try fixture.ask("POST", "/v1/subscriptions", sqs)
        #expect(queue.status == 422 && queue.json["errors"].elements.map { $0["pointer"].text } == ["/type"])
        let login = nats.replacing("\"timeout\"", with: "\"login\":{\"token\":\"env:HOME\"},\"timeout\"")
        #expect(try fixture.ask("POST", "/v1/subscriptions", login).status == 422, "only the file has references")
    }
}
