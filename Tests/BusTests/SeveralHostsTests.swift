import Foundation
import FreePorts
import StageMetrics
import Synchronization
import Testing
import Wire
import ZeroMQ

@testable import Bus

/// A pipeline whose sockets are on TCP and prove keys; its "hosts" are one machine.
private struct Hosts {
    let keys: [StageRole: CurveKeys]
    let addresses: [String: [RunDirectory.SocketName: String]]

    init(_ host: String = "127.0.0.1", further: [String] = []) throws {
        var keys: [StageRole: CurveKeys] = [:]
        for role in StageRole.allCases { keys[role] = try CurveKeys.generate() }
        self.keys = keys
        let ports = (0..<4).map { _ in "\(host):\(FreePorts.next())" }
        let places: [String: [RunDirectory.SocketName: String]] = [
            "ingress-gateway-0": [.out: ports[0], .control: ports[1]], "verifier-0": [.out: ports[2]],
            "normaliser-0": [.out: ports[3]], "fanout-router-0": [:],
        ]
        addresses = further.reduce(into: places) { $0[$1] = [.out: "\(host):\(FreePorts.next())"] }
    }

    /// As `role` sees it; `own`: the secret key that it has.
    func topology(_ role: StageRole, own: CurveKeys? = nil) -> Topology {
        let own = own ?? keys[role]
        let publicKeys = keys.mapValues(\.publicKey).merging([role: own?.publicKey ?? ""]) { $1 }
        return Topology(
            addresses: addresses, keys: LinkKeys(of: role, secretKey: own?.secretKey ?? "", publicKeys: publicKeys))
    }
}

@Suite(.serialized) struct SeveralHostsTests {
    @Test func `records arrive once and in order over links that prove keys`() throws {
        let hosts = try Hosts()
        let deployment = try Deployment(verifiers: 1, normalisers: 1) { hosts.topology($0) }
        deployment.start()
        defer { deployment.stop() }
        let journal = deployment.journal
        for _ in 0..<50 { journal.append(100) }
        #expect(waitUntil { journal.state.withLock { $0.watermark } == 5_000 })
        #expect(deployment.log.sequences.withLock { $0[journal.id] } == Array(1...5_000))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: deployment.directory.path)
                .allSatisfy { $0.hasSuffix(".tap") }, "no other socket is in the directory")
    }

    @Test func `instances find each other by name, and those that are away hold up nobody`() throws {
        let hosts = try Hosts("localhost", further: ["normaliser-1", "normaliser-2", "verifier-1"])
        let deployment = try Deployment(verifiers: 1, normalisers: 1) { hosts.topology($0) }
        deployment.start()
        defer { deployment.stop() }
        let journal = deployment.journal
        for _ in 0..<50 { journal.append(100) }
        #expect(waitUntil { journal.state.withLock { $0.watermark } == 5_000 })
        #expect(deployment.log.sequences.withLock { $0[journal.id] } == Array(1...5_000))
    }

    @Test func `the key of another role gets no work, and the right one gets all of it`() throws {
        let hosts = try Hosts()
        let deployment = try Deployment(verifiers: 1, normalisers: 1) { role in
            hosts.topology(role, own: role == .normaliser ? hosts.keys[.router] : nil)
        }
        deployment.start()
        defer { deployment.stop() }
        let journal = deployment.journal
        #expect(waitUntil { deployment.ingress.isLinked })
        journal.append(100)
        #expect(waitUntil { !journal.state.withLock { $0.answers }.isEmpty }, "the verifier has some")
        #expect(deployment.workers[1].linkedUpstreams == 0)
        deployment.workers[1].stop()
        let right = WorkerBus(
            settings: WorkerSettings(
                role: .normaliser,
                runDirectory: RunDirectory(
                    path: deployment.directory.path, topology: hosts.topology(.normaliser)),
                instance: "normaliser-0", maxBodyBytes: 1 << 20), metrics: deployment.metrics,
            refusals: LinkRefusals(deployment.metrics))
        right.start { EchoWork() }
        defer { right.stop() }
        #expect(waitUntil { journal.state.withLock { $0.watermark } == 100 })
    }

    @Test func `whoever says hello as another role than its key's is not heard`() throws {
        let hosts = try Hosts()
        let deployment = try Deployment(verifiers: 0, normalisers: 0) { hosts.topology($0) }
        deployment.ingress.start(delegate: deployment.journal)
        defer { deployment.stop() }
        let link = try ConnectedLink(
            Context(), RunDirectory(path: deployment.directory.path, topology: hosts.topology(.router)), id: 1,
            role: .ingress, instance: "ingress-gateway-0", name: .control, bootID: 9, maxFrameBytes: 1 << 20)
        func greet(as role: StageRole) -> Bool {
            link.greetAgain()
            _ = try? link.refresh()
            return (try? link.greet(HelloNotice(role: role, instance: "\(role)-0"))) ?? false
        }
        #expect(waitUntil { greet(as: .verifier) })
        let malformed = deployment.metrics.counter("tributary_bus_malformed_total", help: "")
        #expect(waitUntil { malformed.value > 0 })
        #expect(try link.receive() == nil)
        #expect(waitUntil { greet(as: .router) })
        #expect(waitUntil { (try? link.receive())?.header.kind == .window })
    }

    @Test func `a secret key of another pair is none`() throws {
        let (one, other) = (try CurveKeys.generate(), try CurveKeys.generate())
        let publicKeys = Dictionary(uniqueKeysWithValues: StageRole.allCases.map { ($0, one.publicKey) })
        #expect(LinkKeys(of: .router, secretKey: one.secretKey, publicKeys: publicKeys) != nil)
        #expect(LinkKeys(of: .router, secretKey: other.secretKey, publicKeys: publicKeys) == nil)
        #expect(LinkKeys(of: .router, secretKey: "", publicKeys: publicKeys) == nil)
        #expect(LinkKeys(of: .router, secretKey: one.secretKey, publicKeys: [.router: one.publicKey]) == nil)
    }
}
