import Foundation
import Glibc
import Synchronization

/// A subscriber's HTTP server: blocking sockets, one thread per connection. The path `/n` is subscription n. It answers
/// 200 and counts deliveries by event id; below `/9` it is gone (410).
final class Subscriber: Sendable {
    /// What one subscription got.
    struct Ledger: Sendable {
        /// Deliveries by the number in the id.
        var counts: [Int: Int] = [:]
        /// When the first delivery of a number came.
        var firstNanoseconds: [Int: Int64] = [:]
        /// Deliveries of ids without a number.
        var others: [String: Int] = [:]
        var deliveries = 0
        /// The bodies in the order of arrival, where they are kept.
        var bodies: [[UInt8]] = []
    }

    let port: UInt16
    private let listener: Int32
    private let keepsBodies: Bool
    private let ledgers: Mutex<[Ledger]>

    init(subscriptions: Int, keepsBodies: Bool = false) throws {
        self.keepsBodies = keepsBodies
        (listener, port) = try Sockets.listen()
        ledgers = Mutex(Array(repeating: Ledger(), count: subscriptions))
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                Thread.detachNewThread { [weak self] in
                    Self.serve(connection) { self?.count($0) }
                    close(connection)
                }
            }
        }
    }

    /// Ends the accept loop; open connections end with their clients.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// A copy of what a subscription got so far.
    func ledger(_ subscription: Int) -> Ledger { ledgers.withLock { $0[subscription] } }

    /// How many different numbered webhooks a subscription got.
    func distinct(_ subscription: Int) -> Int { ledgers.withLock { $0[subscription].counts.count } }

    /// Whether every subscription got all of these.
    func hasAll(_ numbers: [Int]) -> Bool {
        ledgers.withLock { all in all.allSatisfy { ledger in numbers.allSatisfy { ledger.counts[$0] != nil } } }
    }

    /// Whether every subscription got this id, which has no number.
    func hasOther(_ id: String) -> Bool {
        ledgers.withLock { all in all.allSatisfy { $0.others[id] != nil } }
    }

    /// `request` is a whole request.
    private func count(_ request: UnsafeRawBufferPointer) {
        // The path's digit follows "POST /"; the event's id is the first member of that name.
        let subscription = Int(request[6]) - 0x30
        guard let start = Bytes.find("\"id\":\"", in: request).map({ $0 + 6 }) else { return }
        let id = String(decoding: request[start...].prefix { $0 != 0x22 }, as: UTF8.self)
        let now = monotonicNanoseconds()
        ledgers.withLock { all in
            guard all.indices.contains(subscription) else { return }
            all[subscription].deliveries += 1
            if keepsBodies, let head = Bytes.find("\r\n\r\n", in: request) {
                all[subscription].bodies.append(Array(request[(head + 4)...]))
            }
            if let number = SignedWebhook.number(id) {
                let before = all[subscription].counts[number, default: 0]
                all[subscription].counts[number] = before + 1
                if before == 0 { all[subscription].firstNanoseconds[number] = now }
            } else {
                all[subscription].others[id, default: 0] += 1
            }
        }
    }

    private static func answer(_ status: String) -> [UInt8] {
        Array("HTTP/1.1 \(status)\r\nContent-Length: 0\r\n\r\n".utf8)
    }

    /// Reads requests until the client closes.
    private static func serve(_ connection: Int32, _ count: (UnsafeRawBufferPointer) -> Void) {
        let (fine, gone) = (answer("200 OK"), answer("410 Gone"))
        let sizeBytes = 2 << 20
        let base = UnsafeMutableRawPointer.allocate(byteCount: sizeBytes, alignment: 16)
        defer { base.deallocate() }
        var filled = 0
        while true {
            if let head = Bytes.find("\r\n\r\n", in: UnsafeRawBufferPointer(start: base, count: filled)) {
                let length = Bytes.contentLength(of: UnsafeRawBufferPointer(start: base, count: head)) ?? 0
                let whole = head + 4 + length
                if filled >= whole {
                    count(UnsafeRawBufferPointer(start: base, count: whole))
                    let answer = base.load(fromByteOffset: 6, as: UInt8.self) == UInt8(ascii: "9") ? gone : fine
                    memmove(base, base + whole, filled - whole)
                    filled -= whole
                    guard send(connection, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else {
                        return
                    }
                    continue
                }
            }
            let received = recv(connection, base + filled, sizeBytes - filled, 0)
            guard received > 0 else { return }
            filled += received
        }
    }
}
