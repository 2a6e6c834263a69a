import Foundation
import NIOSSL
import TestCertificates

@testable import EventDelivery

/// Makes certificates that it signs, in a folder that is its own.
final class CertificateAuthority {
    private let folder: URL
    /// Its own certificate, PEM.
    let certificate: [UInt8]

    struct Identity {
        let certificate: [UInt8]
        let key: [UInt8]
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ca-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try OpenSSL.makeCertificate(folder.path + "/ca.pem", key: folder.path + "/ca.key", names: "DNS:authority")
        certificate = try Self.text(folder.appendingPathComponent("ca.pem"))
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// A certificate for that name, as `subjectAltName` writes it, and its key.
    func identity(_ alternativeName: String) throws -> Identity {
        try OpenSSL.makeCertificate(
            folder.path + "/leaf.pem", key: folder.path + "/leaf.key", names: alternativeName,
            further: [
                "-CA", folder.path + "/ca.pem", "-CAkey", folder.path + "/ca.key", "-subj", "/CN=leaf",
                "-addext", "basicConstraints=critical,CA:FALSE",
            ])
        return Identity(
            certificate: try Self.text(folder.appendingPathComponent("leaf.pem")),
            key: try Self.text(folder.appendingPathComponent("leaf.key")))
    }

    /// For a server of that name, which may ask its clients for a certificate of this authority.
    func server(_ alternativeName: String, asksForCertificate: Bool = false) throws -> NIOSSLContext {
        let identity = try identity(alternativeName)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(identity.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: identity.key, format: .pem)))
        if asksForCertificate {
            configuration.certificateVerification = .noHostnameVerification
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(certificate))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    /// Without the final line feed, as references of the configuration are read.
    private static func text(_ file: URL) throws -> [UInt8] {
        let bytes = Array(try Data(contentsOf: file))
        return bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes
    }
}
