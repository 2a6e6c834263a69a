import JSON
import PipelineConfiguration
import Primitives
import Testing

@testable import Tributary

/// The commands that look into the log against a control API that keeps what it was asked.
@Suite struct LogCommandTests {
    private let stages: FakeStages
    private var control: FakeControl { stages.control }

    init() throws {
        stages = try FakeStages()
    }

    @Test func `events are searched with every filter, the newest first`() throws {
        control.answer("GET /v1/events", #"{"events":[{"position":7,"id":"e-7"}],"next_cursor":"abc"}"#)
        let run = try stages.command(
            "events", "--source", "rooms", "--type", "recording.*", "--subject", "calls/a b", "--key", "k", "--id", "i",
            "--provider", "stream", "--after", "3", "--since", "2026-10-05T14:49:14Z", "--limit", "1")
        #expect(run.output.hasSuffix("more: --cursor abc\n"))
        #expect(
            control.lines == [
                "GET /v1/events?source=rooms&type=recording.%2A&subject=calls%2Fa%20b&key=k&id=i&provider=stream"
                    + "&since=2026-10-05T14%3A49%3A14Z&after=3&order=desc&limit=1"
            ])
    }

    @Test func `a list goes on over empty pages until there is enough, or to the end`() throws {
        let pages = [
            #"{"events":[{"position":9},{"position":8}],"next_cursor":"a"}"#, #"{"events":[],"next_cursor":"b"}"#,
            #"{"events":[{"position":7}],"next_cursor":null}"#,
        ]
        control.answer("GET /v1/events", pages[0], pages[1], pages[2])
        let some = try stages.command("events", "list", "--limit", "3", "--order", "asc")
        #expect(some.output.split(separator: "\n").map { $0.prefix(8) } == ["POSITION", "9", "8", "7"])
        let query = "GET /v1/events?order=asc&limit="
        #expect(control.lines == ["\(query)3", "\(query)1&cursor=a", "\(query)1&cursor=b"])
        control.answer("GET /v1/events", pages[0], pages[1], pages[2])
        #expect(try stages.command("events", "--all", "--json").output == pages.map { $0 + "\n" }.joined())
        #expect(control.lines.last == "GET /v1/events?order=desc&limit=1000&cursor=b")
        control.answer("GET /v1/events", pages[1], pages[1])
        #expect(try stages.command("events", "--all").output.hasPrefix("no events\n"), "a cursor that stands still")
    }

    @Test func `one event is shown by position or id`() throws {
        control.answer("GET /v1/events/a/b", #"{"event":{"id":"a/b"},"position":4}"#)
        #expect(try stages.command("events", "a/b").output.hasPrefix("position 4\n"))
        let run = try stages.command("events", "show", "a/b", "--source", "rooms", "--json")
        #expect(run.output == #"{"event":{"id":"a/b"},"position":4}"# + "\n")
        #expect(control.lines == ["GET /v1/events/a%2Fb", "GET /v1/events/a%2Fb?source=rooms"])
        control.refuse("GET /v1/events/9", 404, "not_found", "no event has the position 9")
        let none = try stages.command("events", "9")
        #expect(none.status == 1)
        #expect(none.errors == "tributary: fanout-router-0 refuses with 404 not_found: no event has the position 9\n")
    }

    @Test func `why says for each subscription what stands between it and the event`() throws {
        let why = """
            {"position":42,"id":"e-1","subscriptions":[\
            {"subscription":"a","matches":false,"mismatch":{"part":"types","expected":["call.*","room.*"],\
            "found":"recording.ready"},"state":"not_matched","waiting_for":null,"next_attempt":null,\
            "breaker":"closed","ahead":null,"attempts":[]},\
            {"subscription":"b","matches":true,"mismatch":null,"state":"retrying","waiting_for":"its next attempt",\
            "next_attempt":"2026-10-05T15:00:00Z","breaker":"open","ahead":3,"attempts":[{"number":1,\
            "started":"2026-10-05T14:49:14Z","duration_seconds":15.0,"phase":"answer","outcome":"timeout",\
            "status":null,"detail":"no answer within 15 s","answer":null,"replay":null}]},\
            {"subscription":"c","matches":true,"mismatch":null,"state":"delivered","waiting_for":null,\
            "next_attempt":null,"breaker":"closed","ahead":null,"attempts":[]}]}
            """
        let now = try #require(RFC3339.nanoseconds("2026-10-05T14:50:00Z"))
        let value = try #require(JSONValue.read(Array(why.utf8)))
        #expect(
            WhyText.text(value, now: now) == """
                event e-1 at position 42

                a: does not take it
                  its filter     types
                  expected       call.*, room.*
                  found          recording.ready

                b: retrying after 1 attempt
                  waiting for    its next attempt
                  ahead of it    3 events
                  next attempt   in 10 min, at 2026-10-05T15:00:00Z
                  breaker        open
                  #1 2026-10-05T14:49:14Z  timeout (phase answer) after 15 s: no answer within 15 s

                c: delivered
                """)
        control.answer("GET /v1/events/42/why", why)
        let run = try stages.command("why", "42", "--subscription", "c")
        #expect(run.output == "event e-1 at position 42\n\nc: delivered\n")
        #expect(try stages.command("why", "42", "--json").output == why + "\n")
    }

