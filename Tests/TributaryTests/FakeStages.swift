import AdminServer
import Executable
import Foundation
import JSON
import PipelineConfiguration
import Primitives
import StageMetrics
import Synchronization
import Wire

@testable import Tributary

/// A router with the control API and an ingress that takes replays, on admin sockets of their own.
final class FakeStages {
    static let journal = JournalID(high: 1, low: 2)

    let configuration: TributaryConfiguration
    let quarantine = FakeQuarantine()
    let control = FakeControl()
    private let endpoints: [AdminEndpoint]

    init() throws {
        let folder = "/tmp/tributary-quarantine-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        guard mkdir(folder, 0o700) == 0 else { throw StageFailure(.io, "no folder \(folder)") }
        let yaml = """
            run_dir: .
            sources: [{ name: rooms, provider: superviz, path_token: "env:TRIBUTARY_TEST_UNSET" }]
            """
        configuration = try TributaryConfiguration.decode(yaml, file: "\(folder)/t.yaml")
        guard FileManager.default.createFile(atPath: configuration.file, contents: Data(yaml.utf8)) else {
            throw StageFailure(.io, "no file \(configuration.file)")
        }
        let registry = MetricRegistry(stage: "s", instance: "s-0", version: "1")
        let (quarantine, control) = (quarantine, control)
        let asked = [
            AdminRoute(everythingBelow: "/v1/quarantine") { quarantine.answer($0) },
            AdminRoute(everythingBelow: "/v1") { control.answer($0) },
        ]
        let replays = [AdminRoute(method: "POST", pathPrefix: "/replay") { quarantine.replay($0) }]
        let rehearsals = [AdminRoute(method: "POST", pathPrefix: "/rehearse") { quarantine.rehearse($0) }]
        let stages = [("fanout-router-0", asked), ("ingress-gateway-0", replays), ("verifier-0", rehearsals)]
        endpoints = try stages.map { instance, routes in
            try AdminEndpoint(
                socketPath: "\(folder)/\(instance).admin", metricsListen: nil, registry: registry,
                readiness: { [] }, routes: routes)
        }
    }

    deinit {
        for endpoint in endpoints { endpoint.close() }
        try? FileManager.default.removeItem(atPath: configuration.runDir)
    }

    /// Runs a command against these stages.
    func command(_ arguments: String..., input: String = "", environment: [String: String] = [:]) throws -> CommandRun {
        try CommandRun(arguments + ["--config", configuration.file], input: input, environment: environment)
    }
}

/// What both of them know.
final class FakeQuarantine: Sendable {
    struct State {
        struct Entry {
            var id: Int
            var elements: String
            var token: String
            var isReplayed = false
        }

        var entries: [Entry] = []
        var nextID = 1
        /// What the ingress answers to a webhook of this sequence, once; 202 to all others.
        var statuses: [Int: Int] = [:]
        /// Whether what is taken is refused by the verifier once more.
        var refusesAgain = false
        /// Sequences in the order in which the ingress took them.
        var taken: [Int] = []
        var marked: [Int] = []
        /// The tries that came along with the marks.
        var markedTries: [Int] = []
        var batches: [Int] = []
        var last = JSONValue.null
    }

    let state = Mutex(State())

    func put(_ count: Int, elements: String = "null", token: String = "t0ken") {
        state.withLock { state in
            for _ in 0..<count { Self.put(elements, token, &state) }
        }
    }

    private static func put(_ elements: String, _ token: String, _ state: inout State) {
        state.entries.append(State.Entry(id: state.nextID, elements: elements, token: token))
        state.nextID += 1
    }

