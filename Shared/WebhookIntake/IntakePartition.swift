package import CommitLog
internal import Executable
internal import Glibc
internal import Journal
package import StageMetrics

/// What an ingress or connector keeps for one router: the way to its journal, and what is known of that. With one router
/// there is one, and its names and labels do not mention it.
package final class IntakePartition: Sendable {
    package let mailbox = JournalMailbox()
    package let state = JournalState()
    /// That of its router, and how many there are.
    package let number: Int
    package let count: Int

    package init(_ number: Int = 0, of count: Int = 1) {
        (self.number, self.count) = (number, count)
    }

    package var labels: [(String, String)] { count > 1 ? [("router", "\(number)")] : [] }

    /// The name of a check or thread that each partition has.
    package func named(_ name: String) -> String { count > 1 ? "\(name) \(number)" : name }

    /// Before an orderly end, when nothing more comes: lets what is on its way be settled, for a second at most and only
    /// while it can be, so that the next start has nothing to send again.
    package func awaitSettlement(by bus: any BusPort) {
        let end = monotonicNanoseconds() + IntakeLimits.settlementNanoseconds
        while bus.isLinked, state.backlog > 0, monotonicNanoseconds() < end { usleep(5_000) }
    }

    /// The thread of its journal, not started yet.
    package func journalThread(
        _ registry: MetricRegistry, delegate: any IntakeDelegate, report: @escaping @Sendable (String) -> Void,
        failed: @escaping @Sendable (LogError) -> Void
    ) -> JournalThread {
        JournalThread(
            mailbox: mailbox, delegate: delegate, state: state, metrics: JournalMetrics(registry, self),
            heartbeat: registry.heartbeat(of: named("journal")), report: report, failed: failed)
    }
}

/// Where an instance has the journals of its routers: with one router its data folder is the journal, with several each
/// has a folder in it whose name tells how many there are.
package enum JournalFolders {
    private static let prefix = "routers-"

    package static func path(_ folder: String, _ router: Int, of count: Int) -> String {
        count == 1 ? folder : "\(folder)/\(prefix)\(count)/\(router)"
    }

    /// Throws where the journals of another number of routers hold what is not settled: its sources would now have another
    /// router, which would get it beside what comes from now on, in no order.
    package static func checkOthers(_ folder: String, count: Int, _ options: SegmentLog.Options) throws {
        let files = SystemFiles()
        let names = (try? files.names(in: folder)) ?? []
        let counts = names.compactMap { $0.hasPrefix(prefix) ? Int($0.dropFirst(prefix.count)) : nil }
        for other in counts + [1] where other != count {
            for router in 0..<min(64, max(0, other)) where Journal.exists(path(folder, router, of: other)) {
                let journal = try Journal(path: path(folder, router, of: other), options)
                let left = journal.nextSequence - 1 - journal.watermark
                try journal.close()
                guard left == 0 else {
                    throw StageFailure(
                        .configuration,
                        "router_count_changed: router.instances was \(other) and is \(count), and \(left) webhooks wait "
                            + "in \(path(folder, router, of: other)); set it back to \(other), start, and stop again "
                            + "when 'tributary top --once' shows no backlog of \(Stage.ingressGateway.rawValue)")
                }
            }
        }
    }
}
