import JSON
import Primitives
import Wire

/// Where a page ended: base64url of a JSON array, so that nobody builds upon what is in it.
enum APICursor {
    /// The `next_cursor` behind a page of `list`.
    static func text(_ list: String, _ elements: [JSONText]) -> String {
        let bytes = JSONText.array([.string(list)] + elements).bytes
        return bytes.withUnsafeBytes { Base64.encode($0, as: .urlUnpadded) }
    }

    /// The same as a member of an answer; null where the list ended.
    static func json(_ list: String, _ elements: [JSONText]?) -> JSONText {
        .optional(elements) { .string(text(list, $0)) }
    }

    /// The elements; nil for anything that `text` did not write for this list.
    static func read(_ text: String, list: String) -> [JSONValue]? {
        let bytes = Array(text.utf8).withUnsafeBytes { Base64.decode($0, as: .urlUnpadded) }
        guard let bytes, case .array(let elements)? = JSONValue.read(bytes), elements.first == .string(list) else {
            return nil
        }
        return Array(elements.dropFirst())
    }
}
