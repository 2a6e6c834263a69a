/// Finds the word that was probably meant.
package enum Suggestion {
    /// The valid word with the fewest edits, if so few that it can be the one meant.
    package static func nearest(to word: String, among valid: [String]) -> String? {
        let ranked = valid.map { (word: $0, edits: edits(from: Array(word.utf8), to: Array($0.utf8))) }
        guard let best = ranked.min(by: { $0.edits < $1.edits }) else { return nil }
        return best.edits <= max(1, min(word.utf8.count, best.word.utf8.count) / 3 + 1) ? best.word : nil
    }

    /// "did you mean …?" or, when nothing is near, the list of what is valid.
    package static func hint(for word: String, among valid: [String]) -> String {
        if let near = nearest(to: word, among: valid) { return "did you mean \"\(near)\"?" }
        return valid.isEmpty ? "nothing is valid here" : "valid are: \(valid.joined(separator: ", "))"
    }

    /// The Levenshtein distance. Words of a configuration are short; longer ones are never near.
    private static func edits(from first: [UInt8], to second: [UInt8]) -> Int {
        guard first.count <= 64, second.count <= 64 else { return Int.max }
        var row = Array(0...second.count)
        for (i, byte) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in second.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (byte == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[second.count]
    }
}
