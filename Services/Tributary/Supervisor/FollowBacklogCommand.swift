import ArgumentParser
import Executable
import Glibc
import JSON
import StageMetrics

/// The judgement of `scale --auto`. The supervisor starts it, and it ends with the supervisor, or where no stage follows the
/// backlog; it asks for another number of instances like anybody else.
struct FollowBacklogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "follow-backlog", shouldDisplay: false)

    @Argument var runDir: String
    /// The supervisor's.
    @Argument var pid: Int32

    func run() {
        let supervisor = SupervisorClient(runDir: runDir)
        var scalings: [String: BacklogScaling] = [:]
        while getppid() == pid {
            sleep(1)
            // What cannot be scaled now may be the next time; the supervisor says why.
            try? { () throws(StageFailure) in
                guard let status = try supervisor.ask("status"), case .object(let ranges) = status["auto"] else {
                    return
                }
                for each in ranges {
                    let bounds = each.value.elements.compactMap(\.integer).map(Int.init)
                    guard bounds.count == 2, bounds[0] <= bounds[1] else { continue }
                    let range = bounds[0]...bounds[1]
                    var scaling = scalings[each.name].flatMap { $0.range == range ? $0 : nil } ?? BacklogScaling(range)
                    if let (count, why) = judge(each.name, status["instances"].elements, &scaling) {
                        let order: [(String, JSONText)] = [
                            ("stage", .string(each.name)), ("count", .number(count)), ("why", .string(why)),
                        ]
                        _ = try supervisor.ask("scale", order) { _ in }
                    }
                    scalings[each.name] = scaling
                }
                if ranges.isEmpty { ExitStatus.success.exit() }
            }()
        }
    }

    /// Another number of a stage's instances, and why; nil where those that there are suffice.
    private func judge(_ stage: String, _ rows: [JSONValue], _ scaling: inout BacklogScaling) -> (Int, String)? {
        let (own, others) = (rows.filter { $0["stage"].text == stage }, rows.filter { $0["stage"].text != stage })
        let ages = others.filter { $0["stage"].text.hasPrefix("ingress-") }.map {
            InstanceReading($0, runDir: runDir).oldestSeconds
        }
        let isWhole = !ages.contains(nil) && others.allSatisfy { ["ready", "draining"].contains($0["state"].text) }
        let age = isWhole ? ages.compactMap { $0 }.max() : nil
        // One that is too slow to answer is busy.
        let allBusy = !own.contains { InstanceReading($0, runDir: runDir).backlogRecords == 0 }
        let wanted = scaling.judge(Double(monotonicNanoseconds()) / 1e9, count: own.count, age: age, allBusy: allBusy)
        if wanted == own.count { return nil }
        return (wanted, "the oldest unsettled webhook is \(((age ?? 0) * 10).rounded() / 10) s old")
    }
}
