import ArgumentParser
import Executable
import JSON
import PipelineConfiguration
import StageMetrics

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks for what keeps a pipeline from working, or soon will, and says what to do.",
        discussion: """
            Examples:
              tributary doctor
              tributary doctor --offline               without connecting to destinations
              tributary doctor --json | jq '.findings[] | select(.severity != "ok")'

            Looks at configuration, secrets, directories and their owners, the speed of
            the disk, space, clock, open files, ports, every stage that runs, and name,
            address, connection and certificate of every destination. Nothing is sent
            to a destination but the beginning of TLS. It works whether the pipeline
            runs or not; run it as the user of the stages. With a topology it looks at
            what belongs to this host, and whether its stages reach those of others.

            Exit codes: 0 no errors (there may be warnings), 1 errors, 78 wrong
            configuration.
            """)

    @OptionGroup var options: CommandOptions

    @Flag(help: "Connect to no destination.")
    var offline = false

    func run() {
        let configuration = orExit { () throws(StageFailure) in try options.running() }
        let findings = Self.findings(configuration, isOffline: offline)
        if options.json {
            StandardOutput.write(Self.json(findings).text + "\n")
        } else {
            StandardOutput.write(Self.text(findings) + "\n")
        }
        if findings.contains(where: { $0.severity == .error }) { ExitStatus.failure.exit() }
    }

    static func findings(_ configuration: TributaryConfiguration, isOffline: Bool) -> [Finding] {
        let stages = StageFindings(configuration)
        var found = configuration.findings(nowNanoseconds: wallNanoseconds(), secretsMustResolve: false)
        // What runs has its secrets, and this command need not.
        if stages.runs { found.removeAll { $0.code == .secret && $0.severity == .warning && $0.key.isEmpty } }
        if found.isEmpty { found = [Finding(.fine, "", "\(configuration.file) has no errors")] }
        found += DiskFindings.of(configuration) + OwnerFindings.of(configuration.dataDir)
        found += ClockFindings.of(isKept: ClockFindings.isKept, jumps: stages.clockJumps)
        found += DescriptorFindings.of(configuration, stages.rows) + PortFindings.of(configuration, pids: stages.pids)
        found += stages.findings + LinkFindings.of(configuration) + CertificateFindings.ofListeners(configuration)
        return isOffline ? found : found + DestinationFindings.of(configuration, api: stages.apiDestinations)
    }

    /// A row a finding, and below what is not in order why it matters and what to do.
    static func text(_ findings: [Finding]) -> String {
        let width = FindingCode.allCases.map(\.rawValue.count).max() ?? 0
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
        var lines: [String] = []
        for finding in findings {
            let head = "\(padded(finding.severity.rawValue, 7))  \(padded(finding.code.rawValue, width))  "
            lines.append(head + printable(finding.text))
            guard finding.severity != .fine else { continue }
            let indent = String(repeating: " ", count: head.count)
            lines += ["\(indent)why: \(finding.code.why)", "\(indent)do:  \(finding.code.remedy)"]
        }
        let counts = [Finding.Severity.error, .warning].map { severity in
            let count = findings.count { $0.severity == severity }
            return "\(count) \(severity.rawValue)\(count == 1 ? "" : "s")"
        }
        return (lines + [counts.joined(separator: ", ")]).joined(separator: "\n")
    }

    static func json(_ findings: [Finding]) -> JSONText {
        .object([
            "ok": .bool(!findings.contains { $0.severity == .error }),
            "findings": .array(
                findings.map { finding in
                    .object([
                        "severity": .string(finding.severity.rawValue), "code": .string(finding.code.rawValue),
                        "key": .string(finding.key), "text": .string(finding.sentence),
                        "why": .string(finding.code.why), "remedy": .string(finding.code.remedy),
                    ])
                }),
        ])
    }
}
