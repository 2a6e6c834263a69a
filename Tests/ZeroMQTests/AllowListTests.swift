import Foundation
import Testing

@testable import ZeroMQ

@Suite struct AllowListTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "zmqk-\(UInt32.random(in: 0 ... .max))")
        .path

    /// Sends again and again through a DEALER with these keys, until something comes or the connection is refused.
    private func knock(with keys: CurveKeys, domain: String) throws -> (heard: [Frame]?, event: ConnectionEvent?) {
        let (context, serverKeys) = (try Context(), try CurveKeys.generate())
        let allowList = try AllowList(context, ["out": [known.publicKey: "verifier"]])
        let server = try context.socket(.router)
        try server.authenticate(with: serverKeys, domain: domain)
        try server.bind("ipc://\(path)")
        let client = try context.socket(.dealer)
        try client.authenticate(with: keys, to: serverKeys.publicKey)
        let monitor = try client.monitor()
        try client.connect("ipc://\(path)")
        let end = Date().addingTimeInterval(180)
        while Date() < end {
            try allowList.answer()
            _ = try client.send([Frame([1])])
            if let heard = try server.receive() { return (heard, .established) }
            if let event = try monitor.next(), event != .established { return (try server.receive(), event) }
        }
        return (nil, nil)
    }

    private let known: CurveKeys

    init() throws { known = try CurveKeys.generate() }

    @Test func `a key of the list is let in, and what it sends bears its name`() throws {
        let (heard, _) = try knock(with: known, domain: "out")
        #expect(heard?.last?.sender == "verifier")
    }

    @Test func `another key is refused`() throws {
        let (heard, event) = try knock(with: CurveKeys.generate(), domain: "out")
        #expect(heard == nil)
        #expect(event == .handshakeFailed)
    }

    @Test func `a key is let in only where the list has it`() throws {
        let (heard, event) = try knock(with: known, domain: "control")
        #expect(heard == nil)
        #expect(event == .handshakeFailed)
    }

    @Test func `a socket whose monitor nobody reads any more holds up no other`() throws {
        let (context, serverKeys) = (try Context(), try CurveKeys.generate())
        let allowList = try AllowList(context, ["out": [known.publicKey: "verifier"]])
        let server = try context.socket(.router)
        try server.authenticate(with: serverKeys, domain: "out")
        let failures = try server.monitor()
        try server.bind("ipc://\(path)")
        let clients = try Context()
        let end = Date().addingTimeInterval(180)
        for _ in 0..<5 {
            let client = try clients.socket(.dealer)
            try client.authenticate(with: known, to: known.publicKey)
            _ = try client.monitor()
            try client.connect("ipc://\(path)")
            var failed = 0
            // It tries again by itself, and has each failure to tell.
            while failed < 3, Date() < end {
                if try failures.next() == .handshakeFailed { failed += 1 }
            }
            #expect(failed == 3)
        }
        let client = try clients.socket(.dealer)
        try client.authenticate(with: known, to: serverKeys.publicKey)
        try client.connect("ipc://\(path)")
        var heard: [Frame]?
        while heard == nil, Date() < end {
            try allowList.answer()
            _ = try client.send([Frame([1])])
            heard = try server.receive()
        }
        #expect(heard?.last?.sender == "verifier")
    }

    @Test func `a secret key has one public key, and other texts have none`() throws {
        #expect(CurveKeys(secretKey: known.secretKey)?.publicKey == known.publicKey)
        for text in ["", "short", String(repeating: "~", count: 40), known.secretKey + "00000"] {
            #expect(CurveKeys(secretKey: text) == nil, "\(text)")
        }
    }
}
