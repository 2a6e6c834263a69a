import Foundation

/// A certificate and its key in PEM files, good for two days: the one maker of certificates for all tests. It runs the
/// openssl command.
package struct TestCertificate {
    /// The path of `<name>.pem`.
    package let certificate: String
    /// The path of `<name>.key`, the key on an elliptic curve.
    package let key: String

    /// Makes the two files anew in `folder`, with `name` as the common name. Throws what openssl says.
    ///
    /// - `alternativeName`: as `subjectAltName` writes it.
    /// - `authority`: who signs it; it signs itself where there is none.
    package init(
        _ name: String, in folder: String, for alternativeName: String? = "DNS:localhost",
        signedBy authority: TestCertificate? = nil, serial: Int? = nil
    ) throws {
        (certificate, key) = ("\(folder)/\(name).pem", "\(folder)/\(name).key")
        var arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=\(name)", "-keyout", key, "-out", certificate,
        ]
        if let alternativeName { arguments += ["-addext", "subjectAltName=\(alternativeName)"] }
        if let serial { arguments += ["-set_serial", String(serial)] }
        if let authority {
            arguments += ["-CA", authority.certificate, "-CAkey", authority.key]
            arguments += ["-addext", "basicConstraints=critical,CA:FALSE"]
        }
        let openssl = Process()
        let said = Pipe()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = arguments
        openssl.standardError = said
        try openssl.run()
        let words = try said.fileHandleForReading.readToEnd() ?? Data()
        openssl.waitUntilExit()
        guard openssl.terminationStatus == 0 else {
            throw TestCertificateError(sentence: "openssl req failed: \(String(decoding: words, as: UTF8.self))")
        }
    }
}

/// What openssl said against it.
package struct TestCertificateError: Error {
    package let sentence: String
}
