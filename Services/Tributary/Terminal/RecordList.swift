import StageRuntime

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
        var table = Table(columns.map { name in name.uppercased().map { $0 == "_" ? " " : String($0) }.joined() })
        for record in records {
            table.add(columns.map { record[$0].text })
        }
        return withTitles ? table.text : table.textWithoutTitles
    }
}
