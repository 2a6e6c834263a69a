import Glibc
import Synchronization
import Testing
import Threads

struct ProcessLockTests {
    @Test func `a lock that is refused closes its own descriptor and nobody else's`() throws {
        let path = "/tmp/tributary-lock-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(path) }
        let held = try ProcessLock(file: path)
        defer { withExtendedLifetime(held) {} }
        let isDone = Finish()
        let neighbour = BlockingThread(name: "neighbour") {
            while !isDone.isRaised {
                let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                sched_yield()
                if close(descriptor) != 0 { isDone.stolen.add(1, ordering: .relaxed) }
            }
        }
        for _ in 0..<5_000 {
            #expect(throws: ProcessLock.Failure.held) { try ProcessLock(file: path) }
        }
        isDone.raise()
        neighbour.join()
        #expect(isDone.stolen.load(ordering: .relaxed) == 0)
    }

    @Test func `a lock that was given up is free although a child process has its descriptor still`() throws {
        let path = "/tmp/tributary-lock-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(path) }
        var inherited: Int32 = -1
        do {
            let held = try ProcessLock(file: path)
            // What a fork does until its exec: another descriptor of the same open file.
            inherited = (0..<65_536).first { Self.target(of: $0) == path }.map { dup($0) } ?? -1
            withExtendedLifetime(held) {}
        }
        defer { close(inherited) }
        #expect(inherited >= 0)
        #expect(throws: Never.self) { try ProcessLock(file: path) }
    }

    /// What a descriptor of this process leads to.
    private static func target(of descriptor: Int32) -> String {
        guard let path = realpath("/proc/self/fd/\(descriptor)", nil) else { return "" }
        defer { free(path) }
        return String(cString: path)
    }

    private final class Finish: Sendable {
        let stolen = Atomic<Int>(0)
        private let raised = Atomic<Bool>(false)
        var isRaised: Bool { raised.load(ordering: .relaxed) }
        func raise() { raised.store(true, ordering: .relaxed) }
    }
}
