import Glibc
import JSON
import Testing

@testable import Tributary

/// What the supervisor is asked to do, against a socket that answers like it.
@Suite struct SupervisorCommandTests {
    private let folder: CommandFolder
    private let file: String

    init() throws {
        folder = try CommandFolder()
        file = try folder.file("t.yaml", "run_dir: run\nsources: []\n")
        try #require(mkdir("\(folder.path)/run", 0o700) == 0)
    }

    /// What a command does, and what it asked the supervisor that answers so.
    private func run(_ arguments: [String], answer: String) throws -> (run: CommandRun, asked: String) {
        let supervisor = try AnswerOnce("\(folder.path)/run/supervisor.sock", answer: #"{"said":""}"# + "\n" + answer)
        let run = try CommandRun(arguments + ["--config", file])
        supervisor.join()
        return (run, supervisor.asked)
    }

    @Test(arguments: [
        (["scale", "normaliser", "4"], #"{"command":"scale","stage":"normaliser","count":4}"#),
        (["scale", "verifier", "--auto", "1..8"], #"{"command":"scale","stage":"verifier","auto":[1,8]}"#),
        (["restart", "router"], #"{"command":"restart","name":"fanout-router","binary":null}"#),
        (["restart", "ingress-1"], #"{"command":"restart","name":"ingress-gateway-1","binary":null}"#),
        (
            ["restart", "verifier", "--binary", "/usr/lib/../bin/env"],
            #"{"command":"restart","name":"verifier","binary":"/usr/bin/env"}"#
        ),
    ])
    func `a change is one request, and what is said meanwhile is printed`(
        _ arguments: [String], _ request: String
    ) throws {
        let (run, asked) = try run(arguments, answer: #"{"said":"one \u001b"}"# + "\n" + #"{"result":{}}"# + "\n")
        #expect(asked == request + "\n")
        #expect(run.output == "one \\u{1b}\n")
        #expect(run.status == 0 && run.errors.isEmpty)
    }

    @Test func `a reload sends the environment, and its answer is JSON where that is wanted`() throws {
        let answer = #"{"said":"x"}"# + "\n" + #"{"result":{"ok":false}}"# + "\n"
        let (run, asked) = try run(["reload", "--json"], answer: answer)
        #expect(asked.hasPrefix(#"{"command":"reload","environment":{""#))
        #expect(run.status == 1 && JSONValue.read(Array(run.output.utf8))?["ok"] == .bool(false))
        #expect(try self.run(["reload"], answer: answer).run.output == "x\n")
    }

    @Test func `a failure is the supervisor's sentence and exit code, and an end without one is a failure`() throws {
        let failure = #"{"failure":"no\n    such","exit_code":78}"# + "\n"
        let failed = try run(["restart", "router"], answer: failure).run
        #expect(failed.status == 78 && failed.errors == "tributary: no\n    such\n")
        let ended = try run(["restart", "router"], answer: "").run
        #expect(ended.status == 1 && ended.errors.contains("ended before it answered"))
    }

    @Test func `without a supervisor a change ends with 3, and with nothing to stop down ends well`() throws {
        let scaled = try CommandRun(["scale", "normaliser", "3", "--config", file])
        #expect(scaled.status == 3 && scaled.errors.contains("'scripts/supervisor up -d' starts one"))
        let down = try CommandRun(["down", "--config", file])
        #expect(down.status == 0 && down.output == "nothing runs.\n")
    }

    @Test func `one that says nothing is said to hang`() throws {
        let supervisor = try AnswerOnce("\(folder.path)/run/supervisor.sock", answer: nil)
        let hung = try CommandRun(["restart", "router", "--config", file])
        supervisor.join()
        #expect(hung.status == 69 && hung.errors.contains("has not answered for 10 s; kill it if it hangs"))
    }
}
