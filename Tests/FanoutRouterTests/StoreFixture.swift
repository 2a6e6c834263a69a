import ArgumentParser
import Bus
import EventLog
import Foundation
import JSON
import LogSamples
import Primitives
import StageMetrics
import Synchronization
import Testing
import Wire

@testable import ControlAPI
@testable import EventDelivery
@testable import Executable
@testable import PipelineConfiguration
@testable import StageProcess

/// A whole router without a bus, asked through its API, that can be stopped and started again on the same files. Its
/// clock is that of the machine and can be moved on.
final class StoreFixture {
    struct Answer {
        var status: Int
        var json: JSONValue
        var text: String
        var location: String?

        /// Of a problem: where the body is wrong.
        var pointers: [String] { json["errors"].elements.map { $0["pointer"].text } }
    }

    /// Nanoseconds by which the router's clock is ahead.
    final class Ahead: Sendable {
        private let nanoseconds = Mutex<Int64>(0)

        func move(by duration: Duration) {
            nanoseconds.withLock { $0 += duration.nanoseconds }
        }

        var value: Int64 { nanoseconds.withLock { $0 } }
    }

    let folder: TemporaryFolder
    let ahead = Ahead()
    private var running: (stage: RouterStage, dispatcher: APIDispatcher)?
    private var next: UInt64 = 1

    /// `subscriptions` is the part of the configuration below that key, in YAML.
    init(subscriptions: String = "[]") throws {
        folder = try TemporaryFolder()
        try Self.write(subscriptions, in: folder)
        running = try Self.start(folder, ahead)
    }

    deinit {
        running?.stage.stop()
    }

    var stage: RouterStage {
        guard let running else { preconditionFailure("the test has stopped the router") }
        return running.stage
    }

    var file: String { folder.path + "/tributary.yaml" }

    /// Writes the configuration (`more` goes to the router's part); it counts from the next start or reload.
    func configure(subscriptions: String = "[]", allow: String = "127.0.0.0/8", more: String = "") throws {
        try Self.write(subscriptions, in: folder, allow: allow, more: more)
    }

    /// Stops the router in order and starts it again.
    func restart() throws {
        stop()
        try begin()
    }

    func stop() {
        running?.stage.stop()
        running = nil
    }

    /// Starts a router on the files that the one before has left.
    func begin() throws {
        running = try Self.start(folder, ahead)
    }

    /// Lends the event log of a stopped router.
    func withLog(_ body: (any EventLog) throws -> Void) throws {
        try body(
            try SegmentEventLog(settings: EventLogSettings(path: folder.path + "/state/fanout-router-0/events.sqlite")))
    }

    private static func write(
        _ subscriptions: String, in folder: TemporaryFolder, allow: String = "127.0.0.0/8", more: String = ""
    ) throws {
        try """
        run_dir: \(folder.path)/run
        data_dir: \(folder.path)/state
        router: { egress_allow: ["\(allow)"]\(more) }
        sources:
          - { name: stream, provider: stream, secrets: [{ id: k3ytest123abc, value: "literal:secret" }] }
        subscriptions: \(subscriptions)
        """.write(toFile: folder.path + "/tributary.yaml", atomically: true, encoding: .utf8)
    }

    private static func start(_ folder: TemporaryFolder, _ ahead: Ahead) throws -> (RouterStage, APIDispatcher) {
        let options = try StageOptions.parse(["--config", folder.path + "/tributary.yaml", "--log-level", "critical"])
        let environment = try unlocked { try StageEnvironment.open(.fanoutRouter, options) }
        let stage = try RouterStage(environment, clock: { wallNanoseconds() + ahead.value })
        let dispatcher = APIDispatcher(RouterAPI(stage), registry: environment.registry, logger: environment.logger)
        stage.start()
        return (stage, dispatcher)
    }

    /// The lock of a stopped router goes with its last reference, which a thread may hold for a moment more.
    private static func unlocked<Value>(_ body: () throws -> Value) throws -> Value {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                return try body()
            } catch let failure as StageFailure where failure.status == .temporary && .now < deadline {
                usleep(1000)
            }
        }
    }

    /// What a token with these scopes gets.
    func text(_ target: String, scopes: Set<APIScope>) throws -> String {
        let dispatcher = try #require(running).dispatcher
        var call = try dispatcher.call("GET", target)
        call.scopes = scopes
        return String(decoding: dispatcher.answer(call, contentType: nil, body: []).body, as: UTF8.self)
    }

    /// Asks as a listener does; what is answered is held against what the operation declares.
    @discardableResult func ask(_ method: String, _ target: String, _ body: String? = nil) throws -> Answer {
        let dispatcher = try #require(running).dispatcher
        let answer = dispatcher.answer(
            method, target, contentType: body == nil ? nil : "application/json", body: Array((body ?? "").utf8))
        let operation = try dispatcher.call(method, target).operation
        let json = JSONValue.read(answer.body) ?? .null
        let check = SchemaCheck(RouterAPI.schemas)
        if answer.status < 300 {
            #expect(answer.status == operation.success.status)
            let errors = operation.success.schema.map { check.errors(in: json, $0) } ?? []
            #expect(errors.isEmpty, "\(method) \(target): \(errors) in \(json.json.text.prefix(2000))")
        } else {
            #expect(check.errors(in: json, .ref("Problem")).isEmpty)
            let usual: [APIProblem.Code] = [.badRequest, .invalid, .unsupportedMediaType, .bodyTooLarge]
            #expect(
                (operation.problems + usual).map(\.rawValue).contains(json["code"].text),
                "\(method) \(target) does not declare \(json["code"].text): \(json["detail"].text)")
        }
        return Answer(
            status: answer.status, json: json, text: String(decoding: answer.body, as: UTF8.self),
            location: answer.fields.first { $0.name.lowercased() == "location" }?.value)
    }

    /// The subscription as the API shows it.
    func show(_ name: String) throws -> JSONValue { try ask("GET", "/v1/subscriptions/\(name)").json }

    /// Gives the router that many plain events, as the bus would; their positions go on from those before.
    func receive(_ count: Int) {
        var writer = ByteWriter()
        let last = next + UInt64(count) - 1
        for sequence in next...last {
            let bytes = Sample.envelope(
                journal: RouterFixture.journal, sequence: sequence, ids: ["id-\(sequence)"],
                receivedAt: wallNanoseconds())
            writer.u32(UInt32(bytes.count))
            writer.raw(bytes)
        }
        stage.writer.received([
            RecordBatch(stored: writer.bytes, first: next, count: count)
        ])
        next = last + 1
    }

    /// Waits until the events given so far are in the log.
    func waitForLog() async throws {
        let next = next
        try await eventually { try self.stage.writer.perform { $0.nextPosition } == next }
    }
}
