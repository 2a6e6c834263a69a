internal import CNATS
internal import Glibc
internal import Synchronization

/// One connection to one server of NATS, to publish to JetStream. It never connects again and follows no server that this
/// one names: who made it decides where the next one goes.
///
/// `init`, `publish` and `close` may block and are not to be called at the same time; what the connection says, it says on
/// threads of the library.
package final class NATSConnection: Sendable {
    /// What is to be published.
    package struct Publication: Sendable {
        /// Comes back with the answer.
        package var ticket: UInt64
        package var subject: String
        package var fields: [(name: String, value: String)]
        package var body: [UInt8]

        package init(ticket: UInt64, subject: String, fields: [(name: String, value: String)], body: [UInt8]) {
            (self.ticket, self.subject, self.fields, self.body) = (ticket, subject, fields, body)
        }
    }

    /// What comes from the connection.
    package struct Callbacks: Sendable {
        package var replied: @Sendable (_ ticket: UInt64, NATSReply) -> Void
        /// The server complains, such as of a subject that the user may not publish to.
        package var complained: @Sendable (String) -> Void
        /// The connection is gone. Called once, not after `close`.
        package var closed: @Sendable () -> Void

        package init(
            replied: @escaping @Sendable (_ ticket: UInt64, NATSReply) -> Void,
            complained: @escaping @Sendable (String) -> Void, closed: @escaping @Sendable () -> Void
        ) {
            (self.replied, self.complained, self.closed) = (replied, complained, closed)
        }
    }

    /// The connection and the subscription to its answers, which ends when it is destroyed.
    private struct Handles {
        var connection: OpaquePointer?
        var answers: OpaquePointer?
    }

    private let handles: Mutex<Handles>
    private let registration: UInt
    /// The subject of answers without their ticket.
    private let inbox: String

    package init(_ options: NATSOptions, _ callbacks: Callbacks) throws(NATSError) {
        let registration = CallbackRegistry.add(callbacks, options.login)
        self.registration = registration
        var random = SystemRandomNumberGenerator()
        inbox = "_INBOX.\(random.next()).\(random.next())"
        do throws(NATSError) {
            handles = Mutex(try Self.open(options, registration, answers: "\(inbox).*"))
        } catch {
            CallbackRegistry.remove(registration)
            throw error
        }
    }

    deinit { close() }

    /// Hands it to the connection; the answer comes later, or none, where the connection is lost. The library sends it
    /// within a millisecond.
    package func publish(_ publication: Publication) throws(NATSError) {
        guard let connection = handles.withLock({ $0.connection }) else {
            throw NATSError(.lost, "the connection is closed")
        }
        var made: OpaquePointer?
        let body = publication.body
        try NATSError.check(
            body.withUnsafeBytes { bytes in
                natsMsg_Create(
                    &made, publication.subject, "\(inbox).\(publication.ticket)",
                    bytes.bindMemory(to: CChar.self).baseAddress, Int32(clamping: bytes.count))
            }, "the event cannot be published")
        defer { natsMsg_Destroy(made) }
        for (name, value) in publication.fields {
            try NATSError.check(natsMsgHeader_Set(made, name, value), "the header field \(name) cannot be set")
        }
        try NATSError.check(natsConnection_PublishMsg(connection, made), "not published")
    }

    package func close() {
        CallbackRegistry.remove(registration)
        let closing = handles.withLock { handles in
            defer { handles = Handles() }
            return handles
        }
        guard let connection = closing.connection else { return }
        natsConnection_Close(connection)
        natsSubscription_Destroy(closing.answers)
        natsConnection_Destroy(connection)
    }

    // MARK: Opening

    private static func open(
        _ options: NATSOptions, _ registration: UInt, answers: String
    ) throws(NATSError) -> Handles {
        var made: OpaquePointer?
        try NATSError.check(natsOptions_Create(&made), "out of memory")
        defer { natsOptions_Destroy(made) }
        try apply(options, registration, to: made)
        var handles = Handles()
        try NATSError.check(
            natsConnection_Connect(&handles.connection, made), "\(options.address):\(options.port)")
        let status = natsConnection_Subscribe(
            &handles.answers, handles.connection, answers,
            { _, _, answer, closure in CallbackRegistry.reply(answer, closure) },
            UnsafeMutableRawPointer(bitPattern: registration))
        guard status == NATS_OK else {
            natsConnection_Destroy(handles.connection)
            throw NATSError(status, "answers cannot be received")
        }
        natsSubscription_SetPendingLimits(handles.answers, -1, -1)
        return handles
    }

    private static func apply(
        _ options: NATSOptions, _ registration: UInt, to made: OpaquePointer?
    ) throws(NATSError) {
        let closure = UnsafeMutableRawPointer(bitPattern: registration)
        let host = options.address.contains(":") ? "[\(options.address)]" : options.address
        var statuses = [
            natsOptions_SetURL(made, "\(options.tls == nil ? "nats" : "tls")://\(host):\(options.port)"),
            natsOptions_SetName(made, options.name),
            natsOptions_SetTimeout(made, options.timeoutMilliseconds),
            natsOptions_SetWriteDeadline(made, options.timeoutMilliseconds),
            natsOptions_SetAllowReconnect(made, false),
            natsOptions_SetIgnoreDiscoveredServers(made, true),
            // A server that is gone without a word is noticed within fifteen seconds.
            natsOptions_SetPingInterval(made, 5000),
            natsOptions_SetMaxPingsOut(made, 2),
            natsOptions_SetClosedCB(made, { _, closure in CallbackRegistry.closed(closure) }, closure),
            natsOptions_SetErrorHandler(
                made, { connection, _, status, closure in CallbackRegistry.complain(connection, status, closure) },
                closure),
        ]
        switch options.login {
        case .none: break
        case .user(let name, let password): statuses.append(natsOptions_SetUserInfo(made, name, password))
        case .token(let token): statuses.append(natsOptions_SetToken(made, token))
        case .nkey(let publicKey, _):
            statuses.append(
                natsOptions_SetNKey(
                    made, publicKey, { CallbackRegistry.sign($1, $2, nonce: $3, $4) }, closure))
        case .credentials:
            statuses.append(
                natsOptions_SetUserCredentialsCallbacks(
                    made, { jwt, _, closure in CallbackRegistry.token(jwt, closure) }, closure,
                    { CallbackRegistry.sign($1, $2, nonce: $3, $4) }, closure))
        }
        for status in statuses { try NATSError.check(status, "an option is not taken") }
        guard let tls = options.tls else { return }
        try NATSError.check(natsOptions_SetSecure(made, true), "TLS cannot be set up")
        try NATSError.check(natsOptions_SetExpectedHostname(made, options.serverName), "TLS cannot be set up")
        if let ca = tls.ca {
            try NATSError.check(natsOptions_SetCATrustedCertificates(made, ca), "ca holds no certificate in PEM")
        }
        if let certificate = tls.certificate, let key = tls.key {
            try NATSError.check(
                natsOptions_SetCertificatesChain(made, certificate, key), "certificate and key do not belong together")
        }
    }
}
