import Foundation

/// The openssl command: it makes the certificates of all tests, and speaks TLS as strangers do.
package enum OpenSSL {
    struct Failed: Error {
        let words: String
    }

    /// Writes a certificate and its key, PEM, for two days.
    ///
    /// - Parameters:
    ///   - names: As `subjectAltName` writes them.
    ///   - further: More of `openssl req`'s arguments. Without an authority among them the certificate signs itself.
    package static func makeCertificate(
        _ certificate: String, key: String, names: String = "DNS:localhost", further: [String] = []
    ) throws {
        let made = try run(
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=tests", "-addext", "subjectAltName=\(names)", "-keyout", key, "-out", certificate,
            ] + further)
        guard made.isFine else { throw Failed(words: made.text) }
    }

    /// Runs the command; what it prints and whether it ended well.
    package static func run(_ arguments: [String], input: String = "") throws -> (text: String, isFine: Bool) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        let (reading, writing) = (Pipe(), Pipe())
        process.standardOutput = reading
        process.standardError = reading
        process.standardInput = writing
        try process.run()
        try writing.fileHandleForWriting.write(contentsOf: Array(input.utf8))
        try writing.fileHandleForWriting.close()
        let output = try reading.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (String(decoding: output, as: UTF8.self), process.terminationStatus == 0)
    }
}
