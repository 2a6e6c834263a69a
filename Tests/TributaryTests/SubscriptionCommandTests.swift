import ArgumentParser
import Executable
import Testing

@testable import Tributary

/// The commands of subscriptions against a control API that keeps what it was asked.
@Suite struct SubscriptionCommandTests {
    private let stages: FakeStages
    private var control: FakeControl { stages.control }

    private static let subscription = """
        {"name":"my-app","origin":"api","url":"https://a.example/x","filter":{"types":["call.*"]},\
        "signing":{"scheme":"standard-webhooks","secrets":[{"fingerprint":"0badcafe"}]},"rate_limit":null,\
        "revision":2,"state":"paused","disabled_reason":null,"breaker":"closed","cursor":41,"backlog":7,"dead":1}
        """

    init() throws {
        stages = try FakeStages()
    }

    @Test func `the list is a table for people and the answer itself for programs`() throws {
        let page = #"{"subscriptions":[\#(Self.subscription)],"next_cursor":null}"#
        control.answer("GET /v1/subscriptions", page)
        let table = try stages.command("subscriptions")
        #expect(table.status == 0)
        #expect(table.output.hasPrefix("NAME    ORIGIN  STATE"))
        #expect(table.output.contains("my-app  api     paused"))
        #expect(try stages.command("subscriptions", "list", "--json").output == page + "\n")
        #expect(control.lines == Array(repeating: "GET /v1/subscriptions?limit=1000", count: 2))
    }

    @Test func `one is shown with what it does and its settings`() throws {
        control.answer("GET /v1/subscriptions/my-app", Self.subscription)
        let run = try stages.command("subscriptions", "show", "my-app")
        #expect(run.output.contains("  backlog  7"))
        #expect(run.output.contains(#"  filter    {"types":["call.*"]}"#))
        #expect(!run.output.contains("rate_limit"))
    }

    @Test func `options become a document, and the secret that was made alone goes to standard output`() throws {
        control.answer(
            "POST /v1/subscriptions", #"{"name":"my-app","generated_secret":"whsec_abc"}"#, status: 201)
        let run = try stages.command(
            "subscriptions", "create", "my-app", "--url", "https://a.example/x", "--type", "recording.*", "--type",
            "call.*", "--source", "rooms", "--subject", "calls/*", "--format", "superviz", "--batch", "1s",
            "--batch-events", "10", "--batch-bytes", "65536", "--retry", "stream", "--rate-limit", "5", "--order",
            "key", "--start", "42")
        #expect(run.status == 0)
        #expect(run.output == "whsec_abc\n")
        #expect(run.errors == "tributary: my-app is made; its secret is shown this once:\n")
        #expect(
            control.asked.last?.body == """
                {"url":"https://a.example/x",\
                "filter":{"types":["recording.*","call.*"],"sources":["rooms"],"subjects":["calls/*"]},\
                "format":"superviz","mode":{"batch":{"every":"1s","max_events":10,"max_bytes":65536}},\
                "retry":"stream","rate_limit":5,"order":"key","name":"my-app","start":42}
                """)
    }

    @Test func `a document comes from a file or standard input, and references in it are resolved here`() throws {
        control.answer("POST /v1/subscriptions", #"{"name":"old"}"#, status: 201)
        let yaml = """
            name: old
            url: https://a.example/x
            timeout: 15s
            concurrency: 3
            signing: { scheme: stream, api_key: "7", secrets: ["env:OLD_SECRET"] }
            """
        let run = try stages.command(
            "subscriptions", "create", "--from-file", "-", "--concurrency", "4", input: yaml,
            environment: ["OLD_SECRET": "s3cret"])
        #expect(run.output == "old is made\n")
        #expect(
            control.asked.last?.body == """
                {"name":"old","url":"https://a.example/x","timeout":"15s","concurrency":4,\
                "signing":{"scheme":"stream","api_key":"7","secrets":["s3cret"]}}
                """)
        let unset = try stages.command("subscriptions", "create", "--from-file", "-", input: yaml)
        #expect(unset.status == 78 && unset.errors.contains("OLD_SECRET is not set"))
        let broken = try stages.command("subscriptions", "create", "--from-file", "-", input: "- a\n- b\n")
        #expect(broken.status == 64 && broken.errors.contains("document_malformed"))
        let clear = try stages.command(
            "subscriptions", "create", "x", "--url", "https://a.example", "--secret", "whsec_abc")
        #expect(clear.status == 64 && !clear.errors.contains("whsec_abc"))
        #expect(control.asked.count == 1)
    }

    @Test func `what is wrong with a document is shown with its places`() throws {
        control.refuse(
            "POST /v1/subscriptions", 422, "invalid", "the document is wrong",
            errors: #"[{"pointer":"/filter/sources/0","detail":"no source is named \"x\""}]"#)
        let run = try stages.command("subscriptions", "create", "a", "--url", "https://a.example", "--source", "x")
        #expect(run.status == 1)
        #expect(run.output.isEmpty)
        #expect(
            run.errors == """
                tributary: fanout-router-0 refuses with 422 invalid: the document is wrong
                tributary:   /filter/sources/0: no source is named "x"

                """)
    }

