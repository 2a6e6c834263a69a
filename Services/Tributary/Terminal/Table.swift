/// Columns of text, aligned, without lines around them.
struct Table {
    private var rows: [[String]]

    init(_ titles: [String]) {
        rows = [titles]
    }

    /// A row of as many cells as there are titles; control characters are shown escaped.
    mutating func add(_ cells: [String]) {
        rows.append(cells.map(printable))
    }

    var text: String { lines.joined(separator: "\n") }

    /// The rows alone, as wide as with titles.
    var textWithoutTitles: String { lines.dropFirst().joined(separator: "\n") }

    private var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
                .joined(separator: "  ").trimmed
        }
    }
}

/// Text from outside, so that it cannot move the cursor or colour the terminal.
func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
