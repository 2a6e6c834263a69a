package import AWS
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Speaks to one queue of Amazon SQS: receives, deletes. Thread-safe; keeps its connections open.
///
/// An error is SQS' own, or has the code `no_answer` where there was none. Nothing is tried again: who calls knows when. A
/// call ends early, with `no_answer`, when its task is cancelled.
package struct SQSClient: Sendable {
    /// Ten messages of the largest size, each byte of them escaped in JSON.
    private static let mostAnswerBytes = 7 * SQSRequest.mostEntries * SQSRequest.mostBytes
    /// For an answer, beside what it waits at the other side.
    private static let timeout = TimeAmount.seconds(15)
    private static let mostConnections = 1024
    /// One for the process: connections that stay open are its.
    private static let shared = client(trusting: nil)

    private static func client(trusting authorities: [NIOSSLCertificate]?) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10)), decompression: .disabled)
        configuration.httpVersion = .http1Only
        configuration.connectionPool.retryConnectionEstablishment = false
        // Every request that waits for messages has one; a queue's deletions must not wait for them.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = mostConnections
        if let authorities {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(authorities)
            configuration.tlsConfiguration = tls
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private let queueURL: String
    private let origin: String
    private let host: String
    private let signature: SignatureV4
    private let http: HTTPClient
    private let clock: @Sendable () -> Int64

    /// `origin`: where requests go, such as `https://sqs.eu-central-1.amazonaws.com`, and `host` the value of its header
    /// field, with the port where that is not the scheme's. `ca`: PEM of the authorities that are trusted in place of the
    /// system's; throws where it holds none. `clock`: seconds since 1970.
    package init(
        queueURL: String, origin: String, host: String, signature: SignatureV4, ca: [UInt8]? = nil,
        clock: @escaping @Sendable () -> Int64
    ) throws {
        self.queueURL = queueURL
        self.origin = origin
        self.host = host
        self.signature = signature
        self.clock = clock
        http = try ca.map { Self.client(trusting: try NIOSSLCertificate.fromPEMBytes($0)) } ?? Self.shared
    }

    /// Closes connections that are its own. Nothing is asked afterwards.
    package func close() async {
        if http !== Self.shared { try? await http.shutdown() }
    }

    /// Up to ten messages; empty where none came within `waitSeconds`.
    package func receive(
        waitSeconds: Int = SQSRequest.longestWaitSeconds, visibleAfterSeconds: Int? = nil
    ) async throws(SQSError) -> [SQSReceipt] {
        let request = SQSRequest.receive(
            from: queueURL, waitSeconds: waitSeconds, visibleAfterSeconds: visibleAfterSeconds)
        return try SQSReceipt.all(try await answer(to: request, within: Self.timeout + .seconds(Int64(waitSeconds))))
    }

    /// Deletes up to ten messages. Says of each handle what came of it; nil: it is deleted.
    package func delete(_ handles: [String]) async throws(SQSError) -> [SQSError?] {
        let body = try await answer(to: .delete(handles, from: queueURL), within: Self.timeout)
        return try SQSBatchAnswer(body, entries: handles.count).errors
    }

    private func answer(to request: SQSRequest, within timeout: TimeAmount) async throws(SQSError) -> [UInt8] {
        let (status, body): (Int, [UInt8])
        do {
            var sent = HTTPClientRequest(url: origin + "/")
            sent.method = .POST
            for (name, value) in request.fields(host: host, signedBy: signature, at: clock()) {
                sent.headers.add(name: name, value: value)
            }
            sent.body = .bytes(request.body)
            let response = try await http.execute(sent, deadline: .now() + timeout)
            status = Int(response.status.code)
            body = Array(try await response.body.collect(upTo: Self.mostAnswerBytes).readableBytesView)
        } catch {
            throw SQSError(code: "no_answer", sentence: "\(host): \(error)", isSenders: false)
        }
        guard status == 200 else { throw SQSError(status: status, body: body) }
        return body
    }
}
