import JSON
import Primitives

// What the dispatcher has checked against the declared schema needs no second error here; what a schema cannot say does.
extension APIRequest {
    /// How many elements a list may have.
    var limit: Int { self["limit"].flatMap { JSONValue.number($0).integer }.map(Int.init) ?? 100 }

    /// A whole number; nil where it is left out.
    func integer(_ name: String) throws(APIProblem) -> Int64? {
        guard let text = self[name] else { return nil }
        guard let number = JSONValue.number(text).integer else {
            throw APIProblem(.badRequest, "\(name) must be a whole number, not \(text)")
        }
        return number
    }

    /// A position of the event log; nil where it is left out.
    func position(_ name: String) throws(APIProblem) -> UInt64? {
        guard let number = try integer(name) else { return nil }
        guard let position = UInt64(exactly: number) else {
            throw APIProblem(.badRequest, "\(name) must be a position, which is a whole number from 1 on")
        }
        return position
    }

    /// A time in nanoseconds since 1970; nil where it is left out.
    func instant(_ name: String) throws(APIProblem) -> Int64? {
        guard let text = self[name] else { return nil }
        guard let nanoseconds = RFC3339.nanoseconds(text) else {
            throw APIProblem(.badRequest, "\(name) must be a time such as 2026-10-05T14:49:14Z, not \(text)")
        }
        return nanoseconds
    }

    /// What `APICursor.text` wrote for the same list; nil where the list begins.
    func cursor(_ list: String, elements count: Int = 1) throws(APIProblem) -> [JSONValue]? {
        guard let text = self["cursor"] else { return nil }
        guard let elements = APICursor.read(text, list: list), elements.count == count else {
            throw APIProblem(.badRequest, "cursor must be the next_cursor of the page before, unchanged")
        }
        return elements
    }

    /// The cursor of a list that goes by one number.
    func numberCursor(_ list: String) throws(APIProblem) -> Int64? {
        guard let element = try cursor(list)?.first else { return nil }
        guard let number = element.integer else {
            throw APIProblem(.badRequest, "cursor must be the next_cursor of the page before, unchanged")
        }
        return number
    }
}
