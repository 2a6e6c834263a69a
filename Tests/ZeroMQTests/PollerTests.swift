import Glibc
import Testing

@testable import ZeroMQ

/// Over inproc, where what was sent is there when the call returns.
@Suite struct PollerTests {
    private func pair() throws -> (Socket, Socket) {
        // A context of its own, so the name is its own too.
        let context = try Context()
        let name = "inproc://poller"
        let (one, other) = (try context.socket(.pair), try context.socket(.pair))
        try one.bind(name)
        try other.connect(name)
        return (one, other)
    }

    @Test func `what is left unread is readable the next time too, although the descriptor is silent`() throws {
        let (one, other) = try pair()
        var poller = Poller(wakeUp: -1, sockets: [one])
        for byte: UInt8 in 1...3 { #expect(try other.send([Frame([byte])]) == .sent) }
        for byte: UInt8 in 1...3 {
            try poller.wait(nanoseconds: 60_000_000_000)
            #expect(poller.isReadable(one))
            #expect(try one.receive()?.first?.copy == [byte])
        }
        try poller.wait(nanoseconds: 0)
        #expect(!poller.isReadable(one))
    }

    @Test func `what a send took in is seen`() throws {
        let (one, other) = try pair()
        var poller = Poller(wakeUp: -1, sockets: [one])
        try poller.wait(nanoseconds: 0)
        #expect(!poller.isReadable(one))
        #expect(try other.send([Frame([1])]) == .sent)
        #expect(try one.send([Frame([2])]) == .sent)
        try poller.wait(nanoseconds: 60_000_000_000)
        #expect(poller.isReadable(one))
    }

    @Test func `each socket is told apart, and news from the wake-up`() throws {
        let (one, other) = try pair()
        let (third, fourth) = try pair()
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var poller = Poller(wakeUp: ends[0], sockets: [one], news: [third])
        #expect(try fourth.send([Frame([1])]) == .sent)
        try poller.wait(nanoseconds: 60_000_000_000)
        #expect(poller.hasNews && !poller.isWoken && !poller.isReadable(one))
        _ = try third.receive()
        #expect(write(ends[1], "!", 1) == 1)
        try poller.wait(nanoseconds: 60_000_000_000)
        #expect(poller.isWoken && !poller.hasNews)
        #expect(try other.send([Frame([1])]) == .sent)
        try poller.wait(nanoseconds: 60_000_000_000)
        #expect(poller.isWoken && poller.isReadable(one))
    }

    @Test func `who is patient or unheard wakes nobody, and nothing of theirs is lost`() throws {
        let (one, other) = try pair()
        let (third, fourth) = try pair()
        var poller = Poller(wakeUp: -1, sockets: [one], patient: [third])
        try poller.wait(nanoseconds: 0)
        #expect(try other.send([Frame([1])]) == .sent)
        try poller.wait(nanoseconds: 0, unheard: one)
        #expect(!poller.isReadable(one))
        try poller.wait(nanoseconds: 60_000_000_000)
        #expect(poller.isReadable(one))
        #expect(try one.receive()?.first?.copy == [1])
        #expect(try one.receive() == nil)
        #expect(try fourth.send([Frame([2])]) == .sent)
        #expect(try third.receive()?.first?.copy == [2], "its owner may look whenever it likes")
        #expect(try third.receive() == nil, "and reads all that there is")
        #expect(try fourth.send([Frame([3])]) == .sent)
        try poller.wait(nanoseconds: 60_000_000_000)
        #expect(poller.isReadable(third))
    }
}
