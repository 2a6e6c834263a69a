import Egress
import Foundation
import FreePorts
import LogSamples
import NATS
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// What the router relies on in the library that speaks to NATS, against a server with TLS; without JetStream, so that
/// answers say that nobody takes the subject.
@Suite(.serialized, .enabled(if: NATSServer.isInstalled, "nats-server is not in .build/tools-venv"))
struct NATSConnectionTests {
    private let server: NATSServer
    private let said = Said()

    init() throws { server = try NATSServer() }

    /// What came from a connection.
    private final class Said: Sendable {
        let replies = Mutex<[UInt64: NATSReply]>([:])
        let isClosed = Atomic<Bool>(false)

        var callbacks: NATSConnection.Callbacks {
            NATSConnection.Callbacks(
                replied: { ticket, reply in self.replies.withLock { $0[ticket] = reply } }, complained: { _ in },
                closed: { self.isClosed.store(true, ordering: .relaxed) })
        }
    }

    private func options(
        ca: String?, name: String = "localhost", login: NATSOptions.Login = .token("sesame")
    ) -> NATSOptions {
        var options = NATSOptions(
            address: "127.0.0.1", port: server.port, serverName: name, name: "test", timeoutMilliseconds: 60_000)
        options.tls = ca.map { NATSOptions.TLS(ca: $0) }
        options.login = login
        return options
    }

    private func code(_ options: NATSOptions) -> NATSError.Code? {
        do {
            try NATSConnection(options, said.callbacks).close()
            return nil
        } catch {
            return error.code
        }
    }

    @Test func `a server is believed whose certificate is the authority's and bears its name, and the rest is told`()
        async throws
    {
        let stranger = String(decoding: try CertificateAuthority().certificate, as: UTF8.self)
        #expect(code(options(ca: stranger)) == .tlsFailed)
        #expect(code(options(ca: server.authority, name: "elsewhere")) == .tlsFailed)
        #expect(code(options(ca: nil)) == .tlsFailed, "the server wants TLS")
        #expect(code(options(ca: server.authority, login: .token("wrong"))) == .accessDenied)

        let connection = try NATSConnection(options(ca: server.authority), said.callbacks)
        for ticket: UInt64 in 1...100 {
            try connection.publish(
                .init(ticket: ticket, subject: "a.b", fields: [("Nats-Msg-Id", "\(ticket)")], body: [1, 2, 3]))
        }
        try await eventually { said.replies.withLock { $0.count == 100 } }
        #expect(said.replies.withLock { Set($0.keys) == Set(1...100) && $0.values.allSatisfy { $0 == .noResponders } })
        #expect(throws: NATSError.self, "more than the server takes") {
            try connection.publish(
                .init(ticket: 1, subject: "a", fields: [], body: .init(repeating: 0, count: 2 << 20)))
        }

        server.stop()
        try await eventually { said.isClosed.load(ordering: .relaxed) }
        #expect(throws: NATSError.self) {
            try connection.publish(.init(ticket: 1, subject: "a", fields: [], body: []))
        }
        connection.close()
        #expect(code(options(ca: server.authority)) == .unreachable)
    }
}

/// A NATS server on a loopback port, which wants TLS and the token `sesame`.
private final class NATSServer {
    let port: Int
    /// PEM.
    let authority: String
    private let process = Process()
    private let folder: TemporaryFolder

    private static let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent(".build/tools-venv/bin/nats-server")

    static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program.path) }

    init() throws {
        folder = try TemporaryFolder()
        let maker = try CertificateAuthority()
        authority = String(decoding: maker.certificate, as: UTF8.self)
        let identity = try maker.identity("DNS:localhost")
        try Data(identity.certificate).write(to: URL(fileURLWithPath: folder.path + "/cert.pem"))
        try Data(identity.key).write(to: URL(fileURLWithPath: folder.path + "/key.pem"))
        let group = MultiThreadedEventLoopGroup.singleton
        port = Int(FreePorts.next())
        process.executableURL = Self.program
        process.arguments = [
            "-a", "127.0.0.1", "-p", "\(port)", "--auth", "sesame", "--tls", "--tlscert", folder.path + "/cert.pem",
            "--tlskey", folder.path + "/key.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while (try? ClientBootstrap(group: group).connect(host: "127.0.0.1", port: port).wait().close().wait()) == nil {
            guard process.isRunning, clock.now < deadline else { throw NotInTime() }
        }
    }

    deinit { stop() }

    func stop() {
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
    }
}
