import Executable
import Foundation
import JSON
import PipelineConfiguration
import Testing

@testable import Tributary

/// What belongs to this host by a topology, with 127.0.0.1 as its address and 198.51.100.0/24, which is nobody's, as others'.
@Suite struct PlacementTests {
    private let folder: CommandFolder

    init() throws {
        folder = try CommandFolder()
    }

    private func placement(routers: Int, _ instances: String) throws -> Placement {
        let yaml = """
            router: { instances: \(routers) }
            topology:
              insecure_plain_tcp: true
              instances: [\(instances)]
            sources: []
            """
        return Placement(try TributaryConfiguration.decode(yaml, file: "\(folder.path)/t.yaml"))
    }

    private func column(_ number: Int, host: String) -> [String] {
        [
            "{ name: ingress-gateway-0-\(number), out: \"198.51.100.1:71\(number)0\", control: \"198.51.100.1:71\(number)1\" }",
            "{ name: verifier-\(number), out: \"\(host):72\(number)0\" }",
            "{ name: normaliser-\(number), out: \"\(host):72\(number)1\" }",
            "{ name: fanout-router-\(number) }",
        ]
    }

    @Test func `only what works for the router of this host is connected to from here`() throws {
        let all = column(0, host: "198.51.100.2") + column(1, host: "127.0.0.1")
        try FileManager.default.createDirectory(
            atPath: "\(folder.path)/data/fanout-router-1", withIntermediateDirectories: true)
        let yaml = all.joined(separator: ", ")
        let placement = try placement(routers: 2, yaml)
        #expect(placement.links.map(\.name) == ["ingress-gateway-0-1", "ingress-gateway-0-1"])
        #expect(placement.links.map(\.address.port) == [7110, 7111])
        #expect(placement.listeners.map(\.instance) == ["verifier-1", "normaliser-1"])
        #expect(
            placement.others(besides: ["ingress-gateway-0-1"]) == [
                "ingress-gateway-0", "verifier-0", "normaliser-0", "fanout-router-0",
            ])
        let rows = placement.rows(beside: ["verifier-1"])
        #expect(
            rows.map { "\($0["instance"].text) \(Placement.state($0))" } == [
                "ingress-gateway-0 elsewhere: 198.51.100.1:7100", "verifier-0 elsewhere: 198.51.100.2:7200",
                "normaliser-0 elsewhere: 198.51.100.2:7201", "fanout-router-0 elsewhere", "normaliser-1 stopped",
                "fanout-router-1 stopped",
            ])
        #expect(rows.last?["why"].text == "its log or key is here")
        #expect(placement.has(.fanoutRouter) && placement.has(.verifier) && !placement.has(.ingressGateway))
        #expect(placement.has("fanout-router-1") && !placement.has("fanout-router-0"))
        #expect(placement.count(.fanoutRouter, without: 7) == 1 && placement.count(.ingressGateway, without: 7) == 0)
    }

    @Test func `without a topology all is here, and nothing elsewhere`() throws {
        let placement = Placement(try TributaryConfiguration.decode("sources: []", file: "\(folder.path)/t.yaml"))
        #expect(placement.has(.fanoutRouter) && placement.has("verifier-9"))
        #expect(placement.count(.verifier, without: 7) == 7)
        #expect(placement.links.isEmpty && placement.listeners.isEmpty && placement.rows(beside: []).isEmpty)
    }
}
