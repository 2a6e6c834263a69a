/// A stream of NATS JetStream.
package struct NATSDestinationConfiguration: DestinationConfiguration {
    package static let word = "nats"
    package static let formats = [SubscriptionFormat.cloudevents, .cloudeventsBinary]
    package static let takesBatches = false

    /// One at least; tried in turn until one answers.
    package var servers: [EndpointURL] = []
    package var subject = SubjectTemplate.standard
    package var login: NATSLoginReferences?
    package var timeout = Duration.seconds(15)
    package var tls: SubscriberTLS?

    package init() {}

    package static let table = FieldTable<NATSDestinationConfiguration>(
        { NATSDestinationConfiguration() }, rules: [{ destination, section in check(destination, section) }],
        [
            Field(
                "servers", \.servers,
                .list(
                    of: .url("a URL such as tls://nats.example.com:4222", as: .nats) { _, _ in }, "URLs", least: 1,
                    most: 16),
                "The servers of one cluster, nats or tls; others that these name are not used.", required: expected),
            Field("publish_subject", \.subject, .subject, "Under which subject an event is published."),
            Field(
                "login", optional: \.login, .object(NATSLoginReferences.table), "As whom the server is spoken to.",
                fileOnly: true),
            .timeout(\.timeout),
            .tls(\.tls),
        ])

    private static let expected = "a list of servers such as [\"tls://nats.example.com:4222\"]"

    package var place: String { servers.map(\.text).joined(separator: ", ") }
    package var endpoints: [EndpointURL] { servers }

    package func refusal(by router: RouterConfiguration) -> (key: String, sentence: String)? {
        if router.egressProxy != nil {
            return ("type", "deliveries must pass router.egress_proxy, and the protocol of NATS passes no HTTP proxy")
        }
        return servers.lazy.compactMap { router.plainHTTPRefusal($0) }.first.map { ("servers", $0) }
    }

    private static func check(_ destination: NATSDestinationConfiguration, _ section: Section) {
        guard section.isRight("servers") else { return }
        if destination.servers.isEmpty || destination.servers.contains(where: { $0.target != "/" }) {
            section.report("servers", "expected \(expected), each without a path")
        }
        if section.has("tls"), destination.servers.contains(where: { !$0.isTLS }) {
            section.report("tls", "tls says nothing about a server with nats://; use tls:// or remove tls")
        }
        if !section.decoding.isDocument, let refusal = destination.refusal(by: section.decoding.router) {
            section.report(refusal.key, refusal.sentence)
        }
    }
}

/// Where it is to be found how the router proves itself to a server of NATS; one of the ways.
package struct NATSLoginReferences: Sendable {
    package var username = ""
    package var password: SecretReference?
    package var token: SecretReference?
    /// The public key, `U…`.
    package var nkey = ""
    /// Its private one, `SU…`.
    package var nkeySeed: SecretReference?
    /// A file as `nsc` makes it: the user's JWT and seed.
    package var credentials: SecretReference?

    static let table = FieldTable<NATSLoginReferences>(
        NATSLoginReferences.init, rules: [{ _, section in check(section) }],
        [
            Field("username", \.username, .text("a name"), "Of a user with a password."),
            Field("password", optional: \.password, .secret, "Of that user."),
            Field("token", optional: \.token, .secret, "A token."),
            Field(
                "nkey", \.nkey, .text("a public key such as UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"),
                "The public key of an NKey."),
            Field("nkey_seed", optional: \.nkeySeed, .secret, "The seed of that NKey, SU…."),
            Field("credentials", optional: \.credentials, .secret, "A .creds file: a JWT and its seed."),
        ])

    private static func check(_ section: Section) {
        let ways = [["username", "password"], ["token"], ["nkey", "nkey_seed"], ["credentials"]]
        let begun = ways.filter { $0.contains(where: section.has) }
        if begun.count == 1, begun[0].allSatisfy(section.has) { return }
        section.report("", "expected username and password, token, nkey and nkey_seed, or credentials: one of these")
    }
}
