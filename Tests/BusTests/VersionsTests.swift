import Foundation
import Synchronization
import Testing
import Wire
import ZeroMQ

@testable import Bus

/// A stage of a later release: adds a section that nobody else knows.
private struct LaterWork: StageWork {
    static let tag = SectionTag(rawValue: 999)

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict? {
        writer.section(Self.tag) { $0.u64(record.sequence) }
        return .accepted
    }

    mutating func betweenBatches() {}
}

/// Links between builds of different releases, over sockets; whole processes are in `Tests/Supervisor/test_versions.py`.
@Suite(.serialized) struct VersionsTests {
    private let deployment: Deployment

    init() throws {
        deployment = try Deployment(verifiers: 0, normalisers: 0)
        deployment.ingress.start(delegate: deployment.journal)
    }

    private func link(_ name: RunDirectory.SocketName) throws -> ConnectedLink {
        try ConnectedLink(
            Context(), RunDirectory(path: deployment.directory.path), id: 1, role: .ingress,
            instance: "ingress-gateway-0", name: name, bootID: 9, maxFrameBytes: 1 << 20)
    }

    /// Says hello as a verifier of that release once the link is up.
    private func greet(_ link: ConnectedLink, _ versions: ClosedRange<UInt8>) -> Bool {
        waitUntil {
            _ = try? link.refresh()
            return (try? link.greet(HelloNotice(role: .verifier, instance: "verifier-9", versions: versions))) ?? false
        }
    }

    @Test(arguments: [RunDirectory.SocketName.out, .control])
    func `a newer release that knows this version is answered in it, an alien one is told what to upgrade`(
        _ name: RunDirectory.SocketName
    ) throws {
        defer { deployment.stop() }
        let newer = try link(name)
        #expect(greet(newer, 1...2))
        #expect(waitUntil { (try? newer.receive())?.header.version == 1 }, "a hello is answered")
        #expect(newer.isOpen)

        let alien = try link(name)
        #expect(greet(alien, 2...3))
        let reason =
            "verifier-9 speaks wire versions 2 to 3 and ingress-gateway-0 wire version 1: upgrade ingress-gateway-0"
        #expect(
            waitUntil {
                _ = try? alien.receive()
                return alien.refusal == reason
            })
        #expect(!alien.isOpen)
        #expect(waitUntil { deployment.ingress.refusals.all == [reason] })
        #expect(deployment.ingress.refusals.own.isEmpty, "an ingress stays ready whoever knocks")
    }

    @Test func `what a later release adds is carried on unchanged, through the stages behind it to the log`() throws {
        defer { deployment.stop() }
        let workers = [StageRole.verifier, .normaliser].map { role in
            WorkerBus(
                settings: WorkerSettings(
                    role: role, runDirectory: RunDirectory(path: deployment.directory.path), instance: "\(role)-0",
                    maxBodyBytes: 1 << 20), metrics: deployment.metrics, refusals: LinkRefusals(deployment.metrics))
        }
        workers[0].start { LaterWork() }
        workers[1].start { EchoWork() }
        deployment.router.start(delegate: deployment.log)
        defer { for worker in workers { worker.stop() } }
        deployment.journal.append(1)
        #expect(waitUntil { deployment.journal.state.withLock { $0.watermark } == 1 })
        let batch = try #require(deployment.log.last.withLock { $0 })
        try batch.withRecord(0) { bytes in
            let record = try EnvelopeView(bytes)
            #expect(record.isIntact)
            #expect(record.section(LaterWork.tag).map { Array($0) } == [1, 0, 0, 0, 0, 0, 0, 0])
        }
    }

    @Test func `who is refused gets no work, and nobody died when it goes`() throws {
        defer { deployment.stop() }
        deployment.router.start(delegate: deployment.log)
        let alien = try link(.out)
        #expect(greet(alien, 2...3))
        deployment.journal.append(10)
        let credit = CreditNotice(
            grantedThrough: 4, receivedThrough: 0, mostRecords: 10, mostBytes: 1 << 16, unfinished: [])
        _ = try alien.send(.credit) { credit.write(to: &$0) }
        var heard: [LinkKind] = []
        #expect(
            waitUntil {
                if let arrival = try? alien.receive() { heard.append(arrival.header.kind) }
                return alien.refusal != nil
            })
        #expect(heard.allSatisfy { $0 == .ping })
        _ = consume alien
        let verifier = try link(.out)
        #expect(greet(verifier, 1...1))
        _ = try verifier.send(.credit) { credit.write(to: &$0) }
        #expect(waitUntil { (try? verifier.receive())?.header.kind == .batch }, "another one gets all")
        #expect(waitUntil { deployment.ingress.refusals.all.isEmpty }, "a refused one that is gone is forgotten")
        #expect(deployment.resends == 0)
    }
}
