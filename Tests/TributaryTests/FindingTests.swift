import Foundation
import JSON
import PipelineConfiguration
import Testing
import VerificationSchemes

@testable import Tributary

@Suite struct FindingTests {
    private let folder: CommandFolder

    init() throws {
        folder = try CommandFolder()
    }

    private func configuration(_ yaml: String) throws -> TributaryConfiguration {
        try TributaryConfiguration.decode(yaml, file: "\(folder.path)/t.yaml")
    }

    private func findings(_ yaml: String, secretsMustResolve: Bool = false) throws -> [Finding] {
        try configuration(yaml).findings(
            nowNanoseconds: 1_800_000_000_000_000_000, secretsMustResolve: secretsMustResolve)
    }

    @Test func `a data_dir or run_dir that is a file, or lies below one, is an error`() throws {
        let file = try folder.file("taken", "x")
        #expect(
            try findings("{ data_dir: taken, run_dir: taken/run, sources: [] }") == [
                Finding(
                    .error, "run_dir",
                    "\(file)/run cannot be created: \(file) is not a directory; remove it or name another in the "
                        + "configuration", code: .directory),
                Finding(
                    .error, "data_dir",
                    "\(file) is not a directory; remove it or name another in the configuration", code: .directory),
            ])
    }

    @Test func `a run_dir that others may enter is an error, a data_dir that is not there yet is none`() throws {
        let run = "\(folder.path)/run"
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: run)
        #expect(
            try findings("{ data_dir: new/data, sources: [] }") == [
                Finding(
                    .error, "run_dir", "\(run) is open to other users; close it with: chmod 700 \(run)",
                    code: .directory)
            ])
    }

    @Test(arguments: ["http://127.0.0.1:9000/", "http://localhost:9000/", "https://10.1.2.3/", "http://[::1]:1/"])
    func `a subscriber on this machine or in a private network needs egress_allow`(url: String) throws {
        let subscription = "subscriptions: [{ name: app, url: \"\(url)\", signing: { scheme: none } }]"
        let found = try findings("{ sources: [], \(subscription) }")
        #expect(found.map(\.severity) == [.warning])
        #expect(found.first?.text.hasPrefix("subscription app: nothing will be delivered: ") == true)
        let allowed = "router: { egress_allow: [127.0.0.0/8, \"::1/128\", 10.0.0.0/8] }"
        #expect(try findings("{ sources: [], \(allowed), \(subscription) }") == [])
    }

    @Test func `a filter that no event can pass is warned of`() throws {
        let found = try findings(
            """
            sources: []
            subscriptions:
              - name: app
                url: https://a.example/
                filter: { types: ["dev.tributary.room.*", "participants.joined"] }
                signing: { scheme: none }
            """)
        #expect(
            found.map(\.text) == [
                "subscription app: type_unknown: no event has a type like participants.joined; did you mean "
                    + "\"participant.joined\"?"
            ])
    }

    @Test func `a plain http subscriber needs a network, or allow_http`() throws {
        let subscription = "subscriptions: [{ name: app, url: \"http://a.example/\", signing: { scheme: none } }]"
        #expect(
            try findings("{ sources: [], \(subscription) }").first?.text.contains("unencrypted deliveries") == true)
        #expect(try findings("{ sources: [], router: { allow_http: true }, \(subscription) }") == [])
        #expect(try findings("{ sources: [], router: { egress_allow: [10.0.0.0/8] }, \(subscription) }") == [])
    }

    @Test func `an ingress that others reach without TLS is warned of, one behind a proxy is not`() throws {
        let open = try findings("{ sources: [], ingress: { listen: \"0.0.0.0:8080\" } }")
        #expect(open.map(\.key) == ["ingress.listen"])
        #expect(open.map(\.severity) == [.warning])
        let proxied = "{ sources: [], ingress: { listen: \"0.0.0.0:8080\", public_url: \"https://gw.example.com\" } }"
        #expect(try findings(proxied) == [])
    }

    @Test func `secrets that are not to be had are one warning, and an error each where they must resolve`() throws {
        let yaml = """
            sources:
              - { name: app, provider: stream, secrets: [{ id: k, value: "env:TRIBUTARY_TEST_UNSET" }] }
            subscriptions:
              - { name: a, url: "https://a.example/", signing: { scheme: standard-webhooks, secrets: ["file:none"] } }
            """
        let warned = try findings(yaml)
        #expect(
            warned.map(\.text) == [
                "2 of 2 secrets are not to be had here: env:TRIBUTARY_TEST_UNSET, file:\(folder.path)/none; the stages "
                    + "need them at their start (check --secrets makes this an error)"
            ])
        let refused = try findings(yaml, secretsMustResolve: true)
        #expect(refused.map(\.severity) == [.error, .error])
        #expect(refused.first?.text.contains("env:TRIBUTARY_TEST_UNSET, but the environment variable") == true)
    }

    @Test func `a token that can be guessed, or is none, is found; never said`() throws {
        let short = try folder.file("short", "short")
        _ = try folder.file("blank", "a token with blanks in it")
        let yaml = """
            router: { listen: "127.0.0.1:8081", api_tokens: ["file:short", "file:blank"] }
            sources: []
            """
        let found = try findings(yaml, secretsMustResolve: true)
        #expect(
            found.map(\.text) == [
                "router.api_tokens[0]: the token in file:\(short) has 5 characters and can be guessed; use at least 16, "
                    + "such as `tributary token make` prints",
                "router.api_tokens[1]: a bearer token has letters, digits and -._~+/= only (RFC 6750)",
            ])
        #expect(found.map(\.severity) == [.error, .error])
        #expect(try findings(yaml).map(\.severity) == [.warning, .warning])
    }

    @Test func `a secret that its scheme cannot use, and a TLS file that is no PEM, are found`() throws {
        _ = try folder.file("key", "no base64 !!")
        let yaml = """
            ingress: { tls: { certificate: "file:key", key: "file:key" } }
            sources:
              - { name: app, provider: fastpix, secrets: [{ value: "file:key" }] }
            """
        let found = try findings(yaml, secretsMustResolve: true)
        #expect(found.map(\.severity) == [.error, .error])
        #expect(found.first?.text.hasPrefix("source app, secrets: ") == true)
        #expect(found.last?.text.hasPrefix("ingress.tls.certificate refers to file:") == true)
        #expect(!found.contains { $0.text.contains("base64 !!") })
    }

    @Test func `a gap between the windows of two secrets is warned of, an overlap is not`() throws {
        func window(_ from: Int64?, _ until: Int64?) -> KeyValidity {
            KeyValidity(notBeforeNanoseconds: from, notAfterNanoseconds: until)
        }
        #expect(SourceWarnings.gap(in: [window(20, nil), window(nil, 10)], after: 5) == 10..<20)
        #expect(SourceWarnings.gap(in: [window(nil, 10), window(10, nil)], after: 5) == nil)
        #expect(SourceWarnings.gap(in: [window(nil, 10), window(2, 30), window(20, nil)], after: 5) == nil)
        #expect(SourceWarnings.gap(in: [window(nil, 10)], after: 5) == nil)
        let yaml = """
            sources:
              - name: app
                provider: stream
                secrets:
                  - { id: old, value: "literal:0123456789abcdef0123", not_after: 2027-06-01T00:00:00Z }
                  - { id: new, value: "literal:0123456789abcdef4567", not_before: 2027-06-02T00:00:00Z }
            """
        #expect(
            try findings(yaml).map(\.text) == [
                "source app: none of its secrets counts from 2027-06-01T00:00:00.000000Z until "
                    + "2027-06-02T00:00:00.000000Z, so all webhooks are refused then; let not_before of the new one come "
                    + "before not_after of the old one"
            ])
    }

    @Test func `check marks errors and warnings, prints both as JSON and ends with 78`() throws {
        _ = try folder.file("data", "x")
        let file = try folder.file(
            "t.yaml", "sources: [{ name: open, provider: superviz, ids: generated, verification: none }]\n")
        let text = try CommandRun(["check", "--config", file])
        #expect(text.status == 78)
        #expect(
            text.output == "warning: source open is not verified (verification: none): anyone who knows the URL can "
                + "send events\n")
        #expect(text.errors.hasPrefix("error: data_dir: \(folder.path)/data is not a directory"))
        #expect(text.errors.hasSuffix("tributary: 1 error in \(file)\n"))
        let json = try CommandRun(["check", "--config", file, "--json"])
        let value = try #require(JSONValue.read(Array(json.output.utf8)))
        #expect(json.status == 78)
        #expect(value["ok"] == .bool(false))
        #expect(value["errors"].elements.map { $0["key"].text } == ["data_dir"])
        #expect(value["warnings"].elements.count == 1)
    }
}