    @Test func `attempts are filtered, and answers shown when asked for`() throws {
        let attempt = #"{"subscription":"a","number":2,"outcome":"refused","status":503,"answer":"busy"}"#
        control.answer("GET /v1/attempts", #"{"attempts":[\#(attempt)],"next_cursor":null}"#)
        let run = try stages.command(
            "attempts", "--subscription", "a", "--event", "42", "--outcome", "refused", "--phase", "answered")
        #expect(run.output.contains("503") && !run.output.contains("busy"))
        #expect(
            control.lines == [
                "GET /v1/attempts?subscription=a&event=42&outcome=refused&phase=answered&limit=100"
            ])
        #expect(try stages.command("attempts", "--answers").output.contains("busy"))
    }

    @Test func `dead letters are listed and counted`() throws {
        control.answer("GET /v1/dead-letters", #"{"dead_letters":[],"next_cursor":null}"#)
        control.answer("GET /v1/dead-letters/totals", #"{"totals":[{"subscription":"a","count":3}]}"#)
        let filter = ["--subscription", "a", "--cause", "status 503", "--fault", "theirs"]
        let list = try CommandRun(["dead-letters", "list"] + filter + ["--config", stages.configuration.file])
        #expect(list.output == "no dead letters\n")
        let totals = try stages.command("dead-letters", "totals").output.split(whereSeparator: \.isWhitespace)
        #expect(totals.suffix(2) == ["a", "3"])
        #expect(
            control.lines == [
                "GET /v1/dead-letters?subscription=a&cause=status%20503&fault=theirs&limit=100",
                "GET /v1/dead-letters/totals",
            ])
        #expect(try stages.command("dead-letters", "--fault", "nobodys").status == 64)
    }

    @Test func `the counts of the router are shown`() throws {
        control.answer(
            "GET /v1/stats",
            """
            {"version":"1.2","instance":"fanout-router-0","uptime_seconds":7300.5,"log":{"id":"x","first_position":3,\
            "next_position":10,"events":7,"bytes":4096},"subscriptions":[{"name":"a","backlog":2,"dead":1}],\
            "quarantine":{"webhooks":5,"replayed":4,"bytes":99}}
            """)
        #expect(
            try stages.command("stats").output == """
                fanout-router-0 1.2, up 2 h
                log         7 events, positions 3 to 9, 4096 bytes
                quarantine  5 webhooks, 4 of them replayed, 99 bytes

                NAME  BACKLOG  DEAD
                a     2        1

                """)
    }

    @Test(arguments: [
        (#"{"first_position":1,"next_position":1,"events":0,"bytes":0}"#, "no events yet, 0 bytes"),
        (
            #"{"first_position":9,"next_position":9,"events":0,"bytes":0}"#,
            "no events kept, the next gets position 9, 0 bytes"
        ),
    ])
    func `a log without events has no range of positions`(log: String, line: String) throws {
        let stats = try #require(JSONValue.read(Array(#"{"log":\#(log)}"#.utf8)))
        #expect(StatsText.text(stats).contains("log         \(line)\n"))
    }

    @Test(arguments: [("0.000498445", "498 µs"), ("0.0123", "12 ms"), ("15.2", "15 s"), ("300", "5 min"), ("null", "")])
    func `lengths of time are shown with a unit`(seconds: String, text: String) throws {
        let record = try #require(JSONValue.read(Array(#"{"duration_seconds":\#(seconds)}"#.utf8)))
        let lines = RecordList.text([record], columns: ["duration_seconds"], empty: "").split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(lines == ["DURATION", Substring(text)])
    }
}
