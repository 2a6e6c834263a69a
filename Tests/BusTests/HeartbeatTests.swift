import Bus
import Dispatch
import Foundation
import StageMetrics
import Testing
import Wire

/// Never comes to an end with any record, until the test lets it.
private struct EndlessWork: StageWork {
    let hasBegun: DispatchSemaphore
    let mayEnd: DispatchSemaphore

    mutating func process(_ record: EnvelopeView, appendingTo writer: inout ByteWriter) -> Verdict? {
        hasBegun.signal()
        mayEnd.wait()
        mayEnd.signal()
        return .accepted
    }

    mutating func betweenBatches() {}
}

@Suite struct HeartbeatTests {
    @Test func `a bus thread in an endless loop stops beating, the others go on`() throws {
        let deployment = try Deployment(verifiers: 0, normalisers: 0)
        let registry = MetricRegistry(stage: "verifier", instance: "verifier-0", version: "1")
        let verifier = WorkerBus(
            settings: WorkerSettings(
                role: .verifier, runDirectory: RunDirectory(path: deployment.directory.path), instance: "verifier-0",
                maxBodyBytes: 1 << 20), metrics: registry, refusals: LinkRefusals(registry))
        let (hasBegun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        deployment.start()
        verifier.start { EndlessWork(hasBegun: hasBegun, mayEnd: mayEnd) }
        defer {
            mayEnd.signal()
            verifier.stop()
            deployment.stop()
        }
        deployment.journal.append(1)
        hasBegun.wait()
        let tenSecondsOn = monotonicNanoseconds() + Heartbeat.stalledAfterNanoseconds
        #expect(waitUntil { deployment.metrics.stalledThreads(at: tenSecondsOn).isEmpty })
        #expect(registry.stalledThreads(at: tenSecondsOn) == ["the bus thread has not moved for 10 s"])
    }
}
