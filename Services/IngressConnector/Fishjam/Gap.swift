import Glibc
import JSON
import Primitives

/// A time in which a connector was not connected, so that what was announced meanwhile is lost: Fishjam keeps nothing.
struct Gap: Equatable {
    /// Nanoseconds since 1970.
    let from: Int64
    let to: Int64
    let reason: String

    /// The webhook that says so; the normaliser makes the event `connector.gap` of it.
    func webhook(of connector: String) -> FetchedWebhook {
        let body = JSONText.object([
            "connector": .string(connector), "from": .string(RFC3339.text(from, digits: 3)),
            "to": .string(RFC3339.text(to, digits: 3)), "milliseconds": .number(Int((to - from) / 1_000_000)),
            "reason": .string(reason),
        ])
        return FetchedWebhook(
            fields: [.init(name: "content-type", value: "application/json")],
            id: "gap-\(connector)-\(from)-\(to)", isGap: true, body: body.bytes)
    }
}

/// Keeps account of when a connector was last connected, beyond the end of the process. A gap begins when the other side was
/// last heard: what a dead connection would have brought is part of it.
struct GapAccount {
    /// How much older the file may be than what is known.
    private static let writtenEveryNanoseconds: Int64 = 1_000_000_000

    private let path: String
    private var heardAt: Int64?
    private var writtenAt: Int64 = 0
    private var isConnected = false
    private var reason = "the connector was not running"

    /// `path`: a file that remembers when the other side was last heard.
    init(path: String) {
        self.path = path
        heardAt = Self.read(path)
    }

    /// Something came in.
    mutating func hear(at nanoseconds: Int64) {
        guard isConnected else { return }
        heardAt = nanoseconds
        guard nanoseconds - writtenAt >= Self.writtenEveryNanoseconds else { return }
        writtenAt = nanoseconds
        Self.write(nanoseconds, path)
    }

    /// Notifications come from now on. The gap before, where there is one; it lasts until `settle`.
    mutating func connect(at nanoseconds: Int64) -> Gap? {
        guard let heardAt else {
            settle(at: nanoseconds)
            return nil
        }
        return Gap(from: heardAt, to: max(heardAt, nanoseconds), reason: reason)
    }

    /// The gap is on disk, so it is not said again; a new one could begin now.
    mutating func settle(at nanoseconds: Int64) {
        isConnected = true
        writtenAt = 0
        hear(at: nanoseconds)
    }

    /// The connection ended. `lostAt`: when something came that could not be kept.
    mutating func disconnect(_ reason: String, lostAt: Int64? = nil) {
        guard isConnected else { return }
        isConnected = false
        self.reason = reason
        guard let heard = heardAt else { return }
        let from = min(lostAt ?? heard, heard)
        heardAt = from
        Self.write(from, path)
    }

    /// A decimal number.
    private static func read(_ path: String) -> Int64? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return Int64(String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    /// In place of the former one at once: a torn file would be none.
    private static func write(_ nanoseconds: Int64, _ path: String) {
        guard let file = fopen("\(path).new", "we") else { return }
        fputs("\(nanoseconds)", file)
        fclose(file)
        rename("\(path).new", path)
    }
}
