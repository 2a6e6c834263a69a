import HTTPFront
import NIOCore
import PipelineConfiguration
import Testing

@testable import IngressGateway

@Suite struct ThreadsTests {
    private func eventLoops(_ ingress: String) throws -> Int {
        let text = "ingress: { \(ingress) }\nsources: [{ name: s, provider: superviz, path_token: \"env:T\" }]\n"
        let configuration = try TributaryConfiguration.decode(text, file: "t.yaml")
        return IngressSettings(
            configuration, instance: "ingress-gateway-0", socket: .bind(host: "127.0.0.1", port: 0, sharesPort: true)
        ).eventLoops
    }

    @Test func `the event loops are as many as ingress.threads says, otherwise half of the processors`() throws {
        #expect(try eventLoops("threads: 3") == 3)
        #expect(try eventLoops("instances: 1") == max(1, System.coreCount / 2))
        #expect(throws: ConfigurationErrors.self) { try eventLoops("threads: 0") }
    }

    @Test func `memory for bodies is one for all event loops`() {
        let memory = BodyMemory()
        #expect(memory.reserve(60, most: 100))
        #expect(!memory.reserve(41, most: 100))
        #expect(memory.reserve(40, most: 100))
        memory.release(60)
        #expect(memory.reserve(60, most: 100))
    }
}
