import Foundation
import Testing

/// A folder of a test's own for bodies, secrets and configurations; gone with its owner.
final class CommandFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "tributary-cli-\(UUID().uuidString.prefix(13))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file that nobody else may read and returns its path.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
        try #require(FileManager.default.createFile(atPath: file, contents: Data(bytes), attributes: attributes))
        return file
    }

    func file(_ name: String, _ text: String) throws -> String {
        try file(name, Array(text.utf8))
    }
}
