import Foundation
import Testing
import Wire

@testable import Bus

@Suite struct PartitionTests {
    private static let names = [
        "ingress-gateway-0-0", "ingress-gateway-0-1", "ingress-connector-0-1", "verifier-0", "verifier-1", "verifier-2",
    ]

    /// With several routers an ingress has a name for each; one that is not numbered works for the first.
    @Test(arguments: [false, true]) func `an instance sees those that work for its router`(onHosts: Bool) throws {
        let folder = "/tmp/tributary-partition-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for name in Self.names where !onHosts {
            _ = FileManager.default.createFile(atPath: "\(folder)/\(name).out", contents: nil)
        }
        let addresses = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, [RunDirectory.SocketName.out: "a:1"]) })
        func seen(by instance: String, of role: StageRole, routers: Int) -> [String] {
            RunDirectory(
                path: folder, topology: onHosts ? Topology(addresses: addresses, keys: nil) : nil,
                partition: .init(of: instance, count: routers)
            ).instances(of: role, with: .out).sorted()
        }
        #expect(seen(by: "verifier-2", of: .ingress, routers: 2) == ["ingress-gateway-0-0"])
        #expect(
            seen(by: "verifier-1", of: .ingress, routers: 2) == ["ingress-connector-0-1", "ingress-gateway-0-1"])
        #expect(seen(by: "normaliser-x", of: .verifier, routers: 2) == ["verifier-0", "verifier-2"])
        #expect(seen(by: "normaliser-3", of: .verifier, routers: 2) == ["verifier-1"])
        #expect(seen(by: "normaliser-3", of: .verifier, routers: 1).count == 3)
    }
}
