import Executable
import JSON
import Logging
import Primitives
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
        var line = "time=\(RFC3339.text(wallNanoseconds(), digits: 6)) level=\(event.level.rawValue) \(origin)"
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

extension StageFailure {
    /// Writes a line of a stage's log for each line of the sentence, with time and level.
    func log(as lines: LogLines) {
        let logger = Logger(label: "end") { _ in lines }
        for line in sentence.split(separator: "\n") { logger.critical("\(line)") }
    }
}
