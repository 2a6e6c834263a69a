import Foundation

/// The providers' sample bodies.
enum SampleFiles {
    /// The bytes of a file; none where it is not there.
    static func bytes(_ path: String) -> [UInt8] {
        let url = Bundle.module.resourceURL?.appendingPathComponent("Samples/\(path)")
        return url.flatMap { try? Data(contentsOf: $0) }.map { Array($0) } ?? []
    }

    /// Every type of the provider's catalogue.
    static func types(_ provider: String) -> [String] {
        String(decoding: bytes("\(provider)/TYPES.txt"), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
