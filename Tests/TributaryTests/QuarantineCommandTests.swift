import ArgumentParser
import Executable
import Glibc
import JSON
import StageMetrics
import Synchronization
import Testing
import Wire

@testable import Tributary

/// The commands of the quarantine against a router and an ingress that answer like the real ones.
@Suite final class QuarantineCommandTests {
    private let stages: FakeStages

    init() throws {
        stages = try FakeStages()
    }

    private var quarantine: FakeQuarantine { stages.quarantine }
    private var state: FakeQuarantine.State { quarantine.state.withLock { $0 } }

    private func replay(_ arguments: [String]) throws -> (run: ReplayRun, failure: StageFailure?) {
        let command = try QuarantineReplay.parse(arguments)
        let router = StageClient.router(stages.configuration)
        let walk = try QuarantineWalk(router, ids: command.ids, filter: command.filter, isRepeated: command.again)
        var run = ReplayRun(router: router, ingress: .ingress(stages.configuration), rate: command.pace.rate)
        let failure = run.replay(walk)
        return (run, failure)
    }

    @Test func `everything chosen is replayed in order, batch by batch, and marked after the ingress took it`() throws {
        quarantine.put(250)
        // What is refused again while the replay runs must not be met in it.
        quarantine.state.withLock { $0.refusesAgain = true }
        let (run, failure) = try replay(["--code", "signature_mismatch"])
        #expect(failure == nil)
        #expect(run.replayed == 250 && run.failed == 0)
        #expect(run.refusedAgain == ["signature_mismatch": 250])
        #expect(state.taken == Array(1...250))
        #expect(state.marked == Array(1...250))
        #expect(state.batches == [100, 100, 50])
        #expect(state.markedTries == (1...250).map { $0 % 3 }, "so that what came back meanwhile is not hidden")
        #expect(try replay(["--all"]).run.replayed == 250, "now those that were refused again")
    }

    @Test func `what is refused is named and not marked, the others go on`() throws {
        quarantine.put(5)
        quarantine.state.withLock { $0.statuses = [2: 404] }
        let (run, failure) = try replay(["--all"])
        #expect(failure == nil)
        #expect(run.replayed == 4 && run.failed == 1)
        #expect(state.marked == [1, 3, 4, 5])
        #expect(run.json.text.contains(#""failures":[{"id":"2","reason":"no source"}]"#))
        let (named, _) = try replay(["2", "77"])
        #expect(named.replayed == 1 && named.failed == 1)
    }

    @Test func `of named entries those alone are replayed`() throws {
        quarantine.put(9)
        let (run, failure) = try replay(["2", "3", "4", "5", "7"])
        #expect(failure == nil)
        #expect(run.replayed == 5)
        #expect(state.taken == [2, 3, 4, 5, 7])
    }

    @Test func `what the router shows masked is not sent, and the scope that is missing is named`() throws {
        quarantine.put(3, token: SecretFields.mask)
        for choice in [["--all"], ["2"]] {
            let (run, failure) = try replay(choice)
            #expect(failure?.sentence.contains("scope replay") == true)
            #expect(run.replayed == 0)
        }
        #expect(state.taken.isEmpty && state.marked.isEmpty)
    }

    @Test func `an ingress that is full is asked again later`() throws {
        quarantine.put(3)
        quarantine.state.withLock { $0.statuses = [2: 503] }
        let (run, failure) = try replay(["--all", "--rate", "1000"])
        #expect(failure == nil)
        #expect(run.replayed == 3)
        #expect(state.taken == [1, 3, 2])
    }

    @Test func `elements, origin and receipt go along`() throws {
        quarantine.put(1, elements: "[3,7]")
        _ = try replay(["1"])
        let webhook = state.last
        #expect(webhook["elements"].json.text == "[3,7]")
        #expect(webhook["replay_of"].json.text == #"{"journal":"\#(FakeStages.journal)","sequence":1}"#)
        #expect(webhook["received_at_ns"].integer == 1_778_198_400_000_000_001)
    }

