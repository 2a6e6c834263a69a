import Foundation
import Glibc
import Testing

extension EndToEnd {
    @Suite struct Doctor {
        @Test func `a pipeline is in order while it runs and when it is stopped, and what is broken is named`() throws {
            try Pipeline.with { pipeline in
                let running = try examine(pipeline)
                #expect(running.status == 0, "\(running.troubles)")
                #expect(running.codes.contains("stage") && running.codes.contains("connection"))
                #expect(pipeline.signal("verifier-0", SIGSTOP))
                let hanging = try examine(pipeline)
                pipeline.signal("verifier-0", SIGCONT)
                #expect(hanging.status == 1 && hanging.troubles.contains("hang"), "\(hanging.troubles)")
                try pipeline.down()
                let stopped = try examine(pipeline)
                #expect(stopped.status == 0, "\(stopped.troubles)")
            }
        }

        /// Exit status, every code, and those of errors.
        private func examine(_ pipeline: Pipeline) throws -> (status: Int32, codes: Set<String>, troubles: [String]) {
            let run = try pipeline.command("tributary", "doctor", "--json")
            let report = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            let findings = report?["findings"] as? [[String: String]] ?? []
            let errors = findings.filter { $0["severity"] == "error" }
            #expect((report?["ok"] as? Bool) == errors.isEmpty)
            return (run.status, Set(findings.compactMap { $0["code"] }), errors.compactMap { $0["code"] })
        }
    }
}
