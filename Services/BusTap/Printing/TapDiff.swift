import Events
import JSON
import Wire

/// How two texts are set against one another.
package struct DiffLayout: Sendable {
    /// The width of the terminal, whose left half has what came in; nil: one below the other, as `diff -u` writes it.
    package var columns: Int?
    package var isColoured: Bool

    package init(columns: Int?, isColoured: Bool) {
        self.columns = columns
        self.isColoured = isColoured
    }
}

/// A webhook before and after normalisation: its body, and the events that came of it.
struct TapDiff {
    /// One event and the part of the body of which it was made.
    private struct Event {
        let before: [String]
        let attributes: [String]
        let data: [String]
    }

    private var events: [Event] = []
    /// What was refused, or that there is no event.
    private var remarks: [String] = []
    private let fields: [String]
    private let body: TapBody

    /// Whether the record has been normalised, or refused.
    static func isFor(_ record: TapRecord) -> Bool {
        record.envelope.section(.events) != nil || record.envelope.section(.rejection) != nil
    }

    /// Nil at the hops before normalisation.
    init?(_ record: TapRecord, showsHeaders: Bool, hidden: SecretFields?) {
        guard Self.isFor(record) else { return nil }
        body = TapBody(record, hidesCredentials: hidden != nil)
        fields = showsHeaders ? record.fields(hiding: hidden).map { printable("\($0.name): \($0.value)") } : []
        record.forEachRejection { rejection in
            remarks.append(printable("refused by \(rejection.stage): \(rejection.code) \(rejection.detail)"))
        }
        let body = body
        var events: [Event] = []
        record.forEachEvent { event in
            var attributes: [String] = []
            AttributeList(event.attributeBytes).forEach { name, value in
                attributes.append(
                    printable("\(String(decoding: name, as: UTF8.self)): \(String(decoding: value, as: UTF8.self))"))
                return true
            }
            let data = event.payload.map { TapBody.lines(JSONValue.read(Array($0)), byteCount: $0.count) } ?? []
            events.append(Event(before: body.lines(element: event.element), attributes: attributes, data: data))
        }
        self.events = events
        if events.isEmpty, remarks.isEmpty { remarks.append("no event") }
    }

    func append(_ layout: DiffLayout, to out: inout ByteWriter) {
        var rows = fields.map { DiffRow.left($0) }
        for event in events {
            rows += event.attributes.map { .right($0) }
            rows += DiffRow.rows(event.before, event.data)
        }
        rows += remarks.map { .right($0) }
        if events.isEmpty { rows += body.lines(element: nil).map { .left($0) } }
        for row in rows { row.append(layout, to: &out) }
    }
}

/// A line on either side, or one on both. What comes from outside is escaped before.
private enum DiffRow {
    case left(String)
    case right(String)
    case both(String)
    case changed(String, String)

    /// Beyond it two texts are not compared line by line.
    private static let mostLines = 2000

    static func rows(_ before: [String], _ after: [String]) -> [DiffRow] {
        guard before.count + after.count <= mostLines else {
            return before.map { .left($0) } + after.map { .right($0) }
        }
        var (removed, inserted) = (Set<Int>(), Set<Int>())
        for change in after.difference(from: before) {
            switch change {
            case .remove(let place, _, _): removed.insert(place)
            case .insert(let place, _, _): inserted.insert(place)
            }
        }
        var rows: [DiffRow] = []
        var (left, right) = (0, 0)
        while left < before.count || right < after.count {
            let (isRemoved, isInserted) = (removed.contains(left), inserted.contains(right))
            switch (isRemoved, isInserted) {
            case (true, true): rows.append(.changed(before[left], after[right]))
            case (true, false): rows.append(.left(before[left]))
            case (false, true): rows.append(.right(after[right]))
            case (false, false): rows.append(.both(before[left]))
            }
            if isRemoved || !isInserted { left += 1 }
            if isInserted || !isRemoved { right += 1 }
        }
        return rows
    }

    func append(_ layout: DiffLayout, to out: inout ByteWriter) {
        guard let columns = layout.columns else { return appendLines(layout, to: &out) }
        switch self {
        case .left(let text): Self.columns(text, "<", "", columns, layout, &out)
        case .right(let text): Self.columns("", ">", text, columns, layout, &out)
        case .both(let text): Self.columns(text, " ", text, columns, layout, &out)
        case .changed(let left, let right): Self.columns(left, "|", right, columns, layout, &out)
        }
    }

    private func appendLines(_ layout: DiffLayout, to out: inout ByteWriter) {
        func line(_ sign: StaticString, _ text: String) {
            out.text(sign)
            out.raw(Array(text.utf8))
        }
        switch self {
        case .left(let text): line("\n- ", text)
        case .right(let text): line("\n+ ", text)
        case .both(let text): line("\n  ", text)
        case .changed(let left, let right):
            line("\n- ", left)
            line("\n+ ", right)
        }
    }

    /// As many lines as the longer side takes; the sign between them is that of sdiff(1).
    private static func columns(
        _ left: String, _ sign: String, _ right: String, _ columns: Int, _ layout: DiffLayout, _ out: inout ByteWriter
    ) {
        let width = max(10, (columns - 3) / 2)
        let (lefts, rights) = (pieces(left, width), pieces(right, width))
        for place in 0..<max(lefts.count, rights.count) {
            let (before, after) = (
                place < lefts.count ? lefts[place] : "", place < rights.count ? rights[place] : ""
            )
            let margin = String(repeating: " ", count: width - before.count)
            out.text("\n")
            func coloured(_ text: String, _ colour: Int) -> String {
                layout.isColoured && sign != " " && !text.isEmpty ? "\u{1B}[\(colour)m\(text)\u{1B}[0m" : text
            }
            let line = "\(coloured(before, 31))\(margin) \(sign) \(coloured(after, 32))"
            out.raw(Array(line.utf8.prefix(line.utf8.count - line.reversed().prefix { $0 == " " }.count)))
        }
    }

    /// The text in pieces of `width` characters.
    private static func pieces(_ text: String, _ width: Int) -> [String] {
        var rest = text[...]
        var pieces = [String(rest.prefix(width))]
        rest = rest.dropFirst(width)
        while !rest.isEmpty {
            pieces.append(String(rest.prefix(width)))
            rest = rest.dropFirst(width)
        }
        return pieces
    }
}
