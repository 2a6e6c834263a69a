import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct FileDestination {
        /// The ids of the events in a file of JSON lines. Throws where a line is no event.
        private static func ids(_ path: String) throws -> [String] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
            return try text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
                let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                guard let id = event?["id"] as? String else { throw Failure("no event: \(line.prefix(200))") }
                return id
            }
        }

        @Test func `an audit file has every webhook on a line of its own, though the router is killed again and again`()
            throws
        {
            // Short, because it stands in the configuration before the folder of the pipeline is known.
            let folder = "/tmp/tributary-audit-\(getpid())"
            try? FileManager.default.removeItem(atPath: folder)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            var settings = PipelineSettings(subscriptions: 0)
            settings.router = "file_destinations: \(folder)"
            try Pipeline.with(settings) { pipeline in
                let made = try pipeline.command(
                    "tributary", "subscriptions", "create", "audit", "--destination", "file", "--path", "audit.jsonl",
                    "--rotate-at", "262144", "--keep", "100")
                #expect(made.status == 0, "\(made.errors)")
                let load = LoadGenerator(port: pipeline.port, count: 2_000, perSecond: 400) { number in
                    SignedWebhook.stream(
                        SignedWebhook.id(number), body: SignedWebhook.streamBody(number % 20, "\(number)"))
                }
                load.start()
                while load.soFar.count < 2_000 {
                    pause(seconds: 0.7)
                    _ = pipeline.signal("fanout-router-0", SIGKILL)
                }
                let sent = load.wait()
                let path = folder + "/audit.jsonl"
                func written() throws -> [String] {
                    try (1...100).reversed().flatMap { try Self.ids("\(path).\($0)") } + Self.ids(path)
                }
                try waitUntil("every webhook is in the file") {
                    Set(try written()).count >= sent.filter(\.isAccepted).count
                }
                #expect(access(path + ".1", F_OK) == 0, "it was put aside by size")
            }
        }
    }
}
