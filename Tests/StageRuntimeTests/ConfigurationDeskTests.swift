import Foundation
import JSON
import Logging
import Synchronization
import Testing

@testable import StageRuntime

@Suite struct ConfigurationDeskTests {
    private final class Place {
        let file = FileManager.default.temporaryDirectory.path + "/tributary-desk-\(UUID().uuidString).yaml"
        let lines = Lines()

        final class Lines: Sendable {
            let all = Mutex<[String]>([])
        }

        init(_ yaml: String) throws { try write(yaml) }

        deinit { try? FileManager.default.removeItem(atPath: file) }

        func write(_ yaml: String) throws { try yaml.write(toFile: file, atomically: false, encoding: .utf8) }

        func desk(_ stage: Stage) throws -> ConfigurationDesk {
            let lines = lines
            let logger = Logger(label: "t") { _ in
                LogLines(level: .info, stage: "s", instance: "s-0") { line in lines.all.withLock { $0.append(line) } }
            }
            return ConfigurationDesk(try TributaryConfiguration.load(file), of: stage, logger: logger)
        }

        func said(_ text: String) -> Bool { lines.all.withLock { $0.contains { $0.contains(text) } } }
    }

    private static let before = """
        ingress: { idle_timeout: 75s, max_body_bytes: 4096 }
        sources: [{ name: a, provider: fishjam, path_token: "env:A" }]
        """

    private func answer(_ desk: ConfigurationDesk) throws -> JSONValue {
        let reply = desk.route.respond(AdminRequest(method: "GET", path: "/configuration"))
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
        let desk = try place.desk(.verifier)
        desk.reload { _, _ in }
        #expect(try answer(desk)["secrets_changed"] == .array([]))
        try secrets.write("new-secret-value-2\n")
        desk.reload { _, changes in #expect(changes.isEmpty) }
        let name = "source app: secret k3y (file:\(secrets.file))"
        #expect(try answer(desk)["secrets_changed"] == .array([.string(name)]))
        #expect(place.said("\(name) is another"))
        #expect(!place.said("secret-value") && !place.said("t0ken"))
        desk.reload { _, _ in }
        #expect(try answer(desk)["secrets_changed"] == .array([]))
    }

    @Test func `a changed file is handed on with what changed in place, and the rest waits`() throws {
        let place = try Place(Self.before)
        let desk = try place.desk(.ingressGateway)
        let first = try answer(desk)
        #expect(first["reloads"] == .number("0") && first["error"] == .null && first["file"].text == place.file)
        try place.write(
            """
            ingress: { idle_timeout: 30s, max_body_bytes: 8192 }
            verifier: { metrics_listen: "127.0.0.1:9999" }
            sources: [{ name: a, provider: fishjam, path_token: "env:B" }, { name: b, provider: superviz, path_token: "env:A" }]
            """)
        var taken: [String] = []
        desk.reload { fresh, changes in
            taken = changes.map(\.sentence)
            #expect(fresh.sources.count == 2)
        }
        #expect(taken == ["ingress.idle_timeout: 75s → 30s", "source b added"])
        let second = try answer(desk)
        #expect(second["reloads"] == .number("1") && second["fingerprint"] != first["fingerprint"])
        #expect(second["needs_restart"].elements.map(\.text) == ["ingress.max_body_bytes: 4096 → 8192"])
        #expect(place.said("source b added"))
        #expect(place.said("max_body_bytes: 4096 → 8192; counts from the next start"))
        desk.reload { _, changes in taken = changes.map(\.sentence) }
        #expect(taken.isEmpty)
        #expect(try answer(desk)["needs_restart"].elements.count == 1)
        try place.write(Self.before)
        desk.reload { _, _ in }
        let last = try answer(desk)
        #expect(last["needs_restart"].elements.isEmpty && last["fingerprint"] == first["fingerprint"])
    }

    @Test func `a wrong file, or a stage that cannot take it, changes nothing and is said line by line`() throws {
        let place = try Place(Self.before)
        let desk = try place.desk(.verifier)
        let first = try answer(desk)
        try place.write("ingress: { idel_timeout: 1s }\nverifier: []\n")
        desk.reload { _, _ in Issue.record("a wrong configuration must not be handed on") }
        let second = try answer(desk)
        #expect(second["fingerprint"] == first["fingerprint"] && second["reloads"] == .number("1"))
        #expect(
            second["error"].text.contains("did you mean \\\"idle_timeout\\\"?")
                || second["error"].text.contains("idle_timeout"))
        #expect(place.said(":1: ingress.idel_timeout") && place.said(":2: verifier"))
        try place.write("{}")
        desk.reload { _, _ throws(StageFailure) in throw StageFailure(.configuration, "no secret") }
        #expect(try answer(desk)["error"].text == "no secret")
        #expect(desk.current.sources.count == 1)
        desk.reload { _, _ in }
        #expect(try answer(desk)["error"] == .null && desk.current.sources.isEmpty)
    }
}
