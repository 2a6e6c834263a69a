package import Wire
internal import ZeroMQ

/// Where the sockets of stages on several hosts listen, and the keys by which those know each other.
package struct Topology: Sendable {
    /// `host:port` of each instance's sockets.
    let addresses: [String: [RunDirectory.SocketName: String]]
    /// Nil: whoever reaches a socket may read and write.
    let keys: LinkKeys?

    package init(addresses: [String: [RunDirectory.SocketName: String]], keys: LinkKeys?) {
        (self.addresses, self.keys) = (addresses, keys)
    }

    /// Says who may connect to the sockets of an instance; nil where anybody may.
    func allowList(_ context: Context, of role: StageRole) throws(ZeroMQError) -> AllowList? {
        guard let keys else { return nil }
        func names(_ roles: [StageRole]) -> [String: String] {
            Dictionary(roles.map { (keys.others[$0] ?? "", $0.description) }) { first, _ in first }
        }
        return try AllowList(
            context,
            [
                RunDirectory.SocketName.out.rawValue: names(StageRole.allCases.filter { $0.upstream == role }),
                RunDirectory.SocketName.control.rawValue: names(StageRole.allCases.filter { $0 != .ingress }),
            ])
    }

    func prepareListener(_ socket: Socket, _ name: RunDirectory.SocketName) throws(ZeroMQError) {
        try socket.expectHeartbeats()
        if let keys { try socket.authenticate(with: keys.own, domain: name.rawValue) }
    }

    func prepareConnection(_ socket: Socket, to role: StageRole) throws(ZeroMQError) {
        try socket.expectHeartbeats()
        if let keys, let other = keys.others[role] { try socket.authenticate(with: keys.own, to: other) }
    }
}

/// The keys of one process: its own pair and the public keys of every role.
package struct LinkKeys: Sendable {
    let own: CurveKeys
    let others: [StageRole: String]

    /// Nil where `secretKey` does not belong to the public key of `role`, or where that of a role is missing.
    package init?(of role: StageRole, secretKey: String, publicKeys: [StageRole: String]) {
        guard let own = CurveKeys(secretKey: secretKey), publicKeys[role] == own.publicKey,
            publicKeys.count == StageRole.allCases.count
        else { return nil }
        (self.own, others) = (own, publicKeys)
    }
}
