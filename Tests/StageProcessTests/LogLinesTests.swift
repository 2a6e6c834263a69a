import Logging
import Synchronization
import Testing

@testable import StageProcess

@Suite struct LogLinesTests {
    private func line(_ body: (inout Logger) -> Void) -> String {
        let written = Lines()
        var logger = Logger(label: "t") { _ in
            LogLines(level: .info, stage: "verifier", instance: "verifier-0") { written.add($0) }
        }
        body(&logger)
        return written.text
    }

    @Test func `a record is one line of key and value pairs`() {
        let text = line { $0.warning("link lost", metadata: ["peer": "normaliser-1", "held": "3 ranges"]) }
        #expect(text.hasPrefix("time=2"))
        #expect(
            text.hasSuffix(
                "Z level=warning stage=verifier instance=verifier-0 text=\"link lost\" "
                    + "held=\"3 ranges\" peer=normaliser-1\n"
            ))
    }

    @Test func `what comes from outside cannot start a line or move the cursor`() {
        let text = line { $0.error("a\nlevel=info b", metadata: ["k\n=": "\u{1B}[2J\"\\"]) }
        #expect(text.split(separator: "\n").count == 1)
        #expect(text.contains(#"text="a\nlevel=info b" k__="\u001b[2J\"\\""#))
    }

    @Test func `what lies below the level is not written`() {
        #expect(line { $0.debug("x") }.isEmpty)
    }

    @Test func `metadata of the logger and of the record are both written`() {
        let text = line { logger in
            logger[metadataKey: "a"] = "1"
            logger.info("x", metadata: ["b": "2"])
        }
        #expect(text.hasSuffix("text=x a=1 b=2\n"))
    }
}

/// Collects what is written.
private final class Lines: Sendable {
    private let lines = Mutex("")

    var text: String { lines.withLock { $0 } }

    func add(_ line: String) {
        lines.withLock { $0 += line }
    }
}
