import Glibc
import Providers
import Testing

@testable import Executable
@testable import PipelineConfiguration

@Suite struct StageNameTests {
    @Test(arguments: [
        ("router", Stage.fanoutRouter), ("fanout-router", .fanoutRouter), ("ingress", .ingressGateway),
        ("ingress-gateway", .ingressGateway), ("verifier", .verifier),
    ])
    func `a stage is named in full or in short`(text: String, stage: Stage) {
        #expect(Stage(named: text) == stage)
        #expect(Stage.instance(named: text) == nil)
    }

    @Test(arguments: [
        ("router-0", "fanout-router-0"), ("fanout-router-0", "fanout-router-0"), ("ingress-1", "ingress-gateway-1"),
        ("verifier-blue", "verifier-blue"), ("postman-0", nil), ("router-", nil), ("0", nil),
    ])
    func `an instance is named in full or in short`(text: String, instance: String?) {
        #expect(Stage.instance(named: text) == instance)
    }

    @Test func `a choice takes whole stages and single instances, without any everything`() throws {
        let choice = try StageChoice(["router", "verifier-1"], option: "--stage")
        #expect(["fanout-router-0", "verifier-1"].allSatisfy(choice.takes))
        #expect(!["verifier-0", "normaliser-0"].contains(where: choice.takes))
        #expect(StageChoice().takes("normaliser-7"))
        #expect(throws: StageFailure.self) { try StageChoice(["postman"], option: "--stage") }
    }

    @Test func `types may be asked for with their prefix or without, and only if they can occur`() throws {
        let yaml = """
            sources:
              - name: own
                provider: generic
                verification: none
                mapping: { type: /event, types: { a: dev.tributary.custom.event } }
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/t.yaml")
        #expect(configuration.sources.first?.mapping.pointers?.types == ["a": "custom.event"])
        for pattern in ["participant.*", "dev.tributary.participant.*", "*", "custom.event"] {
            try KnownTypes.require(pattern)
        }
        let failure = #expect(throws: StageFailure.self) { try KnownTypes.require("participants.*") }
        #expect(failure?.status == .usage)
    }

    @Test func `a file that is not there and one that may not be used are different troubles`() {
        #expect(FileAccess.failure("/nonexistent/a", ENOENT).status == .unavailable)
        let denied = FileAccess.failure("/nonexistent/a", EACCES)
        #expect(denied.status == .noPermission)
        #expect(denied.sentence.contains("permission denied: user"))
        #expect(denied.sentence.contains("to whom / belongs"))
    }
}
