import PipelineConfiguration
import Synchronization

/// Where the thread of the signals leaves a new value and a worker's thread finds it between two batches.
package final class VersionedBox<Value: Sendable>: Sendable {
    /// What is in the box.
    package struct Content: Sendable {
        package let value: Value
        /// Goes up with each replacement.
        package let generation: Int
    }

    private let content: Mutex<Content>

    package init(_ value: Value) {
        content = Mutex(Content(value: value, generation: 0))
    }

    package var current: Content { content.withLock { $0 } }

    package func replace(_ value: Value) {
        content.withLock { $0 = Content(value: value, generation: $0.generation + 1) }
    }
}
