import Executable
import Glibc
import Primitives
import StageMetrics

/// What metrics and disks say of the conditions.
struct ConditionReadings {
    /// Of this process.
    static let ownNames: Set<String> = [
        state, breaker, oldestEvent, IntakeMetrics.quarantineFullness, jump, certificate, destinationCertificate,
    ]
    /// Of the others.
    static let names = [oldestRecord, jump, certificate]
    static let destinationCertificate = "tributary_subscription_certificate_expires_seconds"
    private static let state = "tributary_subscription_state"
    private static let breaker = "tributary_subscription_breaker"
    private static let oldestEvent = "tributary_subscription_oldest_event_seconds"
    private static let oldestRecord = "tributary_oldest_unsettled_seconds"
    private static let jump = "tributary_clock_jump_seconds"
    private static let certificate = "tributary_certificate_expires_seconds"

    private static let secondsPerDay = 86_400.0
    /// A webhook that waits for a minute, an event that waits for ten.
    private static let oldRecordSeconds = 60.0
    private static let oldEventSeconds = 600.0
    private static let nearDays = 14.0

    /// How far the clock of each instance was set when that was looked at last, in seconds.
    private var jumps: [String: Double] = [:]

    /// `nowNanoseconds`: since 1970, for certificates.
    mutating func evaluate(_ metrics: [MetricReading], instance: String, nowNanoseconds: Int64) -> [ConditionReading] {
        let samples = metrics.flatMap(\.samples)
        let active = Set(
            samples.filter { $0.name == Self.state && $0.label("state") == "active" && $0.value == "1" }
                .compactMap { $0.label("subscription") })
        return samples.compactMap { sample in
            Double(sample.value).flatMap { value in
                reading(of: sample, value, instance, active, nowSeconds: Double(nowNanoseconds) / 1e9)
            }
        }
    }

    private mutating func reading(
        of sample: MetricReading.Sample, _ value: Double, _ instance: String, _ active: Set<String>, nowSeconds: Double
    ) -> ConditionReading? {
        let subscription = sample.label("subscription") ?? ""
        let words = subscription.isEmpty ? instance : "subscription \(subscription)"
        let subject = subscription.isEmpty ? "instances/\(instance)" : "subscriptions/\(subscription)"
        switch (sample.name, sample.label("state")) {
        case (Self.state, "disabled"):
            return ConditionReading(
                .subscriptionDisabled, subject, value, raisedFrom: 1, clearedBelow: 1,
                "\(words) is \(value < 1 ? "no longer " : "")disabled")
        case (Self.breaker, "closed"):
            let isFailing = value < 1 && active.contains(subscription)
            return ConditionReading(
                .subscriptionFailing, subject, isFailing ? 1 : 0, raisedFrom: 1, clearedBelow: 1,
                "\(words) \(isFailing ? "fails, and gets single attempts only" : "works")")
        case (Self.oldestEvent, _) where active.contains(subscription):
            return ConditionReading(
                .backlogOld, subject, value, raisedFrom: Self.oldEventSeconds, clearedBelow: Self.oldEventSeconds / 10,
                "the oldest event that \(words) has not got has waited for \(Int(value)) s")
        case (Self.oldestRecord, _):
            return ConditionReading(
                .backlogOld, subject, value, raisedFrom: Self.oldRecordSeconds,
                clearedBelow: Self.oldRecordSeconds / 10,
                "the oldest webhook of \(words) that is not in the event log has waited for \(Int(value)) s")
        case (IntakeMetrics.quarantineFullness, _):
            let source = sample.label("source") ?? ""
            return ConditionReading(
                .quarantineFilling, "sources/\(source)", value, raisedFrom: 0.8, clearedBelow: 0.6,
                "the quarantine of source \(source) is full to \(Int(100 * value)) %; the oldest make room for new ones"
            )
        case (Self.certificate, _), (Self.destinationCertificate, _):
            let days = (value - nowSeconds) / Self.secondsPerDay
            return ConditionReading(
                .certificateEnding, subject, -days, raisedFrom: -Self.nearDays, clearedBelow: -Self.nearDays - 1,
                "the certificate \(subscription.isEmpty ? "of" : "that the destination of") \(words) "
                    + "\(subscription.isEmpty ? "" : "has ")counts for \(Int(days.rounded(.down))) more days")
        case (Self.jump, _):
            let by = value - (jumps.updateValue(value, forKey: instance) ?? 0)
            return ConditionReading(
                .clockJumped, subject, by.magnitude, raisedFrom: 1, clearedBelow: 1,
                "the wall clock of \(words) was set \(by < 0 ? "back" : "forward") by \(Int(by.magnitude)) s; nothing "
                    + "became older or younger for it")
        default: return nil
        }
    }

    /// Each disk below `dataDir` once, by the first folder on it.
    static func ofDisks(_ dataDir: String) -> [ConditionReading] {
        var seen: Set<UInt> = []
        let folders = DirectoryNames.read(dataDir).filter { !$0.hasPrefix(".") }.sorted().map { "\(dataDir)/\($0)" }
        return ([dataDir] + folders).compactMap { folder in
            var space = statvfs()
            guard statvfs(folder, &space) == 0, space.f_blocks > 0, seen.insert(UInt(space.f_fsid)).inserted else {
                return nil
            }
            let used = 1 - Double(space.f_bavail) / Double(space.f_blocks)
            let free = Int(clamping: UInt64(space.f_bavail) * UInt64(space.f_frsize) >> 20)
            return ConditionReading(
                .diskLow, folder, used, raisedFrom: 0.95, clearedBelow: 0.9,
                "the disk of \(folder) has \(free) MiB free, \(Int(100 * (1 - used))) %")
        }
    }
}
