import Glibc
import VerificationSchemes

/// Where a secret is to be found. The secret itself is never kept here and never printed.
package struct SecretReference: Sendable, CustomStringConvertible {
    package enum Place: Sendable, Equatable {
        /// The name of an environment variable.
        case env(String)
        /// An absolute path; the line ends at its end are not part of the secret.
        case file(String)
        /// The secret itself; allowed only while the ingress listens on loopback.
        case literal(String)
    }

    package let place: Place
    /// The key of the configuration that holds the reference, for errors.
    package let keyPath: String

    package init(place: Place, keyPath: String) {
        self.place = place
        self.keyPath = keyPath
    }

    /// `env:NAME` or `file:PATH`; of a literal only that it is one.
    package var description: String {
        switch place {
        case .env(let name): "env:\(name)"
        case .file(let path): "file:\(path)"
        case .literal: "literal:…"
        }
    }

    /// The variable that must be passed to the stage, if the secret is in one.
    package var environmentVariable: String? {
        if case .env(let name) = place { name } else { nil }
    }

    /// Reads the secret, each time anew, so that a changed file counts after a SIGHUP. Never empty.
    package func resolve() throws(SecretError) -> [UInt8] {
        switch place {
        case .literal(let text): return Array(text.utf8)
        case .env(let name):
            guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else {
                throw SecretError(
                    code: "secret_not_set",
                    sentence: "\(keyPath) refers to env:\(name), but the environment variable \(name) is not set; "
                        + "set it or refer to file:PATH")
            }
            return Array(value.utf8)
        case .file(let path):
            return try read(path)
        }
    }

    /// A sentence about a value that is probably not what was meant, for logs; nil where nothing seems wrong. PEM texts,
    /// whose reader minds no blanks, are left alone.
    package func warning(about value: [UInt8]) -> String? {
        guard let mistake = SecretMistake.found(in: value), mistake != .prefixed,
            value.firstRange(of: Array("-----BEGIN".utf8)) == nil
        else { return nil }
        return "\(keyPath) (\(self)) \(mistake.sentence); it is used as it is"
    }

    /// Who else may read the file of the secret, as a sentence; nil where nobody does, or it is in no file.
    package var exposure: String? {
        guard case .file(let path) = place else { return nil }
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let isOpenToAll = status.st_mode & 0o007 != 0
        let isOpenToGroup = status.st_mode & 0o070 != 0 && status.st_gid != getegid()
        guard isOpenToAll || isOpenToGroup else { return nil }
        let mode = String(status.st_mode & 0o777, radix: 8)
        return
            "\(keyPath) refers to file:\(path), which \(isOpenToAll ? "everybody" : "a group of users") on this machine "
            + "can open (mode 0\(mode)); close it with: chmod 600 \(path)"
    }

    /// Secrets are small; what is larger is the wrong file.
    private static let maxFileBytes = 64 * 1024

    private func read(_ path: String) throws(SecretError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SecretError(
                code: "secret_not_readable",
                sentence: "\(keyPath) refers to file:\(path), which cannot be read: \(String(cString: strerror(errno)))"
            )
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.maxFileBytes + 1)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard (1...Self.maxFileBytes).contains(count) else {
            throw SecretError(
                code: "secret_not_readable",
                sentence: "\(keyPath) refers to file:\(path), which must hold 1 to \(Self.maxFileBytes) bytes")
        }
        bytes.removeLast(bytes.count - count)
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else {
            throw SecretError(code: "secret_not_set", sentence: "\(keyPath) refers to file:\(path), which is empty")
        }
        return bytes
    }
}

/// Why a secret could not be read; it names the key and the place, never the secret.
package struct SecretError: Error, Sendable, CustomStringConvertible {
    /// `secret_not_set` or `secret_not_readable`.
    package let code: String
    package let sentence: String

    package var description: String { sentence }
}
