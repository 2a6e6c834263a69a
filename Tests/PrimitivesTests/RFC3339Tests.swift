import Foundation
import Primitives
import Testing

struct RFC3339Tests {
    @Test func `a time is written in UTC with the digits asked for`() {
        #expect(RFC3339.text(0, digits: 6) == "1970-01-01T00:00:00.000000Z")
        #expect(RFC3339.text(1_763_725_720_012_345_678, digits: 6) == "2025-11-21T11:48:40.012345Z")
        #expect(RFC3339.text(1_763_725_720_012_345_678) == "2025-11-21T11:48:40.012345678Z")
        #expect(RFC3339.text(-1) == "1969-12-31T23:59:59.999999999Z")
        for (nanoseconds, text) in [
            (0, "1970-01-01T00:00:00Z"), (1_500_000_000, "1970-01-01T00:00:01.5Z"),
            (-1_000_000_000, "1969-12-31T23:59:59Z"),
        ] as [(Int64, String)] {
            var bytes: [UInt8] = []
            RFC3339.append(nanoseconds: nanoseconds, digits: nil, to: &bytes)
            #expect(String(decoding: bytes, as: UTF8.self) == text)
        }
    }

    @Test func `only RFC 3339 is read, to the nanosecond`() {
        #expect(RFC3339.nanoseconds("2025-11-21T11:48:40.012345678Z") == 1_763_725_720_012_345_678)
        #expect(RFC3339.nanoseconds("1970-01-01T00:00:00Z") == 0)
        #expect(RFC3339.nanoseconds("2024-02-29T23:59:59.123456789Z") == 1_709_251_199_123_456_789)
        for text in [
            "2026-12-01", "2026-12-01T00:00:00", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "x",
            "2026-12-01T24:00:00Z", "2026-12-01T00:00:60Z", "2026-12-01T00:00:00.Z", "2026-12-01T00:00:00+0100",
            "２026-12-01T00:00:00Z", "2026-12-01T23:59:61Z", "2026-12-01T22:59:60Z", "2026-12-01T23:59:60+01:00",
            "2026-12-01 00:00:00Z", "2026-12-01T00:00:00+24:00", "2026-12-01T00:00:00+01:60", "2026-12-01T00:00:00,5Z",
            "-026-12-01T00:00:00Z", "", "Z", "now", "2025-11-21T11:48:-1Z", "9999999999-1-1T1:1:1Z",
        ] {
            #expect(RFC3339.nanoseconds(text) == nil, "\(text)")
        }
    }

    @Test func `every time that RFC 3339 allows is taken, and what 64 bits do not hold is the nearest that they do`() {
        let noon: Int64 = 1_796_126_400_000_000_000
        for text in [
            "2026-12-01T12:00:00Z", "2026-12-01t12:00:00z", "2026-12-01T12:00:00.000Z", "2026-12-01T13:30:00+01:30",
            "2026-12-01T00:01:00-11:59", "2026-12-01T12:00:00+00:00", "2026-12-01T12:00:00-00:00",
            "2026-12-01T12:00:00.0000000000001Z",
        ] {
            #expect(RFC3339.nanoseconds(text) == noon, "\(text)")
        }
        let newYear: Int64 = 1_483_228_800_000_000_000
        for text in ["2016-12-31T23:59:60Z", "2016-12-31T15:59:60-08:00", "2017-01-01T05:29:60+05:30"] {
            #expect(RFC3339.nanoseconds(text) == newYear, "\(text)")
        }
        #expect(RFC3339.nanoseconds("2016-12-31T23:59:60.5Z") == newYear + 500_000_000)
        for text in [
            "0000-01-01T00:00:00Z", "0000-02-29T00:00:00Z", "1969-12-31T23:59:59.9Z", "1970-01-01T00:00:00+01:00",
        ] {
            #expect(RFC3339.nanoseconds(text) == 0, "\(text)")
        }
        for text in ["2262-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "9999-12-31T23:59:60Z"] {
            #expect(RFC3339.nanoseconds(text) == 9_214_646_399_999_999_999, "\(text)")
        }
    }

    @Test func `times agree with Foundation from 1677 to 2262`() {
        let formatter = ISO8601DateFormatter()
        var seconds: Int64 = -9_223_372_036
        while seconds < 9_223_372_036 {
            let text = RFC3339.text(seconds * 1_000_000_000 + 7)
            let expected = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
            #expect(text == expected.dropLast() + ".000000007Z")
            seconds += 86_400 * 97 + 12_345
        }
    }
}

struct CivilDateTests {
    @Test func `a date and its day number say the same`() {
        for day in stride(from: -719_468, to: 2_932_896, by: 97) {
            #expect(CivilDate(dayNumber: day).dayNumber == day)
        }
        #expect(CivilDate(dayNumber: 0) == CivilDate(year: 1970, month: 1, day: 1))
        #expect(CivilDate(year: 2026, month: 2, day: 31).dayNumber == CivilDate(year: 2026, month: 3, day: 3).dayNumber)
    }
}
