import GRDB

/// A WHERE clause in the making.
struct Condition {
    private(set) var terms: [String] = []
    private(set) var arguments = StatementArguments()

    /// Adds a term with one question mark; nothing where there is no value.
    mutating func add(_ term: String, _ value: (any DatabaseValueConvertible)?) {
        guard let value else { return }
        terms.append(term)
        arguments += [value]
    }

    /// Adds a term with as many question marks as there are values.
    mutating func add(_ term: String, values: StatementArguments = []) {
        terms.append(term)
        arguments += values
    }

    /// That the value of `expression` is one of `values`; nothing where there are none.
    mutating func add(_ expression: String, in values: [String]) {
        guard !values.isEmpty else { return }
        terms.append("\(expression) IN (\(values.map { _ in "?" }.joined(separator: ", ")))")
        arguments += StatementArguments(values)
    }

    var sql: String { terms.isEmpty ? "" : "WHERE " + terms.joined(separator: " AND ") }
}
