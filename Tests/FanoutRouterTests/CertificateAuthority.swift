import Foundation
import NIOSSL
import TestCertificates

@testable import FanoutRouter

/// Signs certificates, in a folder that is its own.
final class CertificateAuthority {
    private let folder: URL
    private let authority: TestCertificate
    /// Its own certificate, PEM.
    let certificate: [UInt8]

    struct Identity {
        let certificate: [UInt8]
        let key: [UInt8]
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("ca-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        authority = try TestCertificate("authority", in: folder.path, for: nil)
        certificate = try Self.text(authority.certificate)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    /// A certificate for that name, as `subjectAltName` writes it, and its key.
    func identity(_ alternativeName: String) throws -> Identity {
        let leaf = try TestCertificate("leaf", in: folder.path, for: alternativeName, signedBy: authority)
        return Identity(certificate: try Self.text(leaf.certificate), key: try Self.text(leaf.key))
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
    private static func text(_ path: String) throws -> [UInt8] {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        return bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes
    }
}
