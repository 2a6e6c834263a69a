import Glibc
import Logging
import StageMetrics

/// Writes one logfmt line per record to standard error:
/// `time=… level=… stage=… instance=… text="…" key=value …`, control characters escaped, so that nothing that comes
/// from outside can start a line of its own or move a terminal's cursor.
struct LogLines: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let origin: String
    private let write: @Sendable (String) -> Void

    init(
        level: Logger.Level, stage: String, instance: String,
        write: @escaping @Sendable (String) -> Void = StandardError.write
    ) {
        logLevel = level
        origin = "stage=\(Self.quoted(stage)) instance=\(Self.quoted(instance))"
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "time=\(timeText(wallNanoseconds())) level=\(event.level.rawValue) \(origin)"
        line += " text=\(Self.quoted("\(event.message)"))"
        let pairs = metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            line += " \(Self.key(key))=\(Self.quoted("\(value)"))"
        }
        if let error = event.error { line += " error=\(Self.quoted("\(error)"))" }
        write(line + "\n")
    }

    /// The value itself where it is one plain word, otherwise in quotes with JSON's escapes.
    static func quoted(_ text: String) -> String {
        let isPlain =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.value > 0x20 && scalar.value < 0x7F && scalar != "\"" && scalar != "=" && scalar != "\\"
            }
        return isPlain ? text : JSONText.string(text).text
    }

    private static func key(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) ? $0 : "_" })
    }
}

/// A time in nanoseconds since 1970 as RFC 3339 in UTC with microseconds.
package func timeText(_ nanoseconds: Int64) -> String {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = [padded(Int(parts.tm_year) + 1900, 4), padded(Int(parts.tm_mon) + 1, 2), padded(Int(parts.tm_mday), 2)]
    let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { padded(Int($0), 2) }
    let fraction = padded(Int(nanoseconds % 1_000_000_000) / 1000, 6)
    return "\(date.joined(separator: "-"))T\(time.joined(separator: ":")).\(fraction)Z"
}

extension StageFailure {
    /// Writes a line of a stage's log for each line of the sentence, with time and level.
    func log(as lines: LogLines) {
        let logger = Logger(label: "end") { _ in lines }
        for line in sentence.split(separator: "\n") { logger.critical("\(line)") }
    }
}
