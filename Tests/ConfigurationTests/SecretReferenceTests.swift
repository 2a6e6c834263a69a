import Glibc
import PipelineConfiguration
import Testing

@Suite struct SecretReferenceTests {
    private func temporaryFile(_ text: String) -> String {
        let path = "/tmp/tributary-secret-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        _ = write(descriptor, text, text.utf8.count)
        close(descriptor)
        return path
    }

    @Test func `a literal is itself and is never printed`() throws {
        let reference = SecretReference(place: .literal("tops3cret"), keyPath: "k")
        #expect(try reference.resolve() == Array("tops3cret".utf8))
        #expect(!"\(reference)".contains("tops3cret"))
    }

    @Test func `a missing variable names the key and the variable`() {
        let reference = SecretReference(place: .env("TRIBUTARY_TEST_UNSET"), keyPath: "sources[0].secrets[0].value")
        let error = #expect(throws: SecretError.self) { try reference.resolve() }
        #expect(error?.code == "secret_not_set")
        #expect(error?.sentence.hasPrefix("sources[0].secrets[0].value refers to env:TRIBUTARY_TEST_UNSET") ?? false)
    }

    @Test func `a set variable is read`() throws {
        setenv("TRIBUTARY_TEST_SET", "value", 1)
        let reference = SecretReference(place: .env("TRIBUTARY_TEST_SET"), keyPath: "k")
        #expect(try reference.resolve() == Array("value".utf8))
        #expect(reference.environmentVariable == "TRIBUTARY_TEST_SET")
    }

    @Test(arguments: [
        ("a", "a"), ("a\n", "a"), ("a\r\n", "a"), (" a b \n", " a b "), ("a\n\n", "a"), ("a\nb\r\n\r\n", "a\nb"),
    ])
    func `the line ends at the end of a file are not part of the secret`(_ text: String, _ secret: String) throws {
        let path = temporaryFile(text)
        defer { unlink(path) }
        #expect(try SecretReference(place: .file(path), keyPath: "k").resolve() == Array(secret.utf8))
    }

    @Test(arguments: [
        ("a\n", "line break"), ("a\r\n", "line break"), ("a ", "space"), ("\ta", "space"), ("\na", "space"),
        ("\u{feff}a", "byte order mark"), ("\"a\"", "quotes"), ("a", nil), ("whsec_YQ==", nil), ("a b", nil),
        ("\n-----BEGIN CERTIFICATE-----\n", nil),
    ])
    func `what a secret has around it without purpose is said, and the secret is not`(value: String, word: String?) {
        let reference = SecretReference(place: .env("NAME"), keyPath: "sources[0].secrets[0].value")
        let warning = reference.warning(about: Array(value.utf8))
        #expect((warning == nil) == (word == nil))
        guard let word else { return }
        #expect(warning?.hasPrefix("sources[0].secrets[0].value (env:NAME) ") == true)
        #expect(warning?.contains(word) == true && warning?.hasSuffix("; it is used as it is") == true)
    }

    @Test func `the configuration says it of every secret that can be read, of whatever stage`() throws {
        setenv("TRIBUTARY_TEST_LINE", "abc\n", 1)
        setenv("TRIBUTARY_TEST_MARK", "\u{feff}YWJj", 1)
        let path = temporaryFile("plain \n")
        defer { unlink(path) }
        let configuration = try TributaryConfiguration.decode(
            """
            sources:
            - { name: a, provider: mux, secrets: [{ value: "env:TRIBUTARY_TEST_LINE" }, { value: "env:NOT_THERE" }] }
            - { name: b, provider: fishjam, path_token: "file:\(path)" }
            subscriptions:
            - { name: c, url: "https://example.com/", signing: { scheme: standard-webhooks, secrets: ["env:TRIBUTARY_TEST_MARK"] } }
            """, file: "/t.yaml")
        #expect(
            configuration.secretWarnings.map { $0.prefix { $0 != " " } } == [
                "sources[0].secrets[0].value", "sources[1].path_token", "subscriptions[0].signing.secrets[0]",
            ])
        #expect(!configuration.secretWarnings.contains { $0.contains("abc") || $0.contains("plain") })
    }

    @Test func `a changed file counts at the next reading`() throws {
        let path = temporaryFile("old")
        defer { unlink(path) }
        let reference = SecretReference(place: .file(path), keyPath: "k")
        #expect(try reference.resolve() == Array("old".utf8))
        let descriptor = open(path, O_WRONLY | O_TRUNC)
        _ = write(descriptor, "new", 3)
        close(descriptor)
        #expect(try reference.resolve() == Array("new".utf8))
    }

    @Test(arguments: [(0o600, false), (0o400, false), (0o640, false), (0o644, true), (0o604, true), (0o602, true)])
    func `a file that others can open is said, with its mode and the way to close it`(_ mode: UInt32, _ isOpen: Bool) {
        let path = temporaryFile("tops3cret")
        defer { unlink(path) }
        #expect(chmod(path, mode) == 0)
        let exposure = SecretReference(place: .file(path), keyPath: "sources[0].secrets[0].value").exposure
        #expect((exposure != nil) == isOpen)
        guard let exposure else { return }
        #expect(exposure.hasPrefix("sources[0].secrets[0].value refers to file:\(path)"))
        #expect(exposure.contains("mode 0\(String(mode, radix: 8))") && exposure.contains("chmod 600 \(path)"))
        #expect(!exposure.contains("tops3cret"))
    }

    @Test func `missing, empty and huge files are refused`() {
        let empty = temporaryFile("\n")
        let huge = temporaryFile(String(repeating: "a", count: 70_000))
        defer {
            unlink(empty)
            unlink(huge)
        }
        for path in [empty, huge, "/nonexistent/secret", "/"] {
            #expect(throws: SecretError.self, "\(path)") {
                try SecretReference(place: .file(path), keyPath: "k").resolve()
            }
        }
    }
}
