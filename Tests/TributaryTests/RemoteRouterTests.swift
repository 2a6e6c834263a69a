import JSON
import NIOSSL
import PipelineConfiguration
import Testing

@testable import Tributary

/// `--api`: another machine's control API, over TLS.
@Suite struct RemoteRouterTests {
    private let token = ["TRIBUTARY_API_TOKEN": "t0ken"]

    @Test func `a router elsewhere is asked over TLS with the token, when its authority is trusted`() throws {
        let folder = try CommandFolder()
        let router = try TLSRouter(folder: folder.path, answer: #"{"replays":[],"next_cursor":null}"#)
        defer { router.close() }
        let command = [
            "replay", "list", "--api", "https://localhost:\(router.port)/behind/", "--ca", router.certificate,
        ]
        let run = try CommandRun(command, environment: token)
        #expect(run.errors.isEmpty)
        #expect(run.output == "no replays\n")
        #expect(router.asked == ["GET /behind/v1/replays?limit=100 Bearer t0ken"])
        let named = try CommandRun(
            [
                "stats", "--json", "--ca", router.certificate, "--token",
                "file:\(try folder.file("token", "fromfile\n"))",
            ],
            environment: ["TRIBUTARY_API": "https://localhost:\(router.port)"])
        #expect(named.status == 0)
        #expect(router.asked.last == "GET /v1/stats Bearer fromfile")
    }

    @Test func `what is not trusted gets no token`() throws {
        let folder = try CommandFolder()
        let router = try TLSRouter(folder: folder.path, answer: "{}")
        defer { router.close() }
        let other = try TLSRouter.makeCertificate(in: folder.path, name: "other")
        let url = "https://localhost:\(router.port)"
        for arguments in [["--ca", other.certificate], []] {
            let run = try CommandRun(["stats", "--api", url] + arguments, environment: token)
            #expect(run.status == 69)
            #expect(run.errors.contains("its certificate comes from no authority that is trusted here"))
        }
        let address = ["stats", "--api", "https://127.0.0.1:\(router.port)", "--ca", router.certificate]
        let elsewhere = try CommandRun(address, environment: token)
        #expect(elsewhere.status == 69)
        #expect(elsewhere.errors.contains("its certificate is for another name"))
        let missing = try CommandRun(["stats", "--api", url, "--ca", "/no/such/file"], environment: token)
        #expect(missing.status == 69 && missing.errors.contains("/no/such/file"))
        #expect(router.asked.isEmpty)
    }

    @Test func `a token is neither given on the command line nor sent in clear`() throws {
        let cases: [(arguments: [String], sentence: String)] = [
            (["--api", "https://r.example", "--token", "t0ken"], "secret_not_a_reference"),
            (["--api", "http://192.0.2.1:1"], "api_not_encrypted"), (["--api", "r.example"], "api_malformed"),
            (["--api", "https://r.example", "--token", "env:NOT_SET_ANYWHERE"], "secret_not_set"),
        ]
        for (arguments, sentence) in cases {
            let run = try CommandRun(["stats"] + arguments, environment: token)
            #expect(run.status == 64 && run.errors.contains(sentence), "\(arguments): \(run.errors)")
            #expect(!run.errors.contains("t0ken"))
        }
        let nobody = try CommandRun(["stats", "--api", "http://127.0.0.1:1"], environment: token)
        #expect(nobody.status == 69)
        let broken = try CommandRun(
            ["stats", "--api", "https://r.example"], environment: ["TRIBUTARY_API_TOKEN": "a\nHost: b"])
        #expect(broken.status == 64 && broken.errors.contains("token_malformed"))
    }
}

@Suite struct TokenCommandTests {
    @Test func `a token is printed once and the configuration takes the lines with its hash`() throws {
        let run = try CommandRun(["token", "make", "--name", "board", "--scopes", "read,replay"])
        #expect(run.status == 0)
        let token = run.output.dropLast()
        #expect(token.hasPrefix("trb_") && token.count == 68)
        #expect(!run.errors.contains(token))
        let lines = run.errors.split(separator: "\n").dropFirst().joined(separator: "\n")
        let configuration = try TributaryConfiguration.decode(
            lines + "\n  listen: 127.0.0.1:8443\nsources: []\n", file: "/etc/t.yaml")
        let taken = try #require(configuration.router.apiTokens.first)
        #expect(taken.name == "board" && taken.scopes == ["read", "replay"])
        #expect(!configuration.json.json.text.contains(token))
        let check = CheckCommand.text(configuration, file: "t.yaml")
        #expect(check.hasSuffix("control API: http://127.0.0.1:8443 for board (read, replay)"))
        for wrong in [["--name", "a b"], ["--scopes", "everything"], ["--scopes", ""]] {
            #expect(try CommandRun(["token", "make"] + wrong).status == 64, "\(wrong)")
        }
    }
}
