import Executable
import Glibc
import JSON
import StageMetrics

/// A replay under way: posts batches to an ingress, marks what it took, and counts.
struct ReplayRun {
    /// Failures that are named at the end; the others are counted.
    private static let namedFailures = 20
    /// How often an ingress that cannot accept is asked again, after 1 s, 2 s, 4 s …
    private static let patience = 6

    /// Where what an ingress took is marked; nil where it comes from elsewhere.
    private let router: StageClient?
    private let ingress: StageClient
    private let rate: Double?
    private let startedNanoseconds = monotonicNanoseconds()
    private var reportedNanoseconds = monotonicNanoseconds()

    private(set) var replayed = 0
    private(set) var failed = 0
    /// What the verifier said at once; the rest is known only when it is in the log or back in quarantine.
    private(set) var refusedAgain: [String: Int] = [:]
    private var failures: [(id: String, sentence: String)] = []
    private var expected = 0

    init(router: StageClient?, ingress: StageClient, rate: Double? = nil) {
        self.router = router
        self.ingress = ingress
        self.rate = rate
    }

    /// Replays everything; returns why it had to stop before the end.
    mutating func replay(_ walk: some ReplayWalk) -> StageFailure? {
        var walk = walk
        // A fifth of a second's worth at a time, so that a rate is no sequence of bursts.
        let limit = rate.map { max(1, min(QuarantineWalk.pageLimit, Int($0 / 5))) } ?? QuarantineWalk.pageLimit
        do throws(StageFailure) {
            while true {
                let entries = try walk.next(limit)
                expected = walk.expected
                if entries.isEmpty { break }
                keepRate()
                try send(entries.map { QuarantineEntry($0) })
                reportProgress()
            }
        } catch {
            return error
        }
        for missing in walk.missing { fail(String(missing.id), missing.sentence) }
        return nil
    }

    private mutating func send(_ entries: [QuarantineEntry]) throws(StageFailure) {
        var waiting = entries
        for attempt in 0... {
            let body = JSONText.object(["webhooks": .array(waiting.map(\.replay))])
            let answers = try ingress.ask("POST", "/replay", body)["answers"].elements
            guard answers.count == waiting.count else {
                throw StageFailure(
                    .failure, "\(ingress.instance) answered \(answers.count) of \(waiting.count) webhooks")
            }
            var taken: [QuarantineEntry] = []
            var refused: [QuarantineEntry] = []
            for (entry, answer) in zip(waiting, answers) {
                switch answer["status"].integer {
                case 202:
                    taken.append(entry)
                    let verdict = answer["answer"]["verdict"].text
                    if !verdict.isEmpty { refusedAgain[verdict, default: 0] += 1 }
                case 503: refused.append(entry)
                default: fail(entry.id, printable(answer["answer"]["error"]["text"].text))
                }
            }
            if !taken.isEmpty {
                // With the tries that were seen: what has come back by now is not hidden.
                let mark = JSONText.object([
                    "ids": .array(taken.map { JSONText(raw: Array($0.id.utf8)) }),
                    "tries": .array(taken.map { .number($0.tries) }),
                ])
                _ = try router?.ask("POST", "/v1/quarantine/replayed", mark)
                replayed += taken.count
            }
            if refused.isEmpty { return }
            guard attempt < Self.patience else {
                throw StageFailure(
                    .temporary,
                    "\(ingress.instance) takes nothing at present; what was not replayed is not marked, so the same "
                        + "command goes on later")
            }
            waiting = refused
            // The ingress has asked for time: its disk budget is used up or its journal is behind.
            sleep(UInt32(1) << UInt32(attempt))
        }
    }

    private mutating func fail(_ id: String, _ sentence: String) {
        failed += 1
        if failures.count < Self.namedFailures { failures.append((id, sentence)) }
        if failed <= Self.namedFailures { StandardError.write("tributary: entry \(id): \(sentence)\n") }
    }

    private func keepRate() {
        guard let rate else { return }
        let due = startedNanoseconds + Int64(Double(replayed + failed) / rate * 1e9)
        let wait = due - monotonicNanoseconds()
        // Keeping a rate is waiting for the clock; nothing else would end this wait.
        if wait > 0 { usleep(UInt32(clamping: wait / 1000)) }
    }

    /// At most once a second.
    private mutating func reportProgress() {
        let now = monotonicNanoseconds()
        guard now - reportedNanoseconds > 1_000_000_000 else { return }
        reportedNanoseconds = now
        let perSecond = Int(Double(replayed) / (Double(now - startedNanoseconds) / 1e9))
        StandardError.write("tributary: \(replayed) of \(expected) replayed, \(perSecond) per second\n")
    }

    var json: JSONText {
        .object([
            "replayed": .number(replayed), "chosen": .number(expected), "failed": .number(failed),
            "refused_again": .object(refusedAgain.sorted { $0.key < $1.key }.map { ($0.key, .number($0.value)) }),
            "failures": .array(failures.map { .object(["id": .string($0.id), "reason": .string($0.sentence)]) }),
        ])
    }

    var text: String {
        let again = refusedAgain.sorted { $0.key < $1.key }.map { "\n\($0.value) refused again: \($0.key)" }
        return "replayed \(replayed) of \(expected)" + again.joined()
    }
}
