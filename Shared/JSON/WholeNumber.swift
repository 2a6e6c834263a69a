/// Numbers that are whole, however JSON writes them: for JSON Schema 12642.0, 1e3 and -0 are integers (draft 2020-12,
/// core, section 4.2.3: what counts is the value).
package enum WholeNumber {
    /// The value of a JSON number; nil where it has a fraction or does not fit into 64 bits. Exact: nothing goes through
    /// a Double.
    package static func value(_ number: String) -> Int64? {
        if let plain = Int64(number) { return plain }
        let isNegative = number.hasPrefix("-")
        let parts = number.drop { $0 == "-" }.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
            .flatMap { $0.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false) }
        let sides = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = sides.count == 2 ? sides[1] : ""
        var digits = sides[0] + fraction
        guard parts.count <= 2, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), !digits.isEmpty else {
            return nil
        }
        if digits.utf8.allSatisfy({ $0 == 0x30 }) { return 0 }
        guard let exponent = parts.count == 2 ? Int(parts[1]) : 0 else { return nil }
        // 64 bits have 19 digits; zeros in front of them are as good as none.
        let (shift, overflows) = exponent.subtractingReportingOverflow(fraction.utf8.count)
        guard !overflows, shift <= 19, shift >= -digits.utf8.count else { return nil }
        if shift >= 0 {
            digits += String(repeating: "0", count: shift)
        } else {
            guard digits.utf8.suffix(-shift).allSatisfy({ $0 == 0x30 }) else { return nil }
            digits.removeLast(-shift)
        }
        return Int64("\(isNegative ? "-" : "")\(digits)")
    }
}
