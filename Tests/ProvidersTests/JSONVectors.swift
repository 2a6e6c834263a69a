import Foundation
import JSON

/// The files under `Vectors`.
enum JSONVectors {
    /// Texts and their canonical form: `numbers` (RFC 8785, appendix B), `rfc` (its sections 3.2.2 and 3.2.3), and
    /// `random`, on which three other implementations agree.
    static func canonical() throws -> [String: [Pair]] {
        try JSONDecoder().decode([String: [Pair]].self, from: contents("CanonicalJSON.json"))
    }

    struct Pair: Decodable {
        let input: String
        let canonical: String
    }

    private static func contents(_ name: String) throws -> Data {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil) else {
            throw CocoaError(.fileNoSuchFile)
        }
        return try Data(contentsOf: folder.appendingPathComponent(name))
    }
}
