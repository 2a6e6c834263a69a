import Primitives
import Testing

@testable import Normalisation
@testable import Providers

struct DecimalTimeTests {
    private func text(_ number: String, _ unit: TimeUnit) -> String? {
        var number = number
        return number.withUTF8 { bytes in
            DecimalTime(UnsafeRawBufferPointer(bytes), unit: unit).map { time in
                var text: [UInt8] = []
                RFC3339.append(seconds: time.seconds, fraction: time.fraction, digits: nil, to: &text)
                return String(decoding: text, as: UTF8.self)
            }
        }
    }

    @Test(arguments: [
        ("1791211754", TimeUnit.seconds, "2026-10-05T14:49:14Z"),
        ("1791211754.2", .seconds, "2026-10-05T14:49:14.2Z"),
        ("1791211754.142187951", .seconds, "2026-10-05T14:49:14.142187951Z"),
        ("1791211754.1421879519999", .seconds, "2026-10-05T14:49:14.142187951Z"),
        ("1.791211754142187951e9", .seconds, "2026-10-05T14:49:14.142187951Z"),
        ("1791211754142187951E-9", .seconds, "2026-10-05T14:49:14.142187951Z"),
        ("17912117540e-1", .seconds, "2026-10-05T14:49:14Z"),
        ("1791211754142", .milliseconds, "2026-10-05T14:49:14.142Z"),
        ("1791211754142.187951", .milliseconds, "2026-10-05T14:49:14.142187951Z"),
        ("1791211754142187951", .nanoseconds, "2026-10-05T14:49:14.142187951Z"),
        ("1791211754142187951.9", .nanoseconds, "2026-10-05T14:49:14.142187951Z"),
        ("0", .seconds, "1970-01-01T00:00:00Z"), ("-0", .seconds, "1970-01-01T00:00:00Z"),
        ("0.0", .milliseconds, "1970-01-01T00:00:00Z"), ("0e999", .seconds, "1970-01-01T00:00:00Z"),
        ("0.001", .seconds, "1970-01-01T00:00:00.001Z"), ("1e-9", .seconds, "1970-01-01T00:00:00.000000001Z"),
        ("1e-10", .seconds, "1970-01-01T00:00:00Z"), ("0.000000001e9", .seconds, "1970-01-01T00:00:01Z"),
        ("-1", .seconds, "1969-12-31T23:59:59Z"), ("-0.5", .seconds, "1969-12-31T23:59:59.5Z"),
        ("-1.25", .seconds, "1969-12-31T23:59:58.75Z"),
        ("253402300799.999999999", .seconds, "9999-12-31T23:59:59.999999999Z"),
        ("-62167219200", .seconds, "0000-01-01T00:00:00Z"),
    ])
    func `numbers are moved by their decimal point`(_ number: String, _ unit: TimeUnit, _ expected: String) {
        #expect(text(number, unit) == expected)
    }

    @Test(arguments: [
        "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "1e1234", "1e99", "0x10", "1 ", " 1", "1,5", "NaN", "1e5x", "--1",
        "1.5.5", "253402300800", "-62167219200.5", "99999999999999999999999", "1\u{0660}",
        String(repeating: "1", count: 65),
    ])
    func `what is no time is not read as one`(_ number: String) {
        #expect(text(number, .seconds) == nil)
    }

    @Test func `the templates' fields are found in order`() {
        #expect(Vocabulary.fields(of: "calls/{call_cid}/egress/hls") == ["call_cid"])
        #expect(Vocabulary.fields(of: "{a}:{b.c}/x") == ["a", "b.c"])
        #expect(Vocabulary.fields(of: "metrics").isEmpty && Vocabulary.fields(of: "").isEmpty)
    }
}
