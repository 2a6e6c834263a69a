import Glibc
import Synchronization
import Testing
import Threads

@testable import StageRuntime

struct InstanceLockTests {
    @Test func `a lock that is refused closes its own descriptor and nobody else's`() throws {
        let path = "/tmp/tributary-lock-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(path) }
        let held = try InstanceLock(path: path, instance: "first")
        defer { withExtendedLifetime(held) {} }
        let isDone = Finish()
        let neighbour = OwnThread(name: "neighbour") {
            while !isDone.isRaised {
                let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                sched_yield()
                if close(descriptor) != 0 { isDone.stolen.add(1, ordering: .relaxed) }
            }
        }
        for _ in 0..<5_000 {
            #expect(throws: StageFailure.self) { try InstanceLock(path: path, instance: "second") }
        }
        isDone.raise()
        neighbour.join()
        #expect(isDone.stolen.load(ordering: .relaxed) == 0)
    }

    private final class Finish: Sendable {
        let stolen = Atomic<Int>(0)
        private let raised = Atomic<Bool>(false)
        var isRaised: Bool { raised.load(ordering: .relaxed) }
        func raise() { raised.store(true, ordering: .relaxed) }
    }
}
