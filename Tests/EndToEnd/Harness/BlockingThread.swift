import Dispatch
import Testing

/// Runs tests on a thread of their own: they block for minutes, and the pool of the test run has few threads.
struct BlockingThread: TestTrait, SuiteTrait, TestScoping {
    private static let executor = QueueExecutor()

    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Self.executor) { try await function() }
    }
}

extension Trait where Self == BlockingThread {
    /// Runs each test on a thread of its own.
    static var onBlockingThread: Self { Self() }
}

/// One thread, as an executor of tasks.
private final class QueueExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "end-to-end")

    func enqueue(_ job: consuming ExecutorJob) {
        let unowned = UnownedJob(job)
        queue.async { unowned.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
