internal import CZeroMQ

/// A CURVE key pair (zmq_curve(7)), 40 characters of Z85 each.
package struct CurveKeys: Sendable {
    package let publicKey: String
    package let secretKey: String

    private static let characters = 40

    /// A new random pair.
    package static func generate() throws(ZeroMQError) -> CurveKeys {
        var open = [CChar](repeating: 0, count: characters + 1)
        var secret = open
        guard zmq_curve_keypair(&open, &secret) == 0 else { throw ZeroMQError.last("zmq_curve_keypair") }
        return CurveKeys(publicKey: text(open), secretKey: text(secret))
    }

    private init(publicKey: String, secretKey: String) {
        (self.publicKey, self.secretKey) = (publicKey, secretKey)
    }

    /// The pair that a secret key belongs to; nil where it is not 40 characters of Z85.
    package init?(secretKey: String) {
        var open = [CChar](repeating: 0, count: Self.characters + 1)
        guard secretKey.utf8.count == Self.characters, zmq_curve_public(&open, secretKey) == 0 else { return nil }
        self.init(publicKey: Self.text(open), secretKey: secretKey)
    }

    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension Socket {
    /// Makes a dead network show: a link over which nothing comes for longer than this is closed and made anew. It must be
    /// longer than a busy machine leaves an I/O thread waiting, and shorter than what may be missed of a healed network.
    package func expectHeartbeats() throws(ZeroMQError) {
        try set(ZMQ_HEARTBEAT_IVL, 300)
        try set(ZMQ_HEARTBEAT_TIMEOUT, 1_500)
        try set(ZMQ_HEARTBEAT_TTL, 1_800)
        try set(ZMQ_HANDSHAKE_IVL, 1_500)
        // A lost SYN is repeated by the kernel at growing distances; a new attempt comes sooner.
        try set(ZMQ_CONNECT_TIMEOUT, 500)
        // Each attempt asks for the address of a name, also of an instance that is not there for the time being.
        try set(ZMQ_RECONNECT_IVL_MAX, 500)
    }

    /// Before `bind`: who connects must prove a key that the context's `AllowList` knows under `domain`.
    package func authenticate(with keys: CurveKeys, domain: String) throws(ZeroMQError) {
        try set(ZMQ_CURVE_SERVER, 1)
        try set(ZMQ_CURVE_SECRETKEY, keys.secretKey)
        try set(ZMQ_ZAP_DOMAIN, domain)
        // ZMQ_ZAP_ENFORCE_DOMAIN, a draft in the header; without it a missing handler lets everybody in.
        try set(93, 1)
    }

    /// Before `connect`: the other side must prove that it has the secret of `publicKey`.
    package func authenticate(with keys: CurveKeys, to publicKey: String) throws(ZeroMQError) {
        try set(ZMQ_CURVE_SERVERKEY, publicKey)
        try set(ZMQ_CURVE_PUBLICKEY, keys.publicKey)
        try set(ZMQ_CURVE_SECRETKEY, keys.secretKey)
    }

    private func set(_ option: Int32, _ text: String) throws(ZeroMQError) {
        // A key's terminating zero belongs to it, that of a domain does not (zmq_setsockopt(3)).
        let count = text.utf8.count + (option == ZMQ_ZAP_DOMAIN ? 0 : 1)
        guard zmq_setsockopt(pointer, option, text, count) == 0 else {
            throw ZeroMQError.last("socket option \(option)")
        }
    }
}

/// Answers libzmq's question, for each connection to a socket with a domain, whether its public key is let in: the handler
/// of ZAP (ZeroMQ RFC 27), of which a context has one. Make it before the first of those sockets binds.
package final class AllowList {
    /// Readable when a connection waits for `answer`.
    package let socket: Socket
    private let names: [String: [String: String]]

    /// `names`: domain to public key to what its owner is called on what it sends, `Frame.sender`.
    package init(_ context: Context, _ names: [String: [String: String]]) throws(ZeroMQError) {
        self.names = names
        socket = try context.socket(.reply)
        try socket.bind("inproc://zeromq.zap.01")
    }

    /// Answers everybody that waits.
    package func answer() throws(ZeroMQError) {
        while let question = try socket.receive() {
            let name = name(in: question)
            let verdict = name == nil ? ["400", "key not allowed", ""] : ["200", "OK", name ?? ""]
            let requestID = question.count > 1 ? question[1].copy : []
            let head = [Frame(Array("1.0".utf8)), Frame(requestID)]
            _ = try socket.send(head + (verdict + [""]).map { Frame(Array($0.utf8)) })
        }
    }

    /// A question: version, request id, domain, address, routing id, mechanism, public key of 32 bytes.
    private func name(in question: [Frame]) -> String? {
        guard question.count == 7, text(question[0]) == "1.0", text(question[5]) == "CURVE",
            question[6].byteCount == 32
        else { return nil }
        var key = [CChar](repeating: 0, count: 41)
        zmq_z85_encode(&key, question[6].copy, 32)
        return names[text(question[2])]?[CurveKeys.text(key)]
    }

    private func text(_ frame: Frame) -> String { String(decoding: frame.copy, as: UTF8.self) }
}
