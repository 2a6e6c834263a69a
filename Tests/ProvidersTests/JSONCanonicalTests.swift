import Events
import SeededRandom
import Testing

@testable import SimdJSON

/// The canonical form of RFC 8785.
struct JSONCanonicalTests {
    private let reader = JSONReader(fields: [], redactions: [])

    private func canonical(_ text: String) throws -> String {
        let bytes = Array(text.utf8)
        try #require(bytes.withUnsafeBytes { reader.readValue($0) } == nil, "\(text)")
        return String(decoding: reader.canonical(), as: UTF8.self)
    }

    @Test(arguments: ["numbers", "rfc", "random"])
    func `known vectors have their canonical form`(section: String) throws {
        let pairs = try #require(try JSONVectors.canonical()[section])
        #expect(!pairs.isEmpty)
        for pair in pairs {
            #expect(try canonical(pair.input) == pair.canonical, "\(pair.input)")
            #expect(try canonical(pair.canonical) == pair.canonical, "\(pair.canonical)")
        }
    }

    @Test(arguments: [
        ("-0", "0"), ("-0.0", "0"), ("0e999", "0"), ("0.0e-999", "0"), ("1e-999", "0"), ("-1e-999", "0"),
        ("1.0", "1"), ("10", "10"), ("-15", "-15"), ("1E+2", "100"), ("123456789012345", "123456789012345"),
        ("1234567890123456", "1234567890123456"), ("9007199254740993", "9007199254740992"),
        ("12345678901234567890", "12345678901234567000"), ("100000000000000000000", "100000000000000000000"),
        ("1000000000000000000000", "1e+21"), ("0.1e-5", "0.000001"), ("0.1e-6", "1e-7"), ("4.35", "4.35"),
    ])
    func `numbers are written as ECMAScript writes them`(text: String, expected: String) throws {
        #expect(try canonical(text) == expected)
        #expect(try canonical("{\"n\":[\(text)]}") == "{\"n\":[\(expected)]}")
    }

    @Test(arguments: ["1e400", "-1e400", "1e99999999999999999999", "0.001e320", "12e308"])
    func `a number beyond all doubles stays as it was written`(text: String) throws {
        #expect(try canonical(text) == text)
    }

    @Test(arguments: [
        ("1234567890123456789", "1234567890123456789"), ("1234567890123456788", "1234567890123456788"),
        ("-9007199254740993", "-9007199254740993"), ("12345678901234567890", "12345678901234567890"),
        ("123456789012345678901", "123456789012345678901"), ("1234567890123456789012", "1.234567890123456789012e+21"),
        ("0.1000000000000000055", "0.1000000000000000055"), ("0.10000000000000001", "0.10000000000000001"),
        ("1e400", "1e+400"), ("0.001e320", "1e+317"), ("1e-999", "1e-999"), ("-0", "0"), ("-0.0e5", "0"),
        ("1", "1"), ("1.0", "1"), ("1e0", "1"), ("10e-1", "1"), ("1E+2", "100"), ("100", "100"), ("-1.50", "-1.5"),
        ("0.1e-5", "0.000001"), ("0.1e-6", "1e-7"), ("100000000000000000000", "100000000000000000000"),
        ("1000000000000000000000", "1e+21"), ("1e99999999999999999999", "1e99999999999999999999"),
        ("1.0e1152921504606846976", "1e+1152921504606846976"),
    ])
    func `numbers may keep their exact value`(text: String, expected: String) throws {
        let bytes = Array(#"{"n":[\#(text)]}"#.utf8)
        try #require(bytes.withUnsafeBytes { reader.readValue($0) } == nil)
        #expect(String(decoding: reader.canonical(exactNumbers: true), as: UTF8.self) == #"{"n":[\#(expected)]}"#)
    }

    @Test func `numbers as programs write them have one form, exact or not`() throws {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let number = Double(bitPattern: generator.next())
            guard number.isFinite else { continue }
            let expected = try canonical("\(number)")
            #expect(String(decoding: reader.canonical(exactNumbers: true), as: UTF8.self) == expected, "\(number)")
        }
    }

    @Test func `of a repeated key the last value counts`() throws {
        #expect(try canonical(#"{"b":1,"a":{"x":1},"b":2,"a":[3]}"#) == #"{"a":[3],"b":2}"#)
        #expect(try canonical(#"{"a":1,"\u0061":2}"#) == #"{"a":2}"#)
        #expect(try canonical(#"{"a":1,"\u0061":2,"a":3,"aa":4}"#) == #"{"a":3,"aa":4}"#)
        let long = String(repeating: "long key ", count: 20)
        #expect(try canonical("{\"\(long)\":1,\"\(long)b\":2,\"\(long)\":3}") == "{\"\(long)\":3,\"\(long)b\":2}")
    }

    @Test func `keys are in the order of their UTF-16 code units`() throws {
        let keys = ["", "\0", "\0\0", "a", "aa", "aaaaaaaa", "aaaaaaaa\u{10000}", "aaaaaaaa\u{e000}", "b", "\u{7f}"]
        let wide = ["\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{10000}", "\u{10ffff}", "\u{e000}", "\u{ffff}"]
        let sorted = (keys + wide).sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<50 {
            let text = (keys + wide).shuffled(using: &generator)
                .map { "\"\($0.replacing("\0", with: "\\u0000"))\":0" }.joined(separator: " , ")
            let expected = sorted.map { "\"\($0.replacing("\0", with: "\\u0000"))\":0" }.joined(separator: ",")
            #expect(try canonical("{ \(text) }") == "{\(expected)}")
        }
    }

    @Test func `large objects are written whole`() throws {
        var generator = SeededGenerator(seed: 4)
        let keys = (100_000..<150_000).map(String.init)
        let text = keys.shuffled(using: &generator).map { "\"\($0)\":{\"b\":1,\"a\":2}" }.joined(separator: ",")
        let expected = keys.map { "\"\($0)\":{\"a\":2,\"b\":1}" }.joined(separator: ",")
        #expect(try canonical("{\(text)}") == "{\(expected)}")
    }
}
