internal import Dispatch
internal import Synchronization

/// Hands one outcome from one thread to another that waits for it.
package final class Promise<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let given = DispatchSemaphore(value: 0)

    package init() {}

    package func give(_ result: Result<Value, any Error>) {
        outcome.withLock { $0 = result }
        given.signal()
    }

    /// Blocks until the outcome is given.
    package func wait() -> Result<Value, any Error> {
        given.wait()
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("the signal follows the outcome") }
        return result
    }
}