    @Test func `a dry run asks the running verifier, says what would come of each and touches nothing`() throws {
        quarantine.put(1, elements: "[1]")
        quarantine.put(1, token: "wrong")
        let router = StageClient.router(stages.configuration)
        var walk = try QuarantineWalk(router, ids: [], filter: QuarantineFilter.parse([]), isRepeated: false)
        var rehearsal = ReplayRehearsal(configuration: stages.configuration)
        let outcomes = try rehearsal.judge(try walk.next(100).map { QuarantineEntry($0) })
        #expect(outcomes.map(\.codes) == [[], ["token_mismatch"]])
        #expect(outcomes[0].events.count == 1, "of two elements the one that was refused")
        #expect(outcomes[0].json.text.hasPrefix(#"{"id":1,"source":"rooms","refused":[],"events":[{"type":""#))
        #expect(outcomes[1].text.hasPrefix("2 rooms: refused again, token_mismatch"))
        #expect(rehearsal.text.hasPrefix("2 entries: 1 would be accepted; nothing was sent"))
        #expect(rehearsal.json.text.contains(#""refused":{"token_mismatch":1}"#))
        #expect(rehearsal.isAnyRefused)
        #expect(state.taken.isEmpty && state.marked.isEmpty)
        #expect(try stages.command("quarantine", "replay", "--all", "--dry-run").status == 1)
        #expect(try stages.command("quarantine", "replay", "1", "--dry-run").status == 0)
    }

    @Test func `the exit code says that something was refused again`() throws {
        quarantine.put(2)
        #expect(try stages.command("quarantine", "replay", "1").status == 0)
        quarantine.state.withLock { $0.refusesAgain = true }
        let refused = try stages.command("quarantine", "replay", "2")
        #expect(refused.status == 1)
        #expect(refused.output == "replayed 1 of 1\n1 refused again: signature_mismatch\n")
    }

    @Test func `a source or stage that there is not is said with the nearest`() throws {
        let source = try stages.command("quarantine", "replay", "--source", "room")
        #expect(source.status == 64)
        #expect(source.errors.contains("has no source room; did you mean \"rooms\"?"))
        let stage = try stages.command("quarantine", "list", "--stage", "postman")
        #expect(stage.status == 64)
        #expect(stage.errors.contains("fanout-router (or router)"))
        #expect(try QuarantineList.parse(["--stage", "router"]).filter.parameters[2].1 == "fanout-router")
    }

    @Test func `tokens of the head are hidden unless asked for`() throws {
        quarantine.put(1)
        let entry = try StageClient.router(stages.configuration).ask("GET", "/v1/quarantine/1")
        let hidden = QuarantineEntry(entry, hidden: SecretFields())
        #expect(!hidden.text.contains("t0ken") && !hidden.json.text.contains("t0ken"))
        #expect(hidden.text.contains("x-plain: shown"))
        #expect(QuarantineEntry(entry).text.contains(":token: t0ken"))
    }

    @Test func `a filter is made of times, whiles and words`() throws {
        #expect(TimeRange.instant("2h", now: 7_200_000_005_000) == "1970-01-01T00:00:00.000005Z")
        #expect(TimeRange.instant("1970-01-01T01:00:00+01:00") == "1970-01-01T01:00:00+01:00")
        let filter = try QuarantineReplay.parse(["--reason", "poison", "--until", "1970-01-01T00:00:01Z"]).filter
        let given = filter.parameters.compactMap { name, value in value.map { "\(name)=\($0)" } }
        #expect(given == ["code=poison", "until=1970-01-01T00:00:01Z"])
        for wrong in [[], ["7", "--all"], ["--since", "yesterday"], ["--all", "--rate", "0"]] {
            #expect(throws: (any Error).self, "\(wrong)") { try QuarantineReplay.parse(wrong) }
        }
    }

    @Test func `a purge says what it would delete and deletes only when told so`() throws {
        quarantine.put(30)
        let router = StageClient.router(stages.configuration)
        let asking = try QuarantinePurge.parse(["--code", "signature_mismatch"])
        let refusal = #expect(throws: StageFailure.self) { try asking.purgeChosen(router) }
        #expect(
            refusal?.sentence
                == "this would delete 30 webhooks (rooms signature_mismatch: 30) for good; say so with --yes")
        let telling = try QuarantinePurge.parse(["--code", "signature_mismatch", "--yes"])
        #expect(try telling.purgeChosen(router) == 30)
        #expect(try telling.purgeChosen(router) == 0)
        for wrong in [["--yes"], ["7", "--all"]] {
            #expect(throws: (any Error).self, "\(wrong)") { try QuarantinePurge.parse(wrong) }
        }
    }
}
