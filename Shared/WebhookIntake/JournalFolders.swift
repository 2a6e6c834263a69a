package import CommitLog
internal import Executable
internal import Journal

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