    @Test func `an update is a merge patch of what was named`() throws {
        control.answer("PATCH /v1/subscriptions/my-app", Self.subscription)
        let run = try stages.command(
            "subscriptions", "update", "my-app", "--type", "call.*", "--unset", "rate_limit", "--unset",
            "filter.subjects")
        #expect(run.output == "my-app is changed, revision 2\n")
        #expect(control.asked.last?.body == #"{"filter":{"types":["call.*"],"subjects":null},"rate_limit":null}"#)
        let nothing = try stages.command("subscriptions", "update", "my-app")
        #expect(nothing.status == 64 && nothing.errors.contains("nothing_to_change"))
    }

    @Test func `pausing, resuming and its old name`() throws {
        control.answer("POST /v1/subscriptions/my-app/pause", Self.subscription)
        let active = Self.subscription.replacing("paused", with: "active")
        control.answer("POST /v1/subscriptions/my-app/resume", active)
        #expect(try stages.command("subscriptions", "pause", "my-app").output == "my-app is paused\n")
        #expect(try stages.command("subscriptions", "resume", "my-app").output == "my-app is active\n")
        #expect(try stages.command("subscriptions", "enable", "my-app", "--json").output == active + "\n")
        #expect(control.asked.allSatisfy { $0.body.isEmpty })
    }

    @Test func `nothing is deleted without a yes`() throws {
        control.answer("GET /v1/subscriptions/my-app", Self.subscription)
        control.answer("DELETE /v1/subscriptions/my-app", "", status: 204)
        let asked = try stages.command("subscriptions", "delete", "my-app")
        #expect(asked.status == 64)
        #expect(asked.errors.contains("7 events waiting, 1 dead letters"))
        #expect(!control.lines.contains { $0.hasPrefix("DELETE") })
        let router = StageClient.router(stages.configuration)
        let command = try SubscriptionsDelete.parse(["my-app"])
        #expect(try !command.delete(router, Question { _ in "" }))
        #expect(try command.delete(router, Question { _ in "Y" }))
        #expect(try stages.command("subscriptions", "delete", "my-app", "--yes").output == "my-app is deleted\n")
        #expect(control.lines.filter { $0.hasPrefix("DELETE") }.count == 2)
    }

    @Test func `nobody is asked about a deletion that the router refuses`() throws {
        control.answer("GET /v1/subscriptions/my-app", #"{"name":"my-app","origin":"configuration"}"#)
        control.answer(
            "DELETE /v1/subscriptions/my-app",
            #"{"code":"conflict","detail":"my-app comes from the configuration"}"#, status: 409)
        let command = try SubscriptionsDelete.parse(["my-app"])
        let failure = #expect(throws: StageFailure.self) {
            try command.delete(
                StageClient.router(stages.configuration),
                Question { _ in
                    Issue.record("nobody is to be asked")
                    return "y"
                })
        }
        #expect(failure?.sentence.contains("my-app comes from the configuration") == true)
    }

    @Test func `a test says what came of it, and fails when the subscriber does not take it`() throws {
        let attempt = """
            {"subscription":"my-app","position":null,"number":1,"started":"2026-10-05T14:49:14Z",\
            "duration_seconds":0.0123,"phase":"answered","outcome":"delivered","status":204,"detail":"","answer":null}
            """
        control.answer("POST /v1/subscriptions/my-app/test", attempt)
        let good = try stages.command("subscriptions", "test", "my-app")
        #expect(good.output == "my-app: delivered 204 after 12 ms\n")
        #expect(good.status == 0)
        let refused = attempt.replacing("delivered", with: "refused").replacing("204", with: "503").replacing(
            #""answer":null"#, with: #""answer":"try\u001b later""#)
        control.answer("POST /v1/subscriptions/my-app/test", refused)
        let bad = try stages.command("subscriptions", "test", "my-app")
        #expect(bad.output == "my-app: refused 503 after 12 ms\nanswer: try\\u{1b} later\n")
        #expect(bad.status == 1)
    }

    @Test func `a rotated secret is given once, or taken from a reference`() throws {
        let path = "POST /v1/subscriptions/my-app/rotate-secret"
        control.answer(path, #"{"generated_secret":"whsec_new","keep_old_until":"2026-10-06T00:00:00Z"}"#)
        let made = try stages.command("subscriptions", "rotate-secret", "my-app", "--keep-old", "24h")
        #expect(made.output == "whsec_new\n")
        #expect(made.errors.contains("the old one signs too until 2026-10-06T00:00:00Z"))
        control.answer(path, #"{"generated_secret":null,"keep_old_until":null}"#)
        let own = try stages.command(
            "subscriptions", "rotate-secret", "my-app", "--secret", "env:OWN", environment: ["OWN": "whsec_own"])
        #expect(own.output == "my-app signs with a new secret; the old one no longer counts\n")
        #expect(control.asked.map(\.body) == [#"{"keep_old":"24h"}"#, #"{"secret":"whsec_own"}"#])
    }
}
