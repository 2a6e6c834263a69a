import Foundation
import Testing

@testable import Tributary

/// The providers' sample bodies with their signatures.
enum SampleFiles {
    /// One body of `INDEX.json` with the headers that belong to it.
    struct Signed: CustomTestStringConvertible, Sendable {
        let provider: String
        let file: String
        let headers: [String: String]
        let secret: [UInt8]
        let secretID: String?
        var testDescription: String { "\(provider)/\(file)" }

        var body: [UInt8] { SampleFiles.bytes("\(provider)/\(file)") }
    }

    static func bytes(_ path: String) -> [UInt8] {
        let url = Bundle.module.resourceURL?.appendingPathComponent("Samples/\(path)")
        return url.flatMap { try? Data(contentsOf: $0) }.map { Array($0) } ?? []
    }

    /// Those bodies of the index that are here.
    static func signed(_ provider: String) -> [Signed] {
        guard let index = JSONReader.read(bytes("\(provider)/INDEX.json")) else { return [] }
        let secret = provider == "stream" ? index["secret"].text : index["secret_base64"].text
        return index["requests"].elements.compactMap { request in
            guard case .object(let headers) = request["headers"] else { return nil }
            let file = request["file"].text
            guard !bytes("\(provider)/\(file)").isEmpty else { return nil }
            return Signed(
                provider: provider, file: file,
                headers: Dictionary(headers.map { ($0.name.lowercased(), $0.value.text) }) { $1 },
                secret: Array(secret.utf8), secretID: provider == "stream" ? index["api_key"].text : nil)
        }
    }

    /// Every type of the provider's catalogue.
    static func types(_ provider: String) -> [String] {
        String(decoding: bytes("\(provider)/TYPES.txt"), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
