import Foundation

extension SampleLibrary {
    /// nst/JSONTestSuite, whole: `y_` must be accepted, `n_` refused, `i_` may be either.
    package static func jsonTestSuite() throws -> [SuiteFile] {
        try JSONDecoder().decode(Suite.self, from: contents("json-test-suite.json")).files
    }

    /// One file of the suite.
    package struct SuiteFile: Decodable, Sendable {
        package let name: String
        private let base64: Data
        /// How often these bytes stand in a row, and what follows; absent: once, and nothing.
        private let times: Int?
        private let tail: Data?

        private enum CodingKeys: String, CodingKey {
            case name, base64, times
            case tail = "tail_base64"
        }

        package var bytes: [UInt8] {
            Array(repeatElement(base64, count: times ?? 1).joined()) + (tail ?? Data())
        }
    }

    private struct Suite: Decodable {
        let files: [SuiteFile]
    }
}
