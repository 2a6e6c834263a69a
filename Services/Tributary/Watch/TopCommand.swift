import ArgumentParser
import Executable
import Glibc
import JSON
import PipelineConfiguration
import StageMetrics

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Shows a live table of all instances: q ends it, j and k (or the arrows) scroll.",
        discussion: """
            Examples:
              tributary top
              tributary top --once               one table
              tributary top --interval 5 --json | jq '.instances[].cpu_percent'

            Where the output is no terminal, plain tables come one after the other.
            Rates are of the interval; SHARE is an instance's part of what its stage takes
            in; P99 is the time from the receipt of a webhook to its
            answer (ingress), to a worker's result, or to its delivery (router), and of a
            connector the time of its commits.

            Exit codes: 3 nothing runs, 69 the supervisor hangs, 77 not permitted.
            """)

    /// Between two looks at the size of the terminal.
    private static let sizeCheckMilliseconds: Int64 = 100
    private static let longestIntervalSeconds = 3600.0
    /// For a file or a pipe the table is as wide as it is.
    private static let mostColumns = 1000

    @OptionGroup var options: CommandOptions

    @Flag(help: "Print one table and end.")
    var once = false

    @Option(help: ArgumentHelp("Seconds between readings, 3600 at most.", valueName: "seconds"))
    var interval = 1.0

    func validate() throws {
        guard interval > 0, interval <= Self.longestIntervalSeconds else {
            throw ValidationError("--interval takes a number of seconds over 0, 3600 at most.")
        }
    }

    func run() {
        let configuration = orExit { () throws(StageFailure) in try options.running() }
        let (runDir, placement) = (configuration.runDir, Placement(configuration))
        let isLive = !once && !options.json && StandardOutput.isScreen
        let terminal = isLive ? TerminalScreen() : nil
        var earlier: [String: InstanceReading] = [:]
        var first: Int? = 0
        while true {
            let rows: [JSONValue]
            do throws(StageFailure) {
                rows = try PipelineStatus(runDir: runDir, placement).running()
            } catch {
                terminal?.restore()
                error.exit(as: "tributary")
            }
            let readings = Dictionary(
                rows.map { (Self.key($0), InstanceReading($0, runDir: runDir)) },
                uniquingKeysWith: { first, _ in first })
            let table = TopTable(
                instances: rows.compactMap { row in
                    readings[Self.key(row)].map { InstanceMetrics(row, from: earlier[Self.key(row)], to: $0) }
                })
            if let terminal {
                first = show(table, on: terminal, first: first ?? 0)
                if first == nil { return terminal.restore() }
            } else {
                // The first reading has no rates, which one table alone should have.
                if !once || !earlier.isEmpty { printTable(table) }
                if once, !earlier.isEmpty { return }
                sleep()
            }
            earlier = readings
        }
    }

    /// One process of an instance.
    private static func key(_ row: JSONValue) -> String { "\(row["instance"].text) \(row["pid"].text)" }

    private func printTable(_ table: TopTable) {
        if options.json {
            let rows = JSONText.object(["instances": .array(table.instances.map(\.json))])
            return StandardOutput.write(rows.text + "\n")
        }
        let width = isatty(1) == 1 ? TerminalScreen.size().columns : Self.mostColumns
        let lines = table.lines(width: width)
        StandardOutput.write((once ? lines : [table.summary] + lines + [""]).joined(separator: "\n") + "\n")
    }

    /// The interval is what this command is about; nothing else would end this wait.
    private func sleep() {
        var rest = timespec(tv_sec: Int(interval), tv_nsec: Int((interval - interval.rounded(.down)) * 1e9))
        var left = timespec()
        while nanosleep(&rest, &left) != 0, errno == EINTR { rest = left }
    }

    /// Draws until the interval is over or a key asks for more, and again where the terminal has another size; the first row
    /// of the next screen, nil for the end.
    private func show(_ table: TopTable, on terminal: TerminalScreen, first: Int) -> Int? {
        let deadline = monotonicNanoseconds() + Int64(interval * 1e9)
        var first = first
        while true {
            let size = TerminalScreen.size()
            first = max(0, min(first, table.lastFirst(height: size.lines)))
            terminal.draw(table.screen(width: size.columns, height: size.lines, first: first))
            var (key, left) = (String?.none, Int64(1))
            while key == nil, left > 0, TerminalScreen.size() == size {
                left = (deadline - monotonicNanoseconds() + 999_999) / 1_000_000
                key = terminal.key(timeoutMilliseconds: min(left, Self.sizeCheckMilliseconds))
            }
            switch key {
            case nil where left > 0: continue
            case "q", "Q", "\u{1B}", "\u{3}", "\u{4}": return nil
            case "j", "\u{1B}[B": first += 1
            case "k", "\u{1B}[A": first -= 1
            case "g": first = 0
            case "G": first = table.instances.count
            case nil, " ": return first
            default: continue
            }
        }
    }
}
