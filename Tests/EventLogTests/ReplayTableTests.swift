import EventLog
import LogSamples
import Testing

@Suite struct ReplayTableTests {
    private func fixture() throws -> LogFixture {
        let fixture = try LogFixture()
        try fixture.append(20)
        _ = try fixture.log.lane("a")
        try fixture.save(
            "a", taken: 20, unfinished: [7, 8],
            changes: (1...5).map { LogFixture.dead($0, at: Int64($0)) } + [
                .retrying(
                    RetryingDelivery(
                        position: 8, attempts: 1, firstAttemptNanoseconds: 1, dueNanoseconds: 2, replay: 77)),
                .dead(DeadLetter(first: 9, last: 12, reason: "expired", attempts: 0, diedAtNanoseconds: 1)),
            ])
        return fixture
    }

    private func job(_ fixture: LogFixture, _ subscription: String = "a") throws -> ReplayJob {
        try fixture.log.add(
            ReplayJob(
                subscription: subscription, selection: "{}", perSecond: 2.5, position: 0, last: 20,
                createdAtNanoseconds: 5))
    }

    @Test func `what is queued is read by ticket, and what waits or is under way already is skipped and counted`()
        throws
    {
        let fixture = try fixture()
        var job = try job(fixture)
        job.position = 15
        // 7 is under way, 8 retries, 9 is a range, 21 was never taken; 15 was delivered before.
        #expect(try fixture.log.save(job, queueing: [15, 2, 3, 7, 8, 9, 21]) == 3)
        #expect(try fixture.log.save(job, queueing: [2, 4]) == 1)
        let queued = try fixture.reader.queuedReplays(subscription: "a", after: 0, limit: 9)
        #expect(queued.map(\.position) == [15, 2, 3, 4])
        #expect(queued.map(\.ticket) == queued.map(\.ticket).sorted())
        #expect(queued.allSatisfy { $0.job == job.id })
        #expect(
            try fixture.reader.queuedReplays(subscription: "a", after: queued[1].ticket, limit: 1).map(\.position) == [
                3
            ])
        #expect(try fixture.deadLetters() == ["a 1", "a 5", "a 9"])
        let saved = try #require(try fixture.reader.replay(id: job.id))
        #expect([saved.queued, saved.skipped, saved.waiting] == [4, 5, 4])
        #expect(saved.position == 15)
        #expect(saved.perSecond == 2.5)
        let progress = try #require(try fixture.reader.progress(of: "a"))
        #expect(progress.taken == 20)
        #expect(progress.unfinished == [2, 3, 4, 7, 8, 15])
    }

    @Test func `a restart keeps the queue and the marks, and tickets are never given twice`() throws {
        let fixture = try fixture()
        let job = try job(fixture)
        #expect(try fixture.log.save(job, queueing: [1, 2, 3]) == 3)
        let first = try fixture.reader.queuedReplays(subscription: "a", after: 0, limit: 9)
        // The lane took two up; one waits for its next attempt, one is under way when the process dies.
        let retry = RetryingDelivery(
            position: 1, attempts: 1, firstAttemptNanoseconds: 1, dueNanoseconds: 9, replay: job.id)
        try fixture.save("a", taken: 20, unfinished: [1, 2, 7, 8], changes: [.retrying(retry)])
        try fixture.reopen()
        let lane = try fixture.log.lane("a")
        #expect(lane.hasReplays)
        #expect(lane.progress.unfinished == [1, 7, 8])
        #expect(lane.retrying.map(\.replay) == [job.id, 77])
        #expect(try fixture.reader.queuedReplays(subscription: "a", after: 0, limit: 9) == Array(first.dropFirst()))
        // All end; what is queued later comes behind.
        try fixture.save(
            "a", taken: 20, unfinished: [7, 8],
            changes: [.cleared(position: 1), .cleared(position: 2), LogFixture.dead(3, at: 99)])
        #expect(try fixture.log.lane("a").hasReplays == false)
        #expect(try fixture.reader.replay(id: job.id)?.waiting == 0)
        try fixture.reopen()
        #expect(try fixture.log.save(job, queueing: [2]) == 1)
        let later = try fixture.reader.queuedReplays(
            subscription: "a", after: try #require(first.last).ticket, limit: 9)
        #expect(later.map(\.position) == [2])
    }

    @Test func `a member of a retrying batch stays with it`() throws {
        let fixture = try fixture()
        let job = try job(fixture)
        #expect(try fixture.log.save(job, queueing: [13, 14, 15]) == 3)
        let retry = RetryingDelivery(
            position: 13, last: 14, attempts: 1, firstAttemptNanoseconds: 1, dueNanoseconds: 9, replay: job.id)
        try fixture.save("a", taken: 20, unfinished: [13, 14, 15], changes: [.retrying(retry)])
        #expect(try fixture.log.lane("a").progress.unfinished == [13, 14])
    }

    @Test func `a cancelled job gives dead letters back as they were and forgets the rest`() throws {
        let fixture = try fixture()
        let before = try fixture.reader.deadLetters(DeadLetterQuery()).letters.map(\.letter)
        let job = try job(fixture)
        #expect(try fixture.log.save(job, queueing: [1, 2, 3, 15, 16]) == 5)
        // One is on its way already and waits for its next attempt: it goes on.
        try fixture.save(
            "a", taken: 20, unfinished: [7, 8],
            changes: [
                .retrying(
                    RetryingDelivery(
                        position: 1, attempts: 1, firstAttemptNanoseconds: 1, dueNanoseconds: 9, replay: job.id))
            ])
        var calls = 1
        while try !fixture.log.cancelReplay(job.id, rows: 3, atNanoseconds: 50) { calls += 1 }
        #expect(calls == 2)
        let cancelled = try #require(try fixture.reader.replay(id: job.id))
        #expect(cancelled.state == .cancelled)
        #expect(cancelled.finishedAtNanoseconds == 50)
        #expect(try fixture.reader.queuedReplayCount(subscription: "a") == 0)
        #expect(
            try fixture.reader.deadLetters(DeadLetterQuery()).letters.map(\.letter) == before.filter { $0.first != 1 })
        #expect(try fixture.log.lane("a").retrying.map(\.position) == [1, 8])
        // A step that was under way meanwhile queues nothing.
        #expect(try fixture.log.save(job, queueing: [4]) == 0)
        #expect(try fixture.reader.replay(id: job.id)?.state == .cancelled)
    }

    @Test func `a job can be dropped once it was cancelled or its last delivery has ended`() throws {
        let fixture = try fixture()
        var job = try job(fixture)
        #expect(try fixture.log.save(job, queueing: [15]) == 1)
        #expect(try !fixture.log.dropReplay(job.id), "it runs")
        job.state = .finished
        #expect(try fixture.log.save(job, queueing: []) == 0)
        #expect(try !fixture.log.dropReplay(job.id), "a delivery waits")
        try fixture.save("a", taken: 20, unfinished: [7, 8], changes: [.cleared(position: 15)])
        #expect(try fixture.log.dropReplay(job.id))
        #expect(try !fixture.log.dropReplay(job.id))
        #expect(try fixture.reader.replay(id: job.id) == nil)
        let other = try self.job(fixture)
        #expect(other.id > job.id)
        #expect(try fixture.log.cancelReplay(other.id, rows: 9, atNanoseconds: 1))
        #expect(try fixture.log.dropReplay(other.id))
    }

    @Test func `jobs are listed newest first, and of those that ended a bounded number is kept`() throws {
        let fixture = try LogFixture { $0.endedReplays = 3 }
        for name in ["a", "b"] { _ = try fixture.log.lane(name) }
        var ids: [Int64] = []
        for index in 0..<12 {
            var job = try job(fixture, index.isMultiple(of: 2) ? "a" : "b")
            ids.append(job.id)
            if index < 10 {
                job.state = .finished
                job.finishedAtNanoseconds = 9
                _ = try fixture.log.save(job, queueing: [])
            }
        }
        let kept = try fixture.reader.replays(subscription: nil, before: nil, limit: 99)
        #expect(kept.map(\.id) == [11, 10, 9, 8, 7].map { ids[$0] })
        #expect(kept.map(\.state) == [.running, .running, .finished, .finished, .finished])
        #expect(try fixture.reader.replays(subscription: "b", before: ids[11], limit: 1).map(\.id) == [ids[9]])
        #expect(try fixture.reader.runningReplays().map(\.id) == [ids[10], ids[11]])
        #expect(try fixture.reader.replay(id: ids[0]) == nil)
    }
}
