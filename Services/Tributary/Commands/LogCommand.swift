import ArgumentParser
import CommitLog
import Executable
import JSON
import Wire

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Looks into the files of a commit log.",
        discussion: """
            Examples:
              tributary log check data/ingress-gateway-0/log
            """,
        subcommands: [LogCheckCommand.self])
}

struct LogCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Reads all of a commit log and says what is in it and what is damaged.",
        discussion: """
            Examples:
              tributary log check data/ingress-gateway-0/log
              tributary log check /backup/log --json

            The log may be in use or not; nothing is locked, nothing changed. Every block
            is read and its checksums are compared. A last block that a crash cut off is
            no damage; nobody was told that it is stored.

            Exit codes: 0 whole, 1 damaged, 74 it cannot be read, 78 there is no log or a
            newer version wrote it.
            """)

    @Argument(help: ArgumentHelp("The folder of the log.", valueName: "folder"))
    var folder: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() {
        do throws(LogError) {
            let found = try LogCheck(folder)
            print(json ? Self.json(found).description : Self.text(found))
            if !found.damage.isEmpty { ExitStatus.failure.exit() }
        } catch {
            if json {
                print(
                    JSONText.object([
                        "ok": .bool(false), "code": .string("log_\(error.code.rawValue)"),
                        "text": .string(error.sentence),
                    ]))
            }
            StageFailure(Self.status(error), "log_\(error)").exit(as: "tributary")
        }
    }

    private static func status(_ error: LogError) -> ExitStatus {
        switch error.code {
        case .damaged: .failure
        case .version, .unusable: .configuration
        default: .io
        }
    }

    static func text(_ found: LogCheck) -> String {
        let held = found.next > found.first ? "\(found.first) to \(found.next - 1)" : "nothing"
        var lines = [
            "log \(found.id), start \(found.epoch): holds \(held), next \(found.next), settled through \(found.settled)"
        ]
        if !found.segments.isEmpty {
            var table = Table(["segment", "numbers", "blocks", "bytes used", "of", "entered in start"])
            for segment in found.segments {
                let numbers = segment.end > segment.first ? "\(segment.first)-\(segment.end - 1)" : "none"
                table.add([
                    segment.file, numbers, String(segment.blocks), String(segment.blockBytes),
                    String(segment.byteCount), String(segment.epoch),
                ])
            }
            lines.append(table.text)
        }
        if !found.spares.isEmpty { lines.append("spare: \(printable(found.spares.joined(separator: ", ")))") }
        lines += found.damage.map { printable("damaged: \($0)") }
        if found.damage.isEmpty { lines.append("no damage") }
        return lines.joined(separator: "\n")
    }

    static func json(_ found: LogCheck) -> JSONText {
        .object([
            "ok": .bool(found.damage.isEmpty), "id": .string(found.id.description),
            "epoch": .number(found.epoch), "first": .number(found.first), "next": .number(found.next),
            "settled": .number(found.settled),
            "segments": .array(
                found.segments.map { segment in
                    .object([
                        "file": .string(segment.file), "ordinal": .number(segment.ordinal),
                        "epoch": .number(segment.epoch), "first": .number(segment.first),
                        "next": .number(segment.end), "blocks": .number(segment.blocks),
                        "blockBytes": .number(segment.blockBytes), "bytes": .number(segment.byteCount),
                    ])
                }),
            "spares": .array(found.spares.map { .string($0) }),
            "damage": .array(found.damage.map { .string($0) }),
        ])
    }
}
