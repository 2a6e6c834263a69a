import Dispatch
import EventLog
import Executable
import JSON
import Logging
package import StageMetrics

/// Looks at the gateway now and then, and takes what its operator should know into the event log as events. They name no
/// source, and only filters that name their types take them.
///
/// `@unchecked Sendable`: what changes is touched on `queue` only.
package final class ConditionWatch: @unchecked Sendable {
    /// The metrics of these names of the other instances, as far as they answer. May block.
    package typealias Others = @Sendable (_ names: [String]) -> [(name: String, metrics: [MetricReading])]

    /// What the watch works with.
    struct Dependencies: Sendable {
        let instance: String
        /// Nil: another router looks at the disks and the other stages.
        let dataDir: String?
        let registry: MetricRegistry
        let reading: LogReading
        let writer: LogWriter
        let logger: Logger
    }

    private static let interval = DispatchTimeInterval.seconds(5)

    private let queue = DispatchQueue(label: "gateway-conditions")
    private let dependencies: Dependencies
    private let others: Others
    private var readings = ConditionReadings()
    /// Nil until what was said before was read from the log.
    private var tracker: ConditionTracker?

    init(_ dependencies: Dependencies, others: @escaping Others) {
        self.dependencies = dependencies
        self.others = others
    }

    func start() { queue.asyncAfter(deadline: .now() + Self.interval) { [weak self] in self?.look() } }

    private func look() {
        defer { start() }
        // What cannot be written is said once it can, if it still holds.
        guard dependencies.writer.problem == nil else { return }
        do {
            let now = monotonicNanoseconds()
            var tracker = try tracker ?? ConditionTracker(raised: raised(), now: now)
            let (wall, instance) = (wallNanoseconds(), dependencies.instance)
            var found = dependencies.dataDir.map(ConditionReadings.ofDisks) ?? []
            found += readings.evaluate(
                dependencies.registry.read(ConditionReadings.ownNames), instance: instance, nowNanoseconds: wall)
            let others = dependencies.dataDir == nil ? [] : others(ConditionReadings.names)
            // Routers speak for themselves.
            for (name, metrics) in others where !name.hasPrefix(Stage.fanoutRouter.rawValue) {
                found += readings.evaluate(metrics, instance: name, nowNanoseconds: wall)
            }
            let changes = tracker.take(found, now: now)
            self.tracker = tracker
            guard !changes.isEmpty else { return }
            for change in changes {
                dependencies.logger.notice("\(change.condition.rawValue) \(change.state): \(change.text)")
            }
            dependencies.writer.append(changes.map { $0.event(at: wall) })
        } catch {
            dependencies.logger.warning(
                "what was said of this gateway before cannot be read", metadata: ["cause": "\(error)"])
        }
    }

    /// What the newest event of each condition and subject says is going on.
    private func raised() throws -> Set<ConditionTracker.Key> {
        var query = EventQuery()
        query.filter.types = GatewayCondition.allCases.map(\.type)
        query.isDescending = true
        var raised: Set<ConditionTracker.Key> = []
        var seen: Set<ConditionTracker.Key> = []
        repeat {
            let asked = query
            let page = try dependencies.reading.read { try $0.search(asked) }
            for (batch, position) in page.matches {
                guard let (key, isRaised) = batch.withRecord(at: position, Self.said) ?? nil,
                    seen.insert(key).inserted
                else { continue }
                if isRaised, !key.condition.isMomentary { raised.insert(key) }
            }
            query.after = page.next
        } while query.after != nil
        return raised
    }

    private static func said(_ record: EventRecord) -> (ConditionTracker.Key, Bool)? {
        func text(_ name: StaticString) -> String {
            record.attribute(name).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        guard let condition = GatewayCondition.allCases.first(where: { $0.type == text("type") }) else { return nil }
        let payload = record.payload.flatMap { JSONValue.read(Array($0)) }
        return (.init(condition: condition, subject: text("subject")), payload?["state"].text == "raised")
    }
}
