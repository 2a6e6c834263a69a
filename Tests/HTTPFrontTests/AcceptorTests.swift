import Glibc
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import HTTPFront

@Suite struct AcceptorTests {
    /// Greets every connection with a letter, so that clients learn who has accepted them.
    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let letter: String

        init(_ letter: String) { self.letter = letter }

        func channelActive(context: ChannelHandlerContext) {
            context.writeAndFlush(NIOAny(ByteBuffer(string: letter)), promise: nil)
        }
    }

    private func acceptor(
        _ socket: ListeningSocket, _ letter: String, _ group: MultiThreadedEventLoopGroup
    ) throws -> Acceptor {
        try Acceptor(
            socket, "test", backlog: 1024, use: .close, group: group,
            prepare: { try $0.pipeline.syncOperations.addHandler(Greeter(letter)) }, report: { _ in })
    }

    /// The letter that a new connection gets; nil where nobody listens.
    private func greeting(_ port: Int) throws -> Character? {
        let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        guard address.withSockAddr({ connect(client, $0, socklen_t($1)) }) == 0 else { return nil }
        var byte: UInt8 = 0
        try #require(recv(client, &byte, 1, 0) == 1)
        return Character(UnicodeScalar(byte))
    }

    @Test func severalThatShareOneSocketAcceptEachConnectionOnceAndTheLastOneTakesWhatTheOthersLeave() throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 3)
        defer { try? group.syncShutdownGracefully() }
        let first = try acceptor(.bind(host: "127.0.0.1", port: 0), "a", group)
        let port = try #require(first.port)
        var others: [Acceptor] = []
        for letter in ["b", "c"] {
            // As a process that was passed the socket has it: another descriptor of the same listener.
            let passed = fcntl(first.listener, F_DUPFD_CLOEXEC, 0)
            others.append(try acceptor(.inherited(passed), letter, group))
        }
        for _ in 0..<500 { #expect("abc".contains(try #require(try greeting(port)))) }
        first.stop()
        others[0].stop()
        for _ in 0..<20 { #expect(try greeting(port) == "c") }
        others[1].stop()
        #expect(try greeting(port) == nil)
    }

    @Test func aSocketIsBoundAnewWhereAKilledProcessHasLeftItsName() throws {
        let folder = try #require(mkdtemp(strdup("/tmp/acceptor-XXXXXX")).map { String(cString: $0) })
        defer { rmdir(folder) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        defer { try? group.syncShutdownGracefully() }
        let path = folder + "/socket"
        defer { unlink(path) }
        for letter in ["a", "b"] {
            let acceptor = try acceptor(.unix(path: path), letter, group)
            #expect(acceptor.port == nil)
            acceptor.stop()
        }
        #expect(throws: SocketAddressError.self) {
            try acceptor(.unix(path: folder + String(repeating: "/long", count: 30)), "c", group)
        }
    }
}
