import PipelineConfiguration
import Testing

@testable import Tributary

/// Replays of deliveries against a control API that keeps what it was asked.
@Suite struct ReplayCommandTests {
    private let stages: FakeStages
    private var control: FakeControl { stages.control }

    private static func replay(_ state: String, queued: Int = 4, waiting: Int = 0) -> String {
        """
        {"id":3,"subscription":"a","from":"log","state":"\(state)","selection":{},"rate":null,"queued":\(queued),\
        "skipped":1,"waiting":\(waiting),"position":9,"last":20,"created":"2026-10-05T15:00:00Z","finished":null}
        """
    }

    init() throws {
        stages = try FakeStages()
    }

    @Test func `dead letters are replayed by position, by cause and time, or all`() throws {
        control.answer("POST /v1/replays", Self.replay("running"), status: 202)
        let command = ["dead-letters", "replay", "--subscription", "a"]
        let file = ["--config", stages.configuration.file]
        for choice in [
            ["42", "--position", "43"], ["--cause", "timeout", "--since", "2026-10-05T15:00:00Z", "--rate", "0.5"],
            ["--all"],
        ] {
            let run = try CommandRun(command + choice + file)
            #expect(
                run.output
                    == "replay 3 to a: running, 4 queued, 1 were waiting already, looked at up to 9 of 20\n")
        }
        let begin = #"{"subscription":"a","from":"dead-letters","#
        #expect(
            control.asked.map(\.body) == [
                begin + #""positions":[42,43]}"#,
                begin + #""causes":["timeout"],"since":"2026-10-05T15:00:00Z","rate":0.5}"#, begin + #""all":true}"#,
            ])
        for wrong in [[], ["--all", "1"], ["--all", "--rate", "0"], ["--all", "--dry-run", "--wait"]] {
            #expect(try CommandRun(command + wrong + file).status == 64, "\(wrong)")
        }
    }

    @Test func `events of the log are chosen by everything that the API takes`() throws {
        control.answer("POST /v1/replays", #"{"count":17,"dry_run":true}"#)
        let run = try stages.command(
            "replay", "create", "--to", "a", "--first", "5", "--last", "9", "--id", "e", "--type", "call.*", "--source",
            "rooms", "--subject", "s", "--key", "k", "--until", "2026-10-05T15:00:00Z", "--dry-run")
        #expect(run.output == "17 deliveries would be made; nothing was queued\n")
        #expect(
            control.asked.last?.body == """
                {"subscription":"a","from":"log","ids":["e"],"first":5,"last":9,"until":"2026-10-05T15:00:00Z",\
                "types":["call.*"],"sources":["rooms"],"subjects":["s"],"keys":["k"],"dry_run":true}
                """)
        #expect(try stages.command("replay", "create", "--to", "a").status == 64)
        #expect(try stages.command("replay", "create", "--to", "a", "--cause", "timeout").status == 64)
    }

    @Test func `waiting goes on until what was queued has ended`() throws {
        control.answer("POST /v1/replays", Self.replay("running"), status: 202)
        control.answer(
            "GET /v1/replays/3", Self.replay("running"), Self.replay("finished", waiting: 2), Self.replay("finished"))
        let run = try stages.command("replay", "create", "--to", "a", "--dead-letters", "--all", "--wait", "--json")
        #expect(run.output == Self.replay("finished") + "\n")
        #expect(run.errors == "tributary: waiting for replay 3\n")
        #expect(control.lines == ["POST /v1/replays"] + Array(repeating: "GET /v1/replays/3", count: 3))
    }

    @Test func `replays are listed, shown, cancelled and deleted`() throws {
        control.answer("GET /v1/replays", #"{"replays":[\#(Self.replay("running"))],"next_cursor":null}"#)
        control.answer("GET /v1/replays/3", Self.replay("running"))
        control.answer("POST /v1/replays/3/cancel", Self.replay("cancelled"))
        control.answer("DELETE /v1/replays/3", "", status: 204)
        #expect(try stages.command("replay", "list", "--subscription", "a").output.contains("3   a             log"))
        #expect(try stages.command("replay", "show", "3").output.hasPrefix("replay 3 to a: running"))
        #expect(try stages.command("replay", "cancel", "3").output.hasPrefix("replay 3 to a: cancelled"))
        #expect(try stages.command("replay", "delete", "3").output == "replay 3 is deleted\n")
        #expect(
            control.lines == [
                "GET /v1/replays?subscription=a&limit=100", "GET /v1/replays/3", "POST /v1/replays/3/cancel",
                "DELETE /v1/replays/3",
            ])
    }
}
