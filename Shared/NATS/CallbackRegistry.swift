internal import CNATS
internal import Glibc
internal import Synchronization

/// Who is told what the library says, by number: a callback that comes late, from a thread of the library, finds nobody, in
/// place of memory that is gone.
enum CallbackRegistry {
    private struct Entry: Sendable {
        let callbacks: NATSConnection.Callbacks
        let login: NATSOptions.Login
    }

    private static let entries = Mutex<(next: UInt, known: [UInt: Entry])>((1, [:]))

    static func add(_ callbacks: NATSConnection.Callbacks, _ login: NATSOptions.Login) -> UInt {
        entries.withLock { entries in
            defer { entries.next += 1 }
            entries.known[entries.next] = Entry(callbacks: callbacks, login: login)
            return entries.next
        }
    }

    static func remove(_ registration: UInt) { _ = entries.withLock { $0.known.removeValue(forKey: registration) } }

    private static func entry(_ closure: UnsafeMutableRawPointer?) -> Entry? {
        entries.withLock { $0.known[UInt(bitPattern: closure)] }
    }

    /// An answer, whose subject ends in the ticket.
    static func reply(_ answer: OpaquePointer?, _ closure: UnsafeMutableRawPointer?) {
        defer { natsMsg_Destroy(answer) }
        guard let entry = entry(closure), let subject = natsMsg_GetSubject(answer),
            let ticket = UInt64(String(cString: subject).split(separator: ".").last ?? "")
        else { return }
        let length = Int(natsMsg_GetDataLength(answer))
        guard length > 0 || !natsMsg_IsNoResponders(answer) else {
            return entry.callbacks.replied(ticket, .noResponders)
        }
        let bytes = UnsafeRawBufferPointer(start: natsMsg_GetData(answer), count: length)
        entry.callbacks.replied(ticket, NATSReply(Array(bytes)))
    }

    static func complain(_ connection: OpaquePointer?, _ status: natsStatus, _ closure: UnsafeMutableRawPointer?) {
        guard let entry = entry(closure) else { return }
        var text: UnsafePointer<CChar>?
        _ = natsConnection_GetLastError(connection, &text)
        entry.callbacks.complained(String(cString: text ?? natsStatus_GetText(status)))
    }

    static func closed(_ closure: UnsafeMutableRawPointer?) {
        let entry = entries.withLock { $0.known.removeValue(forKey: UInt(bitPattern: closure)) }
        entry?.callbacks.closed()
    }

    /// Signs the server's nonce by the seed; the library frees the signature.
    static func sign(
        _ signature: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, _ length: UnsafeMutablePointer<Int32>?,
        nonce: UnsafePointer<CChar>?, _ closure: UnsafeMutableRawPointer?
    ) -> natsStatus {
        switch entry(closure)?.login {
        case .nkey(_, let seed), .credentials(_, let seed): nats_Sign(seed, nonce, signature, length)
        default: NATS_ILLEGAL_STATE
        }
    }

    /// The user's JWT; the library frees it.
    static func token(
        _ jwt: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?, _ closure: UnsafeMutableRawPointer?
    ) -> natsStatus {
        guard case .credentials(let text, _)? = entry(closure)?.login else { return NATS_ILLEGAL_STATE }
        jwt?.pointee = strdup(text)
        return jwt?.pointee == nil ? NATS_NO_MEMORY : NATS_OK
    }
}
