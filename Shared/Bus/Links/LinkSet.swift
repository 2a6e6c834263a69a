internal import Wire
internal import ZeroMQ

/// The links to every instance of one role: found by listing the run directory, dropped when the instance has taken its
/// socket away.
final class LinkSet {
    private(set) var links: [ConnectedLink] = []
    private let context: Context
    private let directory: RunDirectory
    private let role: StageRole
    private let name: RunDirectory.SocketName
    private let bootID: UInt64
    private let maxFrameBytes: Int
    private var nextID = 1

    init(
        _ context: Context, _ directory: RunDirectory, role: StageRole, name: RunDirectory.SocketName, bootID: UInt64,
        maxFrameBytes: Int
    ) {
        self.context = context
        self.directory = directory
        self.role = role
        self.name = name
        self.bootID = bootID
        self.maxFrameBytes = maxFrameBytes
    }

    /// Looks for new and vanished instances. Returns the ids of links that were dropped; nil when nothing changed.
    func rescan() throws(ZeroMQError) -> [Int]? {
        let present = directory.instances(of: role, with: name)
        let dropped = links.filter { !present.contains($0.instance) && !$0.isUp }
        links.removeAll { link in dropped.contains { $0 === link } }
        let known = Set(links.map(\.instance))
        let new = present.subtracting(known).sorted()
        for instance in new {
            links.append(
                try ConnectedLink(
                    context, directory, id: nextID, role: role, instance: instance, name: name, bootID: bootID,
                    maxFrameBytes: maxFrameBytes))
            nextID += 1
        }
        return new.isEmpty && dropped.isEmpty ? nil : dropped.map(\.id)
    }

    var sockets: [Socket] { links.map(\.socket) }
    var news: [Socket] { links.map(\.news) }

    /// Part of the housekeeping: takes note of what happened to the connections and says hello on new ones. `changed` is
    /// told of each connection that was established or closed. True when `sockets` may have changed.
    func refresh(_ hello: HelloNotice, changed: (ConnectedLink, ConnectedLink.Change) -> Void) throws(ZeroMQError)
        -> Bool
    {
        var isRebuilt = false
        for link in links {
            let change = try link.refresh()
            if change != .none { changed(link, change) }
            isRebuilt = isRebuilt || change == .closed
            _ = try link.greet(hello)
        }
        return isRebuilt
    }

    /// Whether there are links and all of them are up; otherwise it pays to look around more often.
    var isComplete: Bool { !links.isEmpty && links.allSatisfy(\.isUp) }
    var upCount: Int { links.count { $0.isUp && $0.refusal == nil } }
    /// Why some are refused.
    var refusals: [String] { links.compactMap(\.refusal) }
    func link(_ id: Int) -> ConnectedLink? { links.first { $0.id == id } }
}
