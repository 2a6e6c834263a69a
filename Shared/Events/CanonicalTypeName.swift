/// The names of canonical types: on the wire with a prefix, which nobody needs to write.
package enum CanonicalTypeName {
    package static let prefix = "dev.tributary."

    /// A type, or a pattern of types, without the prefix.
    package static func short(_ text: String) -> String {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
    }
}
