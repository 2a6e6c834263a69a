import Glibc
import JSON
import StageMetrics

/// The table of `top`: one line an instance, as many columns as fit.
struct TopTable {
    private struct Column: Sendable {
        let title: String
        var isNumber = true
        let cell: @Sendable (InstanceMetrics) -> String
    }

    private static let columns: [Column] = [
        Column(title: "INSTANCE", isNumber: false) { printable($0.row["instance"].text) },
        Column(title: "PID") { $0.row["pid"] == .null ? "-" : $0.row["pid"].text },
        Column(title: "STATE", isNumber: false) { printable(Placement.state($0.row)) },
        Column(title: "UPTIME") { CellText.duration(Double($0.row["uptime_seconds"].text)) },
        Column(title: "RESTARTS") { $0.row["restarts"] == .null ? "-" : $0.row["restarts"].text },
        Column(title: "CPU%") { CellText.number($0.cpuPercent) },
        Column(title: "RSS MB") { CellText.number($0.residentBytes.map { $0 / 1e6 }) },
        Column(title: "IN/S") { CellText.number($0.inPerSecond) },
        Column(title: "SHARE%") { CellText.number($0.sharePercent) },
        Column(title: "OUT/S") { CellText.number($0.outPerSecond) },
        Column(title: "IN") { CellText.number($0.recordsIn) },
        Column(title: "OUT") { CellText.number($0.recordsOut) },
        Column(title: "BACKLOG") { CellText.number($0.backlogRecords) },
        Column(title: "OLDEST") { CellText.duration($0.oldestSeconds) },
        Column(title: "P99") { CellText.duration($0.p99Seconds) },
    ]

    /// What a narrow terminal does without, one after the other until the rest fits.
    private static let leftOutFirst = [
        "PID", "OUT", "IN", "UPTIME", "RESTARTS", "OLDEST", "RSS MB", "OUT/S", "P99", "SHARE%", "CPU%", "IN/S",
        "BACKLOG",
    ]

    let instances: [InstanceMetrics]

    init(instances: [InstanceMetrics]) {
        let sums = Dictionary(
            instances.map { ($0.row["stage"].text, $0.inPerSecond ?? 0) }, uniquingKeysWith: { $0 + $1 })
        self.instances = instances.map { instance in
            var instance = instance
            let sum = sums[instance.row["stage"].text] ?? 0
            if let own = instance.inPerSecond, sum > 0 { instance.sharePercent = (1000 * own / sum).rounded() / 10 }
            return instance
        }
    }

    /// The header and one line a row, none wider than `width`.
    func lines(width: Int) -> [String] {
        var columns = Self.columns
        var lines = Self.aligned(columns, instances)
        for title in Self.leftOutFirst where lines.contains(where: { $0.count > width }) {
            columns.removeAll { $0.title == title }
            lines = Self.aligned(columns, instances)
        }
        return lines.map { String($0.prefix(width)) }
    }

    /// The time of day and the sums over all instances.
    var summary: String {
        let cpu = instances.reduce(0) { $0 + ($1.cpuPercent ?? 0) }
        let resident = instances.reduce(0) { $0 + ($1.residentBytes ?? 0) }
        let (ready, here) = (instances.count { $0.isReady }, instances.count { !Placement.isElsewhere($0.row) })
        return
            "\(CellText.timeOfDay())  \(ready) of \(here) ready, CPU \(CellText.number(cpu)) %, resident "
            + "\(CellText.number(resident / 1e6)) MB"
    }

    /// For how many rows a screen has room, and whether a line below them says that these are not all.
    private func room(height: Int) -> (rows: Int, hasFooter: Bool) {
        let room = max(0, height - (height >= 3 ? 2 : 1))
        let hasFooter = instances.count > room && room >= 2
        return (hasFooter ? room - 1 : room, hasFooter)
    }

    /// The last row that a screen may begin with.
    func lastFirst(height: Int) -> Int { max(0, instances.count - max(1, room(height: height).rows)) }

    /// One screen: the sums, the header, and the rows from `first` on for which there is room; the header in any case.
    func screen(width: Int, height: Int, first: Int) -> [String] {
        var rows = lines(width: width)
        let header = rows.removeFirst()
        let above = height >= 3 ? [summary] : []
        let (room, hasFooter) = room(height: height)
        let last = min(first + room, rows.count)
        let below = hasFooter ? ["rows \(first + 1) to \(last) of \(rows.count); j and k scroll, q ends"] : []
        return (above + [header] + rows.dropFirst(first).prefix(room) + below).map { String($0.prefix(width)) }
    }

    private static func aligned(_ columns: [Column], _ instances: [InstanceMetrics]) -> [String] {
        let cells = [columns.map(\.title)] + instances.map { figure in columns.map { $0.cell(figure) } }
        let widths = columns.indices.map { place in cells.map { $0[place].count }.max() ?? 0 }
        return cells.map { line in
            columns.indices.map { place in
                let blanks = String(repeating: " ", count: widths[place] - line[place].count)
                return columns[place].isNumber ? blanks + line[place] : line[place] + blanks
            }.joined(separator: "  ")
        }
    }
}

/// Figures as a column shows them; `-` for what is not known.
enum CellText {
    private static let units: [(limit: Double, size: Double, unit: String)] = [
        (0.001, 1e-6, "µs"), (1, 0.001, "ms"), (100, 1, "s"), (6000, 60, "m"), (172_800, 3600, "h"),
    ]

    /// Short enough for a column: 420µs, 1.2ms, 3.4s, 12m, 5.0h, 3d.
    static func duration(_ seconds: Double?) -> String {
        guard let seconds, seconds.isFinite, seconds.magnitude < 1e15 else { return "-" }
        guard let (_, size, unit) = units.first(where: { seconds < $0.limit }) else {
            return "\(number(seconds / 86_400))d"
        }
        let value = seconds / size
        if unit == "µs" || value >= 10 { return "\(number(value))\(unit)" }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)\(unit)"
    }

    /// With thousands apart, and nothing behind the point.
    static func number(_ value: Double?) -> String {
        guard let value, value.isFinite, value.magnitude < 1e15 else { return "-" }
        let digits = String(Int64(value.rounded(.toNearestOrEven)))
        var text = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place).isMultiple(of: 3), text != "-" { text.append(" ") }
            text.append(digit)
        }
        return text
    }

    static func timeOfDay() -> String {
        var seconds = time_t(wallNanoseconds() / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return [parts.tm_hour, parts.tm_min, parts.tm_sec].map { ($0 < 10 ? "0" : "") + "\($0)" }.joined(separator: ":")
    }
}