    func answer(_ request: AdminRequest) -> AdminReply {
        state.withLock { state in
            switch (request.method, request.path) {
            case ("POST", _):
                let ids = JSONValue.read(request.body)?["ids"].elements.compactMap { $0.integer.map { Int($0) } } ?? []
                state.marked += ids
                let tries = JSONValue.read(request.body)?["tries"].elements ?? []
                state.markedTries += tries.compactMap { $0.integer.map { Int($0) } }
                for index in state.entries.indices where ids.contains(state.entries[index].id) {
                    state.entries[index].isReplayed = true
                }
                return .json(200, .object([("replayed", .number(ids.count))]))
            case ("DELETE", _):
                let doomed = Self.page(request, state, limit: 20)
                state.entries.removeAll { entry in doomed.contains { $0.id == entry.id } }
                return .json(
                    200,
                    .object([
                        ("deleted", .number(doomed.count)),
                        ("next_cursor", doomed.count == 20 ? .string("c\(doomed[19].id)") : .null),
                    ]))
            case (_, "/v1/quarantine/totals"):
                let total = """
                    {"source":"rooms","code":"signature_mismatch","webhooks":\(Self.page(request, state, limit: .max).count)}
                    """
                return Self.raw("{\"totals\":[\(total)]}")
            case (_, "/v1/quarantine"):
                let limit = request.query["limit"].flatMap { Int($0) } ?? 100
                let page = Self.page(request, state, limit: limit)
                let next = page.count == limit ? page.last.map { "\"c\($0.id)\"" } : nil
                return Self.raw(
                    "{\"quarantine\":[\(page.map(Self.text).joined(separator: ","))],\"next_cursor\":\(next ?? "null"),"
                        + "\"newest\":\(state.nextID - 1)}")
            default:
                let entry = state.entries.first { request.path == "/v1/quarantine/\($0.id)" }
                return entry.map { Self.raw(Self.text($0)) } ?? .error(404, "not_found", "nothing")
            }
        }
    }

    private static func page(_ request: AdminRequest, _ state: State, limit: Int) -> [State.Entry] {
        let after = request.query["cursor"].flatMap { Int($0.dropFirst()) } ?? 0
        let through = request.query["through"].flatMap { Int($0) } ?? .max
        return Array(
            state.entries.filter { entry in
                entry.id > after && entry.id <= through
                    && (request.query["replayed"].map { $0 == "\(entry.isReplayed)" } ?? true)
            }.prefix(limit))
    }

    private static func raw(_ text: String) -> AdminReply { .json(200, JSONText(raw: Array(text.utf8))) }

    /// A batch of two elements of SuperViz as the router gives it.
    private static func text(_ entry: State.Entry) -> String {
        let element = """
            {"id":"4c0e5a46-2c2a-4d0e-8a67-3a1f0e1c0d1e","event":"participant.joined","roomId":"r","timestamp":1}
            """
        let body = Array("[\(element),\(element)]".utf8).withUnsafeBytes { Base64.encode($0) }
        return """
            {"id":\(entry.id),"source":"rooms","code":"signature_mismatch","elements":\(entry.elements),\
            "journal":"\(FakeStages.journal)","sequence":\(entry.id),"received_at_ns":1778198400000000001,\
            "head":[[":token","\(entry.token)"],["x-plain","shown"]],"masked":\(entry.token == SecretFields.mask),\
            "body_base64":"\(body)","replayed":null,\
            "tries":\(entry.id % 3)}
            """
    }

    /// A verifier that has another token in use than any configuration says.
    func rehearse(_ request: AdminRequest) -> AdminReply {
        let webhooks = JSONValue.read(request.body)?["webhooks"].elements ?? []
        let answers = webhooks.map { webhook in
            webhook["head"].elements.first?.elements.last?.text == "t0ken"
                ? #"{"verified":true,"scheme":"path-token","key":"k"}"#
                : #"{"verified":false,"code":"token_mismatch","detail":"no"}"#
        }
        return Self.raw("{\"answers\":[\(answers.joined(separator: ","))]}")
    }

    func replay(_ request: AdminRequest) -> AdminReply {
        let webhooks = JSONValue.read(request.body)?["webhooks"].elements ?? []
        return state.withLock { state in
            state.batches.append(webhooks.count)
            let answers = webhooks.map { webhook -> String in
                let sequence = Int(webhook["replay_of"]["sequence"].integer ?? 0)
                state.last = webhook
                if let status = state.statuses.removeValue(forKey: sequence) {
                    return "{\"status\":\(status),\"answer\":{\"error\":{\"code\":\"c\",\"text\":\"no source\"}}}"
                }
                state.taken.append(sequence)
                guard state.refusesAgain else { return "{\"status\":202,\"answer\":{\"id\":\"w\"}}" }
                Self.put("null", "t0ken", &state)
                return "{\"status\":202,\"answer\":{\"id\":\"w\",\"verdict\":\"signature_mismatch\"}}"
            }
            return Self.raw("{\"answers\":[\(answers.joined(separator: ","))]}")
        }
    }
}
