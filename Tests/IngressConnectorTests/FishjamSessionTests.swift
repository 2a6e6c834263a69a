import Foundation
import NIOCore
import NIOEmbedded
import PipelineConfiguration
import StageMetrics
import Testing
import WebSocket
import Wire

@testable import IngressConnector
@testable import WebhookIntake

/// A connection to a Fishjam server whose side the test plays, under the test's time.
struct FishjamSessionTests {
    /// Takes what the session sends.
    private final class Server: ChannelOutboundHandler {
        typealias OutboundIn = WebSocketMessage
        private(set) var received: [[UInt8]] = []
        private(set) var closeReasons: [String] = []

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            if case .binary(let bytes) = unwrapOutboundIn(data) { received.append(Array(bytes.readableBytesView)) }
            promise?.succeed()
        }

        func triggerUserOutboundEvent(
            context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
        ) {
            if let close = event as? WebSocketClose { closeReasons.append(close.reason) }
            promise?.succeed()
        }
    }

    private let folder: TemporaryFolder
    private let mailbox = JournalMailbox()
    private let server = Server()
    private let channel: EmbeddedChannel

    init() throws {
        folder = try TemporaryFolder()
        let path = "\(folder.path)/fish.heard"
        try "1700000000000000000".write(toFile: path, atomically: false, encoding: .utf8)
        let place = ConnectorSettings.Server(
            url: try EndpointURL("ws://127.0.0.1:1", as: .webSocket), token: Array("development".utf8), metrics: true)
        let settings = ConnectorSettings(name: "fish", source: "rooms", ca: nil, place: .fishjam(place))
        let registry = MetricRegistry(stage: "ingress-connector", instance: "ingress-connector-0", version: "1")
        let intake = ConnectorIntake(
            mailbox: mailbox, journal: JournalState(), instance: "ingress-connector-0", maxBodyBytes: 1 << 20)
        let connector = try FishjamConnector(
            settings, place, intake, ConnectorState("fish", registry) { _ in }, messageBytes: 1 << 20, path: path)
        channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([
            server, FishjamSession(connector, channel.eventLoop.makePromise()),
        ])
    }

    private func receive(_ messages: [[UInt8]]) throws {
        for each in messages { try channel.writeInbound(WebSocketMessage.binary(ByteBuffer(bytes: each))) }
    }

    private var bodies: [[UInt8]] {
        mailbox.take(within: 0).batches.map(\.records).flatMap { batch in
            batch.indices.compactMap { index in
                batch.withRecord(index) { record in (try? EnvelopeView(record))?.section(.body).map { Array($0) } }
            }
        }
    }

    @Test func `the gap is journaled before a notification that overtakes the second answer`() throws {
        let (first, second): ([UInt8], [UInt8]) = ([0x0A, 0x03, 0x0A, 0x01, 0x61], [0x0A, 0x03, 0x0A, 0x01, 0x62])
        try receive([[0x32, 0], [0x4A, 2, 8, 1], first, [0x4A, 2, 8, 2], second])
        #expect(server.received == [[0x42, 2, 8, 1], [0x42, 2, 8, 2]])
        let bodies = bodies
        #expect(bodies.count == 3 && bodies.dropFirst() == [first, second])
        #expect(String(decoding: bodies[0], as: UTF8.self).contains(#""from":"2023-11-14T22:13:20.000Z""#))
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(server.closeReasons.isEmpty)
    }

    @Test func `a server that takes the connection and says nothing is left`() throws {
        channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        try receive([[0x32, 0]])
        #expect(server.closeReasons.isEmpty)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(server.closeReasons == ["the server did not answer the handshake within 10 s"])
        #expect(bodies.isEmpty)
    }
}
