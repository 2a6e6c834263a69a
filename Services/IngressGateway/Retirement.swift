import Glibc
import Threads
import WebhookIntake

/// How an ingress leaves for good: behind a door that no provider knows it settles what its journal holds, and says in its
/// data folder that nothing is left, so that nobody has to start it to look.
struct Retirement {
    private static let pauseMicroseconds: UInt32 = 200_000

    private let mark: String

    /// Whoever starts is not retired.
    init(folder: String) {
        mark = "\(folder)/retired"
        unlink(mark)
    }

    /// Calls `isOver` when everything is settled.
    static func await(_ journals: [IntakePartition], isOver: @escaping @Sendable () -> Void) {
        BlockingThread(name: "retirement") {
            while !isEmpty(journals) { usleep(pauseMicroseconds) }
            isOver()
        }
    }

    /// After the orderly end: false where something is left, because it was stopped before.
    func mark(_ journals: [IntakePartition]) -> Bool {
        guard Self.isEmpty(journals) else { return false }
        close(open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0o600))
        return true
    }

    private static func isEmpty(_ journals: [IntakePartition]) -> Bool { journals.allSatisfy { $0.state.backlog == 0 } }
}
