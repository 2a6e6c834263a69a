import Testing

@testable import Providers

struct EventTimeTests {
    private func read(text: String) -> String? {
        var bytes: [UInt8] = []
        let isRead = Array(text.utf8).withUnsafeBytes { EventTime.append(text: $0, to: &bytes) }
        #expect(isRead || bytes.isEmpty)
        return isRead ? String(decoding: bytes, as: UTF8.self) : nil
    }

    private func read(integer: String) -> String? {
        var bytes: [UInt8] = []
        let isRead = Array(integer.utf8).withUnsafeBytes { EventTime.append(integer: $0, to: &bytes) }
        #expect(isRead || bytes.isEmpty)
        return isRead ? String(decoding: bytes, as: UTF8.self) : nil
    }

    @Test(arguments: [
        "2026-10-05T14:49:14.142187951Z", "2026-10-05T14:49:14Z", "2026-10-05T14:49:14.1Z", "2024-02-29T23:59:59.000Z",
        "2026-10-05T16:49:14.142+02:00", "2026-10-05T09:19:14.142187951-05:30", "0001-01-01T00:00:00Z",
    ])
    func `RFC 3339 text stays as it is`(text: String) {
        #expect(read(text: text) == text)
    }

    @Test func `small letters become capitals and a tenth fractional digit is cut`() {
        #expect(read(text: "2026-10-05t14:49:14z") == "2026-10-05T14:49:14Z")
        #expect(read(text: "2026-10-05T14:49:14.1234567899Z") == "2026-10-05T14:49:14.123456789Z")
        #expect(read(text: "2026-10-05T14:49:14.123456789123+01:00") == "2026-10-05T14:49:14.123456789+01:00")
    }

    @Test(arguments: [
        "", "Z", "2026-10-05", "2026-10-05 14:49:14Z", "2026-10-05T14:49:14", "2026-10-05T14:49:14.Z",
        "2026-10-05T14:49:14.12", "2026-13-05T14:49:14Z", "2026-00-05T14:49:14Z", "2026-10-00T14:49:14Z",
        "2025-02-29T14:49:14Z", "1900-02-29T14:49:14Z", "2026-04-31T14:49:14Z", "2026-10-05T24:00:00Z",
        "2026-10-05T14:60:14Z", "2026-10-05T14:49:60Z", "2026-10-05T14:49:14ZZ", "2026-10-05T14:49:14+0200",
        "2026-10-05T14:49:14+24:00", "2026-10-05T14:49:14+02:60", "2026-10-05T14:49:14 Z", "x026-10-05T14:49:14Z",
        "1791211754142187951", "2026-10-05T14:49:14.12aZ", "2026-10-05T14:49:14+", "２026-10-05T14:49:14Z",
    ])
    func `other text is not read`(text: String) {
        #expect(read(text: text) == nil)
    }

    @Test(arguments: [
        ("1791211754142187951", "2026-10-05T14:49:14.142187951Z"),
        ("1791211752471772000", "2026-10-05T14:49:12.471772Z"),
        ("1778198400000000000", "2026-05-08T00:00:00Z"), ("0", "1970-01-01T00:00:00Z"),
        ("-1", "1969-12-31T23:59:59.999999999Z"), ("1709251199999999999", "2024-02-29T23:59:59.999999999Z"),
        ("9223372036854775807", "2262-04-11T23:47:16.854775807Z"),
        ("-9223372036854775808", "1677-09-21T00:12:43.145224192Z"),
    ])
    func `integer nanoseconds are exact`(digits: String, expected: String) {
        #expect(read(integer: digits) == expected)
    }

    @Test(arguments: ["", "9223372036854775808", "-9223372036854775809", "1.5", "1e18", "99999999999999999999"])
    func `numbers that are no 64-bit integer are not read`(digits: String) {
        #expect(read(integer: digits) == nil)
    }
}
