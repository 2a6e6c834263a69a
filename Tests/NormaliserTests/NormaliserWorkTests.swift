import Bus
import Events
import PipelineConfiguration
import StageMetrics
import StageProcess
import Testing
import WebhookSamples
import Wire

@testable import Normaliser

struct NormaliserWorkTests {
    private let registry = MetricRegistry(stage: "normaliser", instance: "normaliser-0", version: "1")

    private func sources(_ yaml: String) throws -> [SourceConfiguration] {
        try TributaryConfiguration.decode("sources: [\(yaml)]", file: "/t.yaml").sources
    }

    private func process(
        _ work: inout NormaliserWork, receivedAtNanoseconds: Int64 = wallNanoseconds()
    ) throws -> (code: String, types: [String]) {
        var record = Record.verified(
            source: "own", fields: [], body: Array(#"{"a":"x","b":"y"}"#.utf8),
            receivedAtNanoseconds: receivedAtNanoseconds)
        let verdict = try record.pass { work.process($0, appendingTo: &$1) }
        #expect(verdict == nil, "a verdict is the verifier's alone")
        let rejection = try record.section(.rejection).map { try $0.withUnsafeBytes { try Rejection(section: $0) } }
        return (rejection?.code.rawValue ?? "", try record.events().compactMap { $0.attributes["type"] })
    }

    private static func own(_ type: String) -> String {
        "{ name: own, provider: generic, verification: none, mapping: { type: \(type), types: { x: room.created, y: "
            + "room.deleted } } }"
    }

    @Test func `a mapping counts from the reload on, and a removed source is known a while longer`() throws {
        let box = VersionedBox(try sources(""))
        var work = NormaliserWork(box, registry)
        #expect(try process(&work).code == "source_unknown")
        box.replace(try sources(Self.own("/a")))
        #expect(try process(&work).code == "source_unknown")
        work.betweenBatches()
        let first = try process(&work)
        #expect(first.code.isEmpty && first.types.count == 1 && first.types[0].hasSuffix("room.created"))
        box.replace(try sources(Self.own("/b")))
        work.betweenBatches()
        #expect(try process(&work, receivedAtNanoseconds: 1).types[0].hasSuffix("room.deleted"))
        box.replace([])
        work.betweenBatches()
        #expect(try process(&work).types[0].hasSuffix("room.deleted"))
        let late = wallNanoseconds() + 2 * NormaliserWork.removalGraceNanoseconds
        #expect(try process(&work, receivedAtNanoseconds: late).code == "source_unknown")
    }
}
