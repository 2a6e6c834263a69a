import AdminServer
import Testing

@testable import IngressGateway

@Suite struct ReloadTests {
    @Test func `sources and limits change under open connections`() throws {
        let ingress = try TestIngress(eventLoops: 2)
        let client = ingress.connect()
        client.send(post("/in/new"))
        #expect(client.answer()?.status == 404)
        var settings = ingress.settings
        settings.sources = [
            SourceRoute(name: "new", isProbe: { _, _ in true }), SourceRoute(name: "stream", isProbe: nil),
        ]
        settings.limits.connections = 1
        settings.limits.bodyBytes = 1
        try ingress.ingress.take(settings)
        client.send(post("/in/new") + post("/in/fishjam") + post("/in/stream"))
        #expect(client.answer()?.status == 200)
        #expect(client.answer()?.code == "source_unknown")
        // The largest body is what every stage was started with.
        #expect(client.answer()?.status == 202)
        #expect(ingress.connect().answer()?.status == 503)
        let replay = #"{"source":"fishjam","received_at_ns":1,"head":[],"body_base64":"e30="}"#
        let reply = ingress.ingress.reprocessIntake.replay(
            .init(method: "POST", path: "/replay", body: Array(replay.utf8)))
        #expect(reply.status >= 400 && ingress.bus.webhooks.count == 1)
    }
}
