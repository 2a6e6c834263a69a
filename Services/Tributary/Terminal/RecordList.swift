import JSON

/// Lists that the router answers, for people to read.
enum RecordList {
    /// One line per record of the list under `key`, with these members as columns.
    static func text(_ answer: JSONValue, _ key: String, columns: [String], empty: String) -> String {
        text(answer[key].elements, columns: columns, empty: empty)
    }

    /// The same for records that were collected; later pages of a list go without titles.
    static func text(
        _ records: [JSONValue], columns: [String], empty: String, withTitles: Bool = true
    ) -> String {
        guard !records.isEmpty else { return empty }
        // Lengths of time are shown with their units, as numbers are read badly.
        let unit = "_seconds"
        var table = Table(
            columns.map { name in
                let shown = name.hasSuffix(unit) ? String(name.dropLast(unit.count)) : name
                return shown.uppercased().replacing("_", with: " ")
            })
        for record in records {
            table.add(columns.map { $0.hasSuffix(unit) ? WhileText.brief(record[$0]) : record[$0].text })
        }
        return withTitles ? table.text : table.textWithoutTitles
    }
}
