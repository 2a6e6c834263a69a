import Foundation
import JSON
import Logging
import Synchronization
import Testing

@testable import AdminServer
@testable import Executable
@testable import PipelineConfiguration
@testable import StageProcess

@Suite struct ReloadableConfigurationTests {
    private final class Place {
        let file = FileManager.default.temporaryDirectory.path + "/tributary-reloadable-\(UUID().uuidString).yaml"
        let lines = Lines()

        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }

        init(_ yaml: String) throws { try write(yaml) }

        deinit { try? FileManager.default.removeItem(atPath: file) }

        func write(_ yaml: String) throws { try yaml.write(toFile: file, atomically: false, encoding: .utf8) }

        func reloadable(_ stage: Stage) throws -> ReloadableConfiguration {
            let lines = lines
            let logger = Logger(label: "t") { _ in
                LogLines(level: .info, stage: "s", instance: "s-0") { line in lines.all.withLock { $0.append(line) } }
            }
            return ReloadableConfiguration(try TributaryConfiguration.load(file), of: stage, logger: logger)
        }

        func said(_ text: String) -> Bool { lines.all.withLock { $0.contains { $0.contains(text) } } }
    }

    private static let before = """
        ingress: { idle_timeout: 75s, max_body_bytes: 4096 }
        sources: [{ name: a, provider: fishjam, path_token: "env:A" }]
        """

    private func answer(_ reloadable: ReloadableConfiguration) throws -> JSONValue {
        let reply = reloadable.route.respond(AdminRequest(method: "GET", path: "/configuration"))
        return try #require(JSONValue.read(reply.body))
    }

    @Test func `a reload says which secrets are others behind the same reference, never what they are`() throws {
        let secrets = try Place("old-secret-value-1\n")
        let place = try Place(
            """
            sources:
              - { name: app, provider: stream, secrets: [{ id: k3y, value: "file:\(secrets.file)" }] }
              - { name: rooms, provider: fishjam, path_token: "literal:t0ken-that-stays" }
            """)
        let reloadable = try place.reloadable(.verifier)
        reloadable.reload { _, _ in }
        #expect(try answer(reloadable)["secrets_changed"] == .array([]))
        try secrets.write("new-secret-value-2\n")
        reloadable.reload { _, changes in #expect(changes.isEmpty) }
        let name = "source app: secret k3y (file:\(secrets.file))"
        #expect(try answer(reloadable)["secrets_changed"] == .array([.string(name)]))
        #expect(place.said("\(name) is another"))
        #expect(!place.said("secret-value") && !place.said("t0ken"))
        reloadable.reload { _, _ in }
        #expect(try answer(reloadable)["secrets_changed"] == .array([]))
    }

    @Test func `a changed file is handed on with what changed in place, and the rest waits`() throws {
        let place = try Place(Self.before)
        let reloadable = try place.reloadable(.ingressGateway)
        let first = try answer(reloadable)
        #expect(first["reloads"] == .number("0") && first["error"] == .null && first["file"].text == place.file)
        try place.write(
            """
            ingress: { idle_timeout: 30s, max_body_bytes: 8192 }
            verifier: { metrics_listen: "127.0.0.1:9999" }
            sources: [{ name: a, provider: fishjam, path_token: "env:B" }, { name: b, provider: superviz, path_token: "env:A" }]
            """)
        var taken: [String] = []
        reloadable.reload { fresh, changes in
            taken = changes.map(\.sentence)
            #expect(fresh.sources.count == 2)
        }
        #expect(taken == ["ingress.idle_timeout: 75s → 30s", "source b added"])
        let second = try answer(reloadable)
        #expect(second["reloads"] == .number("1") && second["fingerprint"] != first["fingerprint"])
        #expect(second["needs_restart"].elements.map(\.text) == ["ingress.max_body_bytes: 4096 → 8192"])
        #expect(place.said("source b added"))
        #expect(place.said("max_body_bytes: 4096 → 8192; counts from the next start"))
        reloadable.reload { _, changes in taken = changes.map(\.sentence) }
        #expect(taken.isEmpty)
        #expect(try answer(reloadable)["needs_restart"].elements.count == 1)
        try place.write(Self.before)
        reloadable.reload { _, _ in }
        let last = try answer(reloadable)
        #expect(last["needs_restart"].elements.isEmpty && last["fingerprint"] == first["fingerprint"])
    }

    @Test func `a wrong file, or a stage that cannot take it, changes nothing and is said line by line`() throws {
        let place = try Place(Self.before)
        let reloadable = try place.reloadable(.verifier)
        let first = try answer(reloadable)
        try place.write("ingress: { idel_timeout: 1s }\nverifier: []\n")
        reloadable.reload { _, _ in Issue.record("a wrong configuration must not be handed on") }
        let second = try answer(reloadable)
        #expect(second["fingerprint"] == first["fingerprint"] && second["reloads"] == .number("1"))
        #expect(
            second["error"].text.contains("did you mean \\\"idle_timeout\\\"?")
                || second["error"].text.contains("idle_timeout"))
        #expect(place.said(":1: ingress.idel_timeout") && place.said(":2: verifier"))
        try place.write("{}")
        reloadable.reload { _, _ throws(StageFailure) in throw StageFailure(.configuration, "no secret") }
        #expect(try answer(reloadable)["error"].text == "no secret")
        #expect(reloadable.current.sources.count == 1)
        reloadable.reload { _, _ in }
        #expect(try answer(reloadable)["error"] == .null && reloadable.current.sources.isEmpty)
    }
}
