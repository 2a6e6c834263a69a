import Events
import VerificationSchemes
import Wire

/// Finds the signed time of a request and judges it against received-at.
final class SignedTime {
    /// The text of the time, or why the webhook is refused.
    enum Answer {
        case text(UnsafeRawBufferPointer)
        case refused(Refusal)
    }

    private let slot: Int
    private let pairKey: [UInt8]?
    private let nanosecondsPerUnit: Int64
    private let toleranceNanoseconds: Int64?
    private let missing: Refusal
    private let outside: Refusal

    private static let nanosecondsPerSecond: Int64 = 1_000_000_000

    init(_ field: TimestampField, toleranceSeconds: Int?, fields: HeadFields) {
        slot = fields.slot(field.field)
        pairKey = field.pairKey.map { Array($0.utf8) }
        nanosecondsPerUnit = field.unit == .seconds ? Self.nanosecondsPerSecond : 1_000_000
        toleranceNanoseconds = toleranceSeconds.map { Int64(nanosecondsOfSeconds: $0) }
        let place = field.pairKey.map { "`\($0)` in \(field.field)" } ?? field.field
        missing = Refusal(.timestampMissing, "the request has no \(place), once and in decimal digits")
        outside = Refusal(
            .timestampOutsideTolerance,
            "\(place) lies more than \(toleranceSeconds ?? 0) s before or after the time of receipt")
    }

    /// Reads the time and, where there is a tolerance, judges it.
    func read(_ fields: HeadFields, receivedAtNanoseconds: Int64) -> Answer {
        guard let field = fields.value(slot), !fields.isRepeated(slot), let text = text(in: field) else {
            return .refused(missing)
        }
        guard let toleranceNanoseconds else { return .text(text) }
        guard let value = Self.decimal(text) else { return .refused(missing) }
        let (nanoseconds, isTooLarge) = value.multipliedReportingOverflow(by: nanosecondsPerUnit)
        guard !isTooLarge, nanoseconds.distanceMagnitude(to: receivedAtNanoseconds) <= toleranceNanoseconds else {
            return .refused(outside)
        }
        return .text(text)
    }

    /// By how many nanoseconds the time lies before received-at; nil where there is none to be read.
    func age(_ fields: HeadFields, receivedAtNanoseconds: Int64) -> Int64? {
        guard let field = fields.value(slot), let text = text(in: field), let value = Self.decimal(text) else {
            return nil
        }
        let (nanoseconds, isTooLarge) = value.multipliedReportingOverflow(by: nanosecondsPerUnit)
        guard !isTooLarge else { return nil }
        let (age, overflow) = receivedAtNanoseconds.subtractingReportingOverflow(nanoseconds)
        return overflow ? nil : age
    }

    private func text(in field: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let pairKey else { return field }
        var found: UnsafeRawBufferPointer?
        var count = 0
        _ = LabelledList.forEach(in: field, between: UInt8(ascii: ","), inside: UInt8(ascii: "=")) { label, value in
            guard label.elementsEqual(pairKey) else { return }
            found = value
            count += 1
        }
        return count == 1 ? found : nil
    }

    /// 1 to 18 decimal digits.
    static func decimal(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard (1...18).contains(text.count) else { return nil }
        var value: Int64 = 0
        for character in text {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
            value = value * 10 + Int64(character - UInt8(ascii: "0"))
        }
        return value
    }
}

extension Int64 {
    /// So many seconds in nanoseconds; the most or least there is where that is too many.
    init(nanosecondsOfSeconds seconds: Int) {
        let (nanoseconds, overflow) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        self = overflow ? (seconds < 0 ? .min : .max) : nanoseconds
    }

    /// How far apart two instants are; the most there is where that cannot be said.
    fileprivate func distanceMagnitude(to other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow || difference == .min ? .max : abs(difference)
    }
}
