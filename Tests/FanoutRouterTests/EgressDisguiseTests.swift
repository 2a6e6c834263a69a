import Egress
import PipelineConfiguration
import Primitives
import Synchronization
import Testing

@testable import EventDelivery

/// Forbidden addresses as people who mean harm write them.
@Suite(.serialized) struct EgressDisguiseTests {
    private enum Fate: Equatable {
        case refusedURL
        case attempted(String)
    }

    private let resolver = EgressResolver(
        EgressGuard(allow: []),
        lookups: NameLookups { host in
            Issue.record("\(host) was taken for a name")
            return .failure(NameNotResolved("this test has no names"))
        })

    /// What becomes of a subscription with that host; nothing may be asked of any name server.
    private func fate(_ host: String, port: Int) throws -> Fate {
        let url = "https://\(host):\(port)/"
        guard (try? EndpointURL(url)) != nil else { return .refusedURL }
        let fixture = try EgressFixture(url, resolver)
        defer { fixture.stop() }
        return .attempted(try fixture.send().outcome.word)
    }

    @Test func `26 forbidden IPv4 addresses in 17 disguises: no connection leaves`() throws {
        let trap = try Tripwire()
        var refused = 0
        for text in Forbidden.v4 {
            for disguise in Self.disguises(ofV4: text) {
                let fate = try fate(disguise, port: trap.port)
                #expect(fate == .refusedURL || fate == .attempted("address_refused"), "\(disguise): \(fate)")
                refused += fate == .refusedURL ? 1 : 0
            }
            #expect(try fate(text, port: trap.port) == .attempted("address_refused"))
        }
        #expect(refused > 0)
        #expect(trap.count == 0)
        trap.stop()
    }

    @Test func `23 forbidden IPv6 addresses in 8 disguises: no connection leaves`() throws {
        let trap = try Tripwire()
        for text in Forbidden.v6 {
            for disguise in Self.disguises(ofV6: text) {
                let fate = try fate(disguise, port: trap.port)
                #expect(fate == .refusedURL || fate == .attempted("address_refused"), "\(disguise): \(fate)")
            }
            #expect(try fate("[\(text)]", port: trap.port) == .attempted("address_refused"))
        }
        #expect(trap.count == 0)
        trap.stop()
    }

    @Test(arguments: ["localhost", "LOCALHOST", "localhost."])
    func `a name of this machine is refused by the address that it stands for`(host: String) throws {
        let trap = try Tripwire()
        let fixture = try EgressFixture("https://\(host):\(trap.port)/")
        let outcome = try fixture.send().outcome
        #expect(["address_refused", "name_not_resolved"].contains(outcome.word), "\(outcome)")
        if host == "localhost" { #expect(outcome.word == "address_refused") }
        #expect(trap.count == 0)
        fixture.stop()
        trap.stop()
    }

    @Test(arguments: [
        "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/", "https://example.com\\@127.0.0.1/",
        "https://127.0.0.1\\.example.com/", "https://exa mple.com/", "https://example.com/\r\nx: y",
        "https://example.com\r\nx: y/", "https://example.com/\u{0}", "https://example.com/\u{7F}", "https:///",
        "https://.example.com/", "https://example..com/", "https://ex%61mple.com/", "https://[::1/", "https://::1/",
        "https://[::1]x/", "https://[::1%25lo]/", "https://[v1.x]/", "https://example.com:0/",
        "https://example.com:99999/", "https://example.com:8 0/", "https://еxample.com/", "file:///etc/passwd",
        "gopher://example.com/", "https:/example.com/", "//example.com/", "https://example.com:443:80/",
    ])
    func `what is not a plain URL is no subscriber`(text: String) {
        #expect(throws: InvalidURL.self) { try EndpointURL(text) }
    }

    @Test func `no URL can add a line to a request`() throws {
        for code in UInt8.min ... .max {
            let strange = String(UnicodeScalar(code))
            for text in [
                "https://h\(strange)h/", "https://h/\(strange)", "https://h/?\(strange)", "https://h:8\(strange)/",
            ] {
                guard let endpoint = try? EndpointURL(text) else { continue }
                let sent = endpoint.target + endpoint.hostHeader
                #expect(sent.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "\(code)")
            }
        }
    }

    /// Most resolvers take the first six for the address itself.
    static func disguises(ofV4 text: String) -> [String] {
        let bytes = Forbidden.bytes(text).map { Int($0) }
        let number = bytes.reduce(0) { $0 << 8 | $1 }
        let hex = Forbidden.hex(text)
        let fullwidth = text.unicodeScalars.map { scalar -> String in
            guard let digit = UnicodeScalar(0xFF10 + scalar.value - 0x30), scalar != "." else { return "." }
            return String(digit)
        }
        return [
            String(number), "0x" + String(number, radix: 16), "0X" + String(number, radix: 16).uppercased(),
            bytes.map { "0" + String($0, radix: 8) }.joined(separator: "."),
            bytes.map { "0x" + String($0, radix: 16) }.joined(separator: "."),
            "\(bytes[0]).\(number & 0xFF_FFFF)", text + ".", fullwidth.joined(),
            text.utf8.map { "%" + String($0, radix: 16) }.joined(), text.replacing(".", with: "%2e"),
            text.replacing(".", with: "\u{3002}"), "[\(text)]", "[::ffff:\(text)]", "[::FFFF:\(hex.uppercased())]",
            "[::\(text)]", "[64:ff9b::\(hex)]", "[2002:\(hex)::]",
        ]
    }

    static func disguises(ofV6 text: String) -> [String] {
        let whole = IPAddress(text).map { address in
            stride(from: 0, to: 16, by: 2).map { index in
                let word = Int(address.bytes[index]) << 8 | Int(address.bytes[index + 1])
                return String(repeating: "0", count: 4 - String(word, radix: 16).count) + String(word, radix: 16)
            }.joined(separator: ":")
        }
        let tail = IPAddress(text).map { $0.bytes[12...].map { String($0) }.joined(separator: ".") } ?? ""
        let head = (whole ?? "").split(separator: ":").prefix(6).joined(separator: ":")
        return [
            "[\(whole ?? "")]", "[\((whole ?? "").uppercased())]", "[\(head):\(tail)]", "[\(text)%25lo]",
            "[\(text)%lo]",
            text, "[\(text)].", "%5B\(text)%5D",
        ]
    }
}
