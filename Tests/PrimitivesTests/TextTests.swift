import Primitives
import Testing

struct DurationTextTests {
    @Test func `durations are read with their units`() {
        let cases: [(String, Duration?)] = [
            ("0s", .zero), ("250ms", .milliseconds(250)), ("5s", .seconds(5)), ("10m", .seconds(600)),
            ("2h", .seconds(7200)), ("7d", .seconds(604_800)), ("5", nil), ("s", nil), ("-1s", nil), ("1.5s", nil),
            ("99999999999999999999s", nil), ("9223372036854775807d", nil), ("5 s", nil),
        ]
        for (text, expected) in cases {
            #expect(DurationText.parse(text) == expected, "\(text)")
        }
        #expect(DurationText.text(.milliseconds(1500)) == "1500ms")
        #expect(DurationText.text(.seconds(7200)) == "2h")
    }

    @Test func `a duration beyond 64 bits of nanoseconds is the longest there is`() {
        #expect(Duration.seconds(Int64.max).nanoseconds == .max)
        #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
        #expect(Duration.milliseconds(1500).milliseconds == 1500 && Duration.milliseconds(1500).inSeconds == 1.5)
    }
}

struct PercentCodingTests {
    @Test func `everything but the unreserved characters is escaped, and read back`() {
        let text = "aZ09-._~ /?&=+%\u{e9}\u{0}"
        let encoded = PercentCoding.encode(text.utf8)
        #expect(encoded == "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A9%00")
        #expect(PercentCoding.decode(encoded[...], plusIsSpace: true) == text)
        #expect(PercentCoding.decode("a+b%2b", plusIsSpace: true) == "a b+")
        #expect(PercentCoding.decode("a+b", plusIsSpace: false) == "a+b")
    }

    @Test func `a broken escape is no text`() {
        for text in ["%", "%4", "%4g", "%g4", "a%", "%ff", "%+1"] {
            #expect(PercentCoding.decode(text[...], plusIsSpace: true) == nil, "\(text)")
        }
        #expect(
            Array("%c3".utf8).withUnsafeBytes { PercentCoding.decode($0, plusIsSpace: true, strictly: true) } == nil)
    }
}

struct StandardWebhooksKeyTests {
    @Test func `the prefix says what a key is, and may be left out of a shared one`() {
        for (text, kind) in [
            ("whsec_Zm9v", .shared), ("Zm9v", .shared), ("whpk_Zm9v", .publicKey), ("whsk_Zm9v", .privateKey),
        ] as [(String, StandardWebhooksKey.Kind)] {
            let key = StandardWebhooksKey(Array(text.utf8))
            #expect(key.kind == kind)
            #expect(Base64.decode(unpadded: key.base64) == Array("foo".utf8))
            #expect(StandardWebhooksKey.text(kind, Array("foo".utf8)).hasSuffix(text))
        }
    }
}
