import Foundation
import JSON
import Testing

@testable import Tributary

@Suite struct PlanCommandTests {
    private let folder: CommandFolder
    private let text = "sources: []\nverifier: { instances: 2 }\ningress: { listen: \"[::1]:18080\", instances: 3 }\n"

    init() throws { folder = try CommandFolder() }

    private func plan(_ text: String, _ more: String...) throws -> (answer: JSONValue, ended: CommandRun) {
        let ended = try CommandRun(["plan", "--config", try folder.file("t.yaml", text)] + more)
        return (JSONValue.read(Array(ended.output.utf8)) ?? .null, ended)
    }

    @Test func `the supervisor is told what is to run`() throws {
        let plan = try plan(text).answer
        #expect(plan["run_dir"].text == "\(folder.path)/run")
        #expect(plan["listen"].text == "[::1]:18080")
        #expect(plan["scheme"].text == "http")
        let counts = ["ingress-gateway", "ingress-connector", "verifier", "normaliser", "fanout-router"].map {
            plan["instances"][$0].integer
        }
        #expect(counts == [3, 0, 2, 1, 1])
        #expect(plan["environment"]["verifier"].elements.isEmpty)
        #expect(plan["changes"] == .null)
    }

    @Test func `a connector stays for its journal`() throws {
        for (number, count) in [(0, Int64(1)), (2, 3)] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/data/ingress-connector-\(number)", withIntermediateDirectories: true)
            #expect(try plan("data_dir: data\n" + text).answer["instances"]["ingress-connector"].integer == count)
        }
    }

    @Test func `changes come with what a reload does about them`() throws {
        let former = try folder.file("former.yaml", text)
        let change = try plan(text + "normaliser: { instances: 4 }\n", "--since", former).answer["changes"].elements
            .first
        #expect(change?["text"].text == "normaliser.instances: 1 → 4")
        #expect(change?["effect"].text == "instances")
        #expect(change?["meaning"].text == "starts or stops instances")
    }

    @Test func `what no reload can change, and what this host alone cannot run, is refused in a sentence`() throws {
        let former = try folder.file("former.yaml", text)
        let refused = try plan(text + "data_dir: other\n", "--since", former).ended
        #expect(refused.status == 78)
        #expect(refused.errors.hasPrefix("data_dir: "))
        #expect(refused.errors.hasSuffix(": that takes 'scripts/supervisor down' and 'up'.\n"))
        #expect(try plan("sources: 7\n").ended.errors.contains("t.yaml:1: sources: "))
    }
}
