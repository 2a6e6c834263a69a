package import NIOSSL

/// How a subscription speaks TLS: whom it trusts and as whom it comes.
package enum ClientTLS {
    /// The texts are PEM. `ca` replaces the certificates that the system trusts; `certificate` (a chain, the own one
    /// first) and `key` belong together. Throws a sentence part that says which of them is wrong.
    package static func context(
        ca: [UInt8]? = nil, certificate: [UInt8]? = nil, key: [UInt8]? = nil
    ) throws(ClientTLSError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        if let ca { configuration.trustRoots = .certificates(try certificates(ca, "ca")) }
        switch (certificate, key) {
        case (nil, nil): break
        case (let certificate?, let key?):
            configuration.certificateChain = try certificates(certificate, "certificate").map { .certificate($0) }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            } catch {
                throw ClientTLSError("key holds no private key in PEM without a passphrase")
            }
        case (_, nil): throw ClientTLSError("a certificate needs its key")
        case (nil, _): throw ClientTLSError("a key needs its certificate")
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            let isOwn = certificate != nil
            throw ClientTLSError(
                isOwn
                    ? "certificate and key do not belong together"
                    : "TLS cannot be set up: \(NetworkErrorText.text(error))")
        }
    }

    private static func certificates(_ pem: [UInt8], _ what: String) throws(ClientTLSError) -> [NIOSSLCertificate] {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(pem), !certificates.isEmpty else {
            throw ClientTLSError("\(what) holds no certificate in PEM")
        }
        return certificates
    }
}

/// Why a subscription cannot speak TLS as configured.
package struct ClientTLSError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
