import PipelineConfiguration
import Testing

/// The copy of a configuration that a supervisor keeps in the run directory, and starts stages with.
@Suite struct AcceptedCopyTests {
    private static let original =
        "run_dir: ../run\nsources:\n  - { name: a, provider: stream, secrets: [{ id: a, value: \"file:k\" }] }\n"

    private func copy(of text: String) -> String { "# accepted from /etc/tributary/t.yaml\n\(text)" }

    @Test func `a copy means what the file means: its paths start from the file's folder, and it is the same version`()
        throws
    {
        let original = try TributaryConfiguration.decode(Self.original, file: "/etc/tributary/t.yaml")
        let accepted = try TributaryConfiguration.decode(copy(of: Self.original), file: "/etc/run/accepted.yaml")
        #expect(accepted.runDir == "/etc/run")
        #expect(accepted.dataDir == original.dataDir)
        #expect(accepted.sources[0].secrets[0].value.place == original.sources[0].secrets[0].value.place)
        #expect(accepted.fingerprint == original.fingerprint)
        #expect(accepted.file == "/etc/run/accepted.yaml", "which a stage reads again on SIGHUP")
    }

    @Test func `an error in a copy names the file and its line there`() {
        #expect {
            try TributaryConfiguration.decode(copy(of: "sources: []\ningres: {}\n"), file: "/etc/run/accepted.yaml")
        } throws: { error in
            "\(error)".hasPrefix("/etc/tributary/t.yaml:2:")
        }
    }
}
