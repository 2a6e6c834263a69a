import Testing

@testable import PipelineConfiguration

@Suite struct ConfigurationErrorTests {
    /// A wrong file and all that must be said about it, in the form `line key: sentence`.
    struct WrongFile: CustomTestStringConvertible, Sendable {
        let name: String
        let yaml: String
        let errors: [String]
        var testDescription: String { name }
    }

    @Test(arguments: WrongFiles.all)
    func `everything wrong is said at once, exactly`(_ wrong: WrongFile) {
        let errors = #expect(throws: ConfigurationErrors.self) {
            try TributaryConfiguration.decode(wrong.yaml, file: "/etc/t.yaml")
        }
        let said = errors?.errors.map { "\($0.line) \($0.keyPath): \($0.sentence)" } ?? []
        #expect(said == wrong.errors)
        #expect(errors?.errors.allSatisfy { $0.file == "/etc/t.yaml" } ?? false)
    }

    @Test func `an error reads like a compiler's`() {
        let error = ConfigurationError(file: "t.yaml", line: 3, keyPath: "ingress.listne", sentence: "unknown key")
        #expect(error.description == "t.yaml:3: ingress.listne: unknown key")
    }

    @Test func `a file that cannot be read is one error without a line`() {
        let errors = #expect(throws: ConfigurationErrors.self) {
            try TributaryConfiguration.load("/nonexistent/tributary.yaml")
        }
        #expect(
            errors?.description
                == "/nonexistent/tributary.yaml: cannot be read: No such file or directory; "
                + "name another file with --config")
    }

    @Test func `text that is not YAML names the line`() throws {
        let errors = #expect(throws: ConfigurationErrors.self) {
            try TributaryConfiguration.decode("sources:\n  - name: \"a\n", file: "t.yaml")
        }
        let first = try #require(errors?.errors.first)
        #expect(first.sentence.hasPrefix("not valid YAML"))
        #expect(first.line > 0)
    }

    @Test func `a secret written without a prefix is refused and not repeated`() {
        let yaml = """
            sources:
              - { name: a, provider: fastpix, secrets: [{ value: topsecret }], path_token: "hmac:topsecret" }
            """
        let errors = #expect(throws: ConfigurationErrors.self) {
            try TributaryConfiguration.decode(yaml, file: "t.yaml")
        }
        #expect(errors?.errors.count == 2)
        #expect(errors?.description.contains("topsecret") == false)
    }
}
