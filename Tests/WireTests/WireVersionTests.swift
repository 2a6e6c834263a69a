import Testing
import Wire

/// Builds of neighbouring releases speak the highest version that both know; others find out why they cannot.
struct WireVersionTests {
    @Test(
        arguments: [
            (1...1, 1...1, 1), (1...1, 1...2, 1), (1...2, 1...1, 1), (1...2, 2...3, 2), (2...3, 1...2, 2),
            (1...1, 2...3, nil),
            (3...4, 1...2, nil), (0...255, 7...7, 7),
        ] as [(ClosedRange<UInt8>, ClosedRange<UInt8>, UInt8?)])
    func `both ends find the same version`(ours: ClosedRange<UInt8>, theirs: ClosedRange<UInt8>, common: UInt8?) {
        #expect(WireVersion.negotiated(theirs, with: ours) == common)
        #expect(WireVersion.negotiated(ours, with: theirs) == common)
    }

    @Test func `the refusal of a link names the older end whoever finds it out`() {
        #expect(
            WireVersion.conflict(of: "verifier-1", 3...4, with: "ingress-gateway-0", 1...1)
                == "verifier-1 speaks wire versions 3 to 4 and ingress-gateway-0 wire version 1: upgrade ingress-gateway-0"
        )
        #expect(
            WireVersion.conflict(of: "verifier-1", 1...1, with: "ingress-gateway-0", 2...3)
                == "verifier-1 speaks wire version 1 and ingress-gateway-0 wire versions 2 to 3: upgrade verifier-1")
    }

    @Test func `a hello with a range of versions is these bytes`() throws {
        let expected = GoldenBytesTests.bytes("02 01 02 0a 76 65 72 69 66 69 65 72 2d 30")
        let hello = HelloNotice(role: .verifier, instance: "verifier-0", versions: 1...2)
        var writer = ByteWriter()
        hello.write(to: &writer)
        #expect(writer.bytes == expected)
        #expect(try expected.withUnsafeBytes { try HelloNotice(body: $0) } == hello)
        let reversed = GoldenBytesTests.bytes("02 02 01 00")
        #expect(throws: WireError.unknownVersion) { _ = try reversed.withUnsafeBytes { try HelloNotice(body: $0) } }
    }

    @Test(arguments: [LinkKind.hello, .refusal, .ping])
    func `what builds without a common version say to each other is read in every version`(kind: LinkKind) throws {
        #expect(try header(kind, version: 77)?.kind == kind)
    }

    @Test(arguments: [LinkKind.batch, .credit, .verdicts, .settlement, .lost, .window, .tap])
    func `the rest is read only in versions that this build knows`(kind: LinkKind) throws {
        #expect(try header(kind, version: WireVersion.known.lowerBound)?.version == WireVersion.known.lowerBound)
        #expect(throws: WireError.unknownVersion) { _ = try header(kind, version: 77) }
    }

    @Test func `hellos and refusals are written in the first version for ever`() {
        for kind in [LinkKind.hello, .refusal] {
            #expect(LinkHeader(version: 9, kind: kind, bootID: 1, number: 2, count: 0, bodyBytes: 0).version == 1)
        }
    }

    /// A header of that kind whose byte of the version is another one.
    private func header(_ kind: LinkKind, version: UInt8) throws -> LinkHeader? {
        var writer = ByteWriter()
        LinkHeader(kind: kind, bootID: 1, number: 2, count: 3, bodyBytes: 4).write(to: &writer)
        var bytes = writer.bytes
        bytes[4] = version
        return try bytes.withUnsafeBytes { try LinkHeader($0) }
    }
}
