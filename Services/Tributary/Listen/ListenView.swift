import JSON
import Primitives

/// What the terminal shows of a `listen`, and what keys do. Draws nothing itself.
struct ListenView: Sendable {
    /// What a key asks of others.
    enum Request: Equatable {
        case none
        case sendAgain(Int)
        case quit
    }

    private enum Page {
        case list
        /// One event, from a line on.
        case details(Int, first: Int)
        case filter(String)
    }

    private var page = Page.list

    /// `key`: as `TerminalScreen.key` reads it.
    mutating func press(_ key: String, _ rows: inout ListenRows) -> Request {
        switch page {
        case .list: return pressInList(key, &rows)
        case .details(let number, let first):
            switch key {
            case "j", "\u{1B}[B": page = .details(number, first: first + 1)
            case "k", "\u{1B}[A": page = .details(number, first: max(0, first - 1))
            case "r": return .sendAgain(number)
            case "\u{3}", "\u{4}": return .quit
            default: page = .list
            }
        case .filter(let text):
            switch key {
            case "\r", "\n":
                rows.filter = text
                page = .list
            case "\u{1B}": page = .list
            case "\u{3}", "\u{4}": return .quit
            case "\u{7F}", "\u{8}": page = .filter(String(text.dropLast()))
            default: page = .filter(String((text + key.filter { $0.isASCII && $0 >= " " }).prefix(100)))
            }
        }
        return .none
    }

    private mutating func pressInList(_ key: String, _ rows: inout ListenRows) -> Request {
        switch key {
        case "q", "Q", "\u{3}", "\u{4}": return .quit
        case "j", "\u{1B}[B": rows.move(1)
        case "k", "\u{1B}[A": rows.move(-1)
        case "g": rows.move(-ListenRows.most)
        case "G": rows.move(ListenRows.most)
        case "r": if let row = rows.current { return .sendAgain(row.number) }
        case "d", "\r", "\n": if let row = rows.current { page = .details(row.number, first: 0) }
        case "f", "/": page = .filter(rows.filter)
        default: break
        }
        return .none
    }

    /// `title`: what is listened to and where it goes; `state`: of the stream.
    func screen(_ rows: ListenRows, title: String, state: String, width: Int, height: Int) -> [String] {
        let sums = "\(rows.received) received, \(rows.delivered) delivered, \(rows.failed) failed"
        let head = [title, "\(state); \(sums)"]
        let room = max(0, height - head.count - 1)
        let (middle, foot): ([String], String)
        switch page {
        case .details(let number, let first):
            let lines = rows.row(number).map(Self.details) ?? ["no longer kept"]
            middle = Array(lines.dropFirst(min(first, max(0, lines.count - room))).prefix(room))
            foot = "↑↓ scroll  r send again  any other key: back"
        case .list:
            middle = list(rows, room: room)
            foot = "↑↓ select  r send again  d details  f filter  q quit"
        case .filter(let text):
            middle = list(rows, room: room)
            foot = "filter by type or subject, Enter to apply: \(text)_"
        }
        let blank = [String](repeating: "", count: max(0, room - middle.count))
        return (head + middle + blank + [foot]).suffix(max(1, height)).map { String($0.prefix(width)) }
    }

    private func list(_ rows: ListenRows, room: Int) -> [String] {
        let shown = rows.shown
        let current = rows.current?.number
        let place = shown.firstIndex { $0.number == current } ?? 0
        let first = max(0, min(place - (room - 1) / 2, shown.count - (room - 1)))
        var table = Table(["  TIME", "TYPE", "SUBJECT", "STATUS", "LATENCY"])
        for row in shown.dropFirst(first).prefix(max(0, room - 1)) {
            table.add([row.number == current ? "> \(Self.clock(row))" : "  \(Self.clock(row))"] + Self.cells(row))
        }
        let filter = rows.filter.isEmpty ? [] : ["  filter: \(printable(rows.filter))"]
        return Array(
            (filter + table.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)).prefix(room)
        )
    }

    /// One line of `--output compact`; without a status where nothing was posted.
    static func line(_ row: ListenRows.Row) -> String {
        ([clock(row)] + cells(row).prefix(row.outcome == nil ? 2 : 4)).map(printable).joined(separator: "  ")
    }

    /// Type, subject, status, latency.
    private static func cells(_ row: ListenRows.Row) -> [String] {
        let type = row.event.type.hasPrefix("dev.tributary.") ? String(row.event.type.dropFirst(14)) : row.event.type
        guard let outcome = row.outcome else { return [type, row.event.subject, "…", ""] }
        return [type, row.event.subject, outcome.text, CellText.duration(Double(row.nanoseconds) / 1e9)]
    }

    /// The time of day of an event, in UTC as the event says it.
    private static func clock(_ row: ListenRows.Row) -> String {
        String(row.event.time.drop { $0 != "T" }.dropFirst().prefix { $0 != "Z" && $0 != "+" }.prefix(12))
    }

    private static func details(_ row: ListenRows.Row) -> [String] {
        var lines = row.event.fields.map { "\($0.name): \($0.value)" }
        lines.append("webhook-id: \(row.event.webhookID)")
        let outcome = row.outcome.map { "\($0.text), \(row.attempts) attempts" } ?? "not sent"
        let body =
            JSONValue.read(row.event.body)?.indented()
            ?? (String(validating: row.event.body, as: UTF8.self) ?? "\(row.event.body.count) bytes that are no text")
        return [outcome] + lines.map(printable) + [""]
            + body.split(separator: "\n", omittingEmptySubsequences: false).map { printable(String($0)) }
    }
}
