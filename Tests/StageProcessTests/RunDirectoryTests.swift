import Foundation
import Testing

@testable import PipelineConfiguration

@Suite struct RunDirectoryTests {
    @Test(
        arguments: [
            ("run_dir: ../run  # here\nsources: [", "/tmp/run"), ("a: {\nrun_dir: '/r d'", "/r d"),
            ("run_dir: \"r\\u0020d\"\n:", "/tmp/FOLDER/r d"), (#"{"data_dir": "d", "run_dir": "/x", oops"#, "/x"),
            ("sources: [\n  run_dir: no", "/tmp/FOLDER/run"), ("", "/tmp/FOLDER/run"),
        ])
    func `the run directory is found in a file that is wrong elsewhere`(text: String, found: String) throws {
        let name = "tributary-run-dir-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: "/tmp/\(name)", withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: "/tmp/\(name)") }
        let file = "/tmp/\(name)/t.yaml"
        try #require(FileManager.default.createFile(atPath: file, contents: Data(text.utf8)))
        #expect(TributaryConfiguration.runDir(namedIn: file) == found.replacing("FOLDER", with: name))
        #expect(TributaryConfiguration.runDir(namedIn: file + ".none") == nil)
    }
}
