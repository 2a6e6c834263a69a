import StageRuntime

/// A parameter of a request that cannot be read; answered with 400.
struct BadParameter: Error {
    let sentence: String
}

extension AdminRequest {
    /// A whole number; nil where the parameter is left out.
    func integer(_ name: String) throws(BadParameter) -> Int64? {
        guard let text = query[name] else { return nil }
        guard let number = Int64(text) else {
            throw BadParameter(sentence: "\(name) must be a whole number, not \(text)")
        }
        return number
    }

    /// A time in nanoseconds since 1970: RFC 3339, or the nanoseconds as they are.
    func instant(_ name: String) throws(BadParameter) -> Int64? {
        guard let text = query[name] else { return nil }
        guard let nanoseconds = Int64(text) ?? InstantText.nanoseconds(text) else {
            throw BadParameter(sentence: "\(name) must be a time such as 2026-10-05T14:49:14Z, not \(text)")
        }
        return nanoseconds
    }

    /// One of a few words.
    func word(_ name: String, among words: [String]) throws(BadParameter) -> String? {
        guard let text = query[name] else { return nil }
        guard words.contains(text) else {
            throw BadParameter(sentence: "\(name) must be \(words.joined(separator: " or ")), not \(text)")
        }
        return text
    }
}
