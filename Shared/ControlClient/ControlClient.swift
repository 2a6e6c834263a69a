internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
package import NIOSSL
import Primitives

/// What commands and tests speak to stages: HTTP/1.1 over an admin socket, or to a host over TCP or TLS; blocking.
///
/// Redirects are not followed and nothing is decompressed: a stage does neither. A certificate must be for the host's name,
/// by one of the authorities given, or where there are none, by one that the system trusts. Not for event loops.
package struct ControlClient: Sendable {
    /// One for the process: connections that stay open are its.
    private static let shared = HTTPClient(
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        configuration: {
            var configuration = HTTPClient.Configuration(
                redirectConfiguration: .disallow, timeout: .init(connect: .seconds(30), read: .seconds(30)),
                decompression: .disabled)
            configuration.httpVersion = .http1Only
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1024
            return configuration
        }())

    /// The socket's path, or the host and the port.
    package let place: String
    private let base: String
    private let isSocket: Bool
    private let keepsAlive: Bool
    private let timeout: TimeAmount?
    private let tls: TLSConfiguration?

    /// The admin socket of a stage. `timeoutSeconds`: for the whole answer; when left out, 30 between any two parts of it.
    package init(socketPath: String, timeoutSeconds: Int? = nil) {
        place = socketPath
        base = "http+unix://" + PercentCoding.encode(socketPath.utf8)
        isSocket = true
        keepsAlive = false
        timeout = timeoutSeconds.map { .seconds(Int64($0)) }
        tls = nil
    }

    /// A host, such as `https://router.example.com:8443`. `caFile`: PEM with the authorities that count. `keepsAlive`:
    /// whether requests may follow one another on a connection. `timeoutSeconds`: as above. Fails where the file holds no
    /// certificate.
    package init(
        _ origin: String, caFile: String? = nil, keepsAlive: Bool = false, timeoutSeconds: Int? = nil
    ) throws(HTTPFailure) {
        place = String(origin[(origin.firstRange(of: "://")?.upperBound ?? origin.startIndex)...])
        base = origin
        isSocket = false
        self.keepsAlive = keepsAlive
        timeout = timeoutSeconds.map { .seconds(Int64($0)) }
        guard origin.hasPrefix("https:") else {
            tls = nil
            return
        }
        tls = try Self.configuration(caFile: caFile)
    }

    /// The same trust for a connection that is not HTTP.
    package static func tls(caFile: String?) throws(HTTPFailure) -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration(caFile: caFile))
        } catch {
            throw error as? HTTPFailure ?? HTTPFailure(.notTrusted, "\(error)")
        }
    }

    private static func configuration(caFile: String?) throws(HTTPFailure) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let caFile {
            guard let roots = try? NIOSSLCertificate.fromPEMFile(caFile), !roots.isEmpty else {
                throw HTTPFailure(.notTrusted, "\(caFile) holds no PEM certificate that can be read")
            }
            tls.trustRoots = .certificates(roots)
        }
        return tls
    }

    /// Asks and waits for the whole answer. `target`: path and query, percent-encoded.
    package func request(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []
    ) throws(HTTPFailure) -> HTTPReply {
        var fields = HTTPHeaders(headers)
        if isSocket { fields.add(name: "Host", value: "localhost") }
        if !keepsAlive { fields.add(name: "Connection", value: "close") }
        if !body.isEmpty, !fields.contains(name: "Content-Type") {
            fields.add(name: "Content-Type", value: "application/json")
        }
        do {
            let content: HTTPClient.Body? = body.isEmpty ? nil : .bytes(body)
            var request = try HTTPClient.Request(
                url: base + target, method: HTTPMethod(rawValue: method), headers: fields, body: content)
            request.tlsConfiguration = tls
            let deadline = timeout.map { NIODeadline.now() + $0 }
            return HTTPReply(try Self.shared.execute(request: request, deadline: deadline).wait())
        } catch {
            throw HTTPFailure(error, place: place)
        }
    }
}

/// An HTTP answer, read completely.
package struct HTTPReply: Sendable {
    package let status: Int
    /// Names in lower case.
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    init(_ response: HTTPClient.Response) {
        status = Int(response.status.code)
        headers = response.headers.map { name, value in
            // Blanks around a value are none of it (RFC 9110, section 5.5).
            let blanks = value.reversed().prefix { $0 == " " || $0 == "\t" }.count
            return (name.lowercased(), String(value.dropLast(blanks)))
        }
        body = response.body.map { Array($0.readableBytesView) } ?? []
    }

    /// The first value of a header; the name in lower case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }

    package var text: String { String(decoding: body, as: UTF8.self) }
}
