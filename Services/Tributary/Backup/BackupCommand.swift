import ArgumentParser
import Executable
import JSON
import PipelineConfiguration

/// `tributary backup`
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies the journals and the event log of this host; the pipeline may run.",
        discussion: """
            Examples:
              tributary backup /backup/2026-11-29
              tributary backup /backup/2026-11-29 --json

            Everything that was accepted before the command began is in the copy, in a
            journal or in the event log. The copy is checked. It holds secrets of
            subscriptions: its folder is for this user alone.

            Exit codes: 0 done, 69 there is nothing to copy, 74 reading or writing failed,
            77 this user may not, 78 the folder holds something already.
            """)

    @OptionGroup var options: CommandOptions

    @Argument(help: ArgumentHelp("Where the copy goes; a new or empty folder.", valueName: "folder"))
    var folder: String

    func run() {
        let dataDir = orExit { () throws(StageFailure) in try options.running() }.dataDir
        let backup = orExit { () throws(StageFailure) in
            try Backup(of: dataDir, in: folder) { if !options.json { print($0.text) } }
        }
        print(options.json ? backup.json.description : "the backup is whole: \(printable(folder))")
    }
}

/// `tributary restore`
struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Puts a backup where the configuration has its data_dir.",
        discussion: """
            Examples:
              scripts/supervisor down
              mv data data.old
              tributary restore /backup/2026-11-29
              scripts/supervisor up -d

            data_dir must be missing or empty. Every log goes on under a new id, so that
            nothing that comes in from now on is taken for what came in after the backup.
            What was delivered after the backup is delivered again, under the same
            webhook-id where the backup holds the event.

            Exit codes: 0 done, 69 there is no such backup, 74 reading or writing failed,
            77 this user may not, 78 data_dir holds something, or it is no backup.
            """)

    @OptionGroup var options: CommandOptions

    @Argument(help: ArgumentHelp("The backup.", valueName: "folder"))
    var folder: String

    func run() {
        let dataDir = options.configuration().dataDir
        let restored = orExit { () throws(StageFailure) in try Backup.restore(folder, to: dataDir) }
        if options.json {
            print(JSONText.object([("instances", .array(restored.map(\.json)))]))
        } else {
            for instance in restored { print(instance.text) }
            print("restored to \(printable(dataDir))")
        }
    }
}
