internal import CPlatform
internal import Glibc
internal import Synchronization

/// The one way into a bus thread: others post, the bus thread drains in its turn. One wake-up per posting burst.
package final class Mailbox<Mail: Sendable>: Sendable {
    /// Readable while something waits.
    package let descriptor: Int32
    private let waiting = Mutex<[Mail]>([])

    package init() {
        descriptor = tributary_eventfd()
        precondition(descriptor >= 0, "the process has no file descriptor left for its bus thread")
    }

    deinit {
        close(descriptor)
    }

    /// Any thread; never blocks.
    package func post(_ mail: Mail) {
        let wasEmpty = waiting.withLock { queue in
            queue.append(mail)
            return queue.count == 1
        }
        guard wasEmpty else { return }
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// The bus thread only.
    package func drain() -> [Mail] {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        return waiting.withLock { queue in
            let mails = queue
            queue.removeAll(keepingCapacity: true)
            return mails
        }
    }
}
