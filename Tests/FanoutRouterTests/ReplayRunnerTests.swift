import Dispatch
import EventLog
import JSON
import LogSamples
import Logging
import StageMetrics
import Synchronization
import Testing
import Wire

@testable import EventDelivery

@Suite struct ReplayRunnerTests {
    private func selection(_ json: String) throws -> ReplaySelection {
        try ReplaySelection(try #require(JSONValue.read(Array(json.utf8))))
    }

    private func count(_ fixture: ReplayFixture, _ json: String) throws -> Int? {
        let outcome = try fixture.runner.create(
            try selection(json), subscription: "app", perSecond: nil, isDryRun: true)
        if case .counted(let count) = outcome { return count } else { return nil }
    }

    /// Makes a job and waits until it has queued all that it means and the lane has delivered it.
    private func replay(_ fixture: ReplayFixture, _ json: String, perSecond: Double? = nil) async throws -> ReplayJob {
        let id = try start(fixture, json, perSecond: perSecond)
        try await eventually {
            let job = try fixture.job(id)
            return job.state == .finished && job.waiting == 0
        }
        return try fixture.job(id)
    }

    private func start(_ fixture: ReplayFixture, _ json: String, perSecond: Double? = nil) throws -> Int64 {
        let outcome = try fixture.runner.create(
            try selection(json), subscription: "app", perSecond: perSecond, isDryRun: false)
        guard case .created(let job) = outcome else { throw EventLogError(.unreadable, "no job") }
        return job.id
    }

    @Test func `a selection is written as it was read`() throws {
        let full = """
            {"from":"dead-letters","positions":[3,9007199254740991],"first":1,"last":7,\
            "since":"2026-10-05T14:49:14Z","until":"2026-10-05T14:49:15.5Z","ids":["a\\"b"],"types":["room.*"],\
            "sources":["stream"],"subjects":["rooms/*"],"keys":["k"],"causes":["timeout"]}
            """
        let read = try selection(full)
        #expect(read.positions == [3, 9_007_199_254_740_991])
        #expect(try selection(read.json.text) == read)
        #expect(try selection(#"{"from":"log","first":1.0,"positions":[2e0]}"#).positions == [2])
        #expect(try selection("{\"from\":\"log\"}").json.text == "{\"from\":\"log\"}")
    }

    @Test(arguments: [
        ("{}", "/from"), ("{\"from\":\"quarantine\"}", "/from"), ("{\"from\":\"log\",\"first\":0}", "/first"),
        ("{\"from\":\"log\",\"last\":\"9\"}", "/last"), ("{\"from\":\"log\",\"positions\":[]}", "/positions"),
        ("{\"from\":\"log\",\"positions\":[1,-1]}", "/positions"), ("{\"from\":\"log\",\"ids\":\"a\"}", "/ids"),
        ("{\"from\":\"log\",\"since\":\"yesterday\"}", "/since"), ("{\"from\":\"log\",\"types\":[\"\"]}", "/types"),
        ("{\"from\":\"log\",\"causes\":[\"timeout\"]}", "/causes"),
    ])
    func `what is wrong with a selection is said with a pointer at it`(_ json: String, _ pointer: String) throws {
        let error = #expect(throws: RouterError.self) { try selection(json) }
        #expect(error?.code == .invalid)
        #expect(error?.faults.map(\.pointer) == [pointer])
    }

    @Test func `a rate lets through what it says over any time and saves nothing up`() {
        var rate = TokenBucket(perSecond: 100, most: TokenBucket.burst(100), tokens: 1, now: 0)
        var taken = 0
        for millisecond in 0...10_000 as ClosedRange<Int64> {
            let available = rate.count(now: millisecond * 1_000_000)
            rate.take(available, now: millisecond * 1_000_000)
            taken += available
        }
        #expect((995...1001).contains(taken))
        #expect(rate.count(now: 3_600_000_000_000) == 10)
        var slow = TokenBucket(perSecond: 0.5, most: TokenBucket.burst(0.5), tokens: 1, now: 0)
        #expect(slow.count(now: 0) == 1)
        slow.take(now: 0)
        #expect(slow.count(now: 1_900_000_000) == 0)
        #expect(slow.count(now: 2_100_000_000) == 1)
    }

    @Test func `dead letters are sent again whatever the filter, but for those whose events are gone`() async throws {
        let fixture = try ReplayFixture { _ in false }
        try fixture.append(100)
        try fixture.die([3, 5, 7, 50], "timeout: 5 s")
        try fixture.die([8, 51], "status 500")
        try fixture.expire(10...20)
        #expect(try count(fixture, "{\"from\":\"dead-letters\"}") == 6)
        #expect(try count(fixture, "{\"from\":\"dead-letters\",\"causes\":[\"timeout\"],\"first\":5}") == 3)
        #expect(try count(fixture, "{\"from\":\"dead-letters\",\"positions\":[51,4,3,15,3]}") == 2)
        #expect(try count(fixture, "{\"from\":\"dead-letters\",\"ids\":[\"id-7\",\"id-9\"]}") == 1)
        #expect(try count(fixture, "{\"from\":\"dead-letters\",\"types\":[\"room.*\"]}") == 0)
        let job = try await replay(fixture, "{\"from\":\"dead-letters\",\"causes\":[\"timeout\"]}")
        #expect(fixture.lane.positions == [3, 5, 7, 50])
        #expect(fixture.lane.jobs == [job.id])
        #expect([job.queued, job.skipped] == [4, 0])
        #expect(try count(fixture, "{\"from\":\"dead-letters\"}") == 2)
    }

    @Test func `of the log is sent again what the filter takes now and the cursor has passed`() async throws {
        let fixture = try ReplayFixture { record in record.attribute("id")?.last == UInt8(ascii: "7") }
        try fixture.append(100)
        try fixture.save(taken: 80, unfinished: [37, 38])
        try fixture.die([17], "status 500")
        // 37 is under way; 87 and 97 were never taken.
        #expect(try count(fixture, "{\"from\":\"log\"}") == 7)
        #expect(try count(fixture, "{\"from\":\"log\",\"first\":18,\"last\":60}") == 3)
        #expect(try count(fixture, "{\"from\":\"log\",\"positions\":[7,8,97]}") == 1)
        #expect(try count(fixture, "{\"from\":\"log\",\"types\":[\"participant.*\"],\"ids\":[\"id-27\"]}") == 1)
        #expect(try count(fixture, "{\"from\":\"log\",\"until\":\"1990-01-01T00:00:00Z\"}") == 0)
        let job = try await replay(fixture, "{\"from\":\"log\"}")
        #expect(fixture.lane.positions == [7, 17, 27, 47, 57, 67, 77])
        #expect([job.queued, job.skipped] == [7, 1])
        #expect(job.position == 80)
        // Delivered events can be sent as often as is wished; a dead letter that was delivered is none any more.
        _ = try await replay(fixture, "{\"from\":\"log\",\"first\":70}")
        #expect(fixture.lane.positions.last == 77)
        #expect(try count(fixture, "{\"from\":\"dead-letters\"}") == 0)
    }

    @Test func `a long replay is never far ahead of its lane and leaves nothing out`() async throws {
        let fixture = try ReplayFixture { _ in true }
        try fixture.append(4000)
        try fixture.die(Array(1...4000), "timeout")
        fixture.lane.isHeld.store(true, ordering: .relaxed)
        let id = try start(fixture, "{\"from\":\"dead-letters\"}")
        try await eventually { try fixture.queued() == ReplayRunner.mostQueued }
        #expect(try fixture.job(id).state == .running)
        fixture.lane.isHeld.store(false, ordering: .relaxed)
        fixture.lane.pump()
        try await eventually { try fixture.job(id).state == .finished && fixture.job(id).waiting == 0 }
        #expect(fixture.lane.positions == Array(1...4000))
        #expect(fixture.lane.mostWaiting.load(ordering: .relaxed) <= ReplayRunner.mostQueued)
    }

    @Test func `a job goes on after a restart where it was`() async throws {
        var fixture = try ReplayFixture { _ in true }
        try fixture.append(3000)
        try fixture.die(Array(1...3000), "timeout")
        fixture.lane.isHeld.store(true, ordering: .relaxed)
        let id = try start(fixture, "{\"from\":\"dead-letters\"}")
        try await eventually { try fixture.queued() == ReplayRunner.mostQueued }
        fixture.runner.stop()
        fixture.writer.close()
        fixture = try ReplayFixture(fixture.folder) { _ in true }
        #expect(try fixture.job(id).state == .running)
        fixture.runner.start()
        fixture.lane.pump()
        try await eventually { try fixture.job(id).state == .finished && fixture.job(id).waiting == 0 }
        #expect(fixture.lane.positions == Array(1...3000))
        #expect(try fixture.job(id).queued == 3000)
    }

    @Test func `a rate is kept to`() async throws {
        let fixture = try ReplayFixture { _ in true }
        try fixture.append(100)
        try fixture.die(Array(1...60), "timeout")
        let started = monotonicNanoseconds()
        let job = try await replay(fixture, "{\"from\":\"dead-letters\"}", perSecond: 100)
        // Sixty at a hundred per second take half a second at the least, with what may be queued at once.
        #expect(monotonicNanoseconds() - started > 500_000_000)
        #expect(job.queued == 60)
        #expect(job.perSecond == 100)
    }

    @Test func `a cancelled job sends nothing more and gives the dead letters back`() async throws {
        let fixture = try ReplayFixture { _ in true }
        try fixture.append(3000)
        try fixture.die(Array(1...3000), "timeout: none")
        fixture.lane.isHeld.store(true, ordering: .relaxed)
        let id = try start(fixture, "{\"from\":\"dead-letters\"}")
        try await eventually { try fixture.queued() == ReplayRunner.mostQueued }
        let cancelled = try #require(try fixture.runner.cancel(id))
        #expect(cancelled.state == .cancelled)
        #expect(cancelled.waiting == 0)
        #expect(fixture.lane.cancelled.withLock { $0 } == [id])
        #expect(try fixture.reading.read { try $0.deadLetterCounts() } == ["app": 3000])
        #expect(try fixture.runner.cancel(99) == nil)
        // Another job is not touched by it and does the same work anew.
        fixture.lane.isHeld.store(false, ordering: .relaxed)
        let other = try await replay(fixture, "{\"from\":\"dead-letters\",\"last\":1500}")
        #expect(other.queued == 1500)
    }

    @Test func `a job whose subscription is gone is cancelled`() async throws {
        let fixture = try ReplayFixture { _ in true }
        try fixture.append(10)
        try fixture.die([1], "timeout")
        fixture.lane.isGone.store(true, ordering: .relaxed)
        let id = try start(fixture, "{\"from\":\"dead-letters\"}")
        try await eventually { try fixture.job(id).state == .cancelled }
        #expect(fixture.lane.positions.isEmpty)
    }

    @Test func `so many jobs run at a time and no more`() throws {
        let fixture = try ReplayFixture { _ in true }
        try fixture.append(2000)
        try fixture.die(Array(1...2000), "timeout")
        fixture.lane.isHeld.store(true, ordering: .relaxed)
        for _ in 0..<ReplayRunner.mostRunning { _ = try start(fixture, "{\"from\":\"dead-letters\"}") }
        let error = #expect(throws: RouterError.self) { try start(fixture, "{\"from\":\"dead-letters\"}") }
        #expect(error?.code == .limitReached)
    }
}
