import Executable
import Foundation
import Journal
import Testing
import WebhookIntake
import Wire

@testable import IngressGateway

@Suite(.serialized) struct PartitionTests {
    @Test func `each source has the journal of its router, and a full one refuses no other`() throws {
        let test = try TestIngress(journal: .small, routers: 2)
        let client = test.connect()
        client.send(post("/in/fishjam", body: "{\"n\":1}") + post(body: "{\"n\":2}"))
        // Each journal begins with 1.
        #expect((0..<2).compactMap { _ in client.answer()?.body.hasSuffix("-1\"}") } == [true, true])
        #expect(test.bus(1).webhooks.map(\.body) == ["{\"n\":1}"])
        #expect(test.bus(0).webhooks.map(\.body) == ["{\"n\":2}"])
        test.fill(client, String(repeating: "x", count: 1000))
        client.send(post() + post("/in/fishjam"))
        #expect((0..<2).compactMap { _ in client.answer()?.status } == [503, 202])
        #expect(test.metrics.contains("tributary_backlog_records{stage=\"ingress-gateway\""))
        #expect(test.metrics.contains("router=\"1\"} 2"))
    }

    @Test func `what waits under another number of routers is not taken over`() throws {
        var template = Array("/tmp/tributary-journals-XXXXXX".utf8CString)
        let made = mkdtemp(&template)
        let folder = String(cString: try #require(made))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let webhook = ReplayedWebhook(
            receivedAtNanoseconds: 1, head: [], body: [1], journal: .random(), sequence: 1, elements: [])
        var writer = ByteWriter()
        EnvelopeBuilder(instance: "i").appendReplay(webhook, source: Array("stream".utf8), to: &writer)
        for (router, count) in [(0, 1), (0, 2), (1, 2)] {
            let journal = try Journal(path: JournalFolders.path(folder, router, of: count), .small)
            if (router, count) == (1, 2) {
                _ = try journal.append([RecordBatch(written: writer.bytes, ends: [writer.count])])
            }
            try journal.close()
        }
        try JournalFolders.checkOthers(folder, count: 2, .small)
        let refused = #expect(throws: StageFailure.self) {
            try JournalFolders.checkOthers(folder, count: 3, .small)
        }
        #expect(refused?.status == .configuration)
        #expect(refused?.sentence.contains("router_count_changed: router.instances was 2 and is 3") == true)
        do {
            let journal = try Journal(path: JournalFolders.path(folder, 1, of: 2), .small)
            try journal.settle(through: 1)
            try journal.close()
        }
        try JournalFolders.checkOthers(folder, count: 3, .small)
        try JournalFolders.checkOthers(folder, count: 1, .small)
    }
}
