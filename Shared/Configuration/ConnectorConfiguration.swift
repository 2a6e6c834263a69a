package import Executable
import Primitives

/// What fetches the webhooks of a source, in place of waiting for them at the front door or beside it.
package struct ConnectorConfiguration: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// A queue of Amazon SQS into which the provider puts its webhooks.
        case sqs
        /// The notifications of a Fishjam server, over its WebSocket.
        case fishjam
    }

    package var name = ""
    package var source = ""
    package var kind = Kind.sqs
    /// Of `sqs`.
    package var queue = SQSDestinationConfiguration()
    package var receivers = 2
    /// Of `fishjam`.
    package var url = EndpointURL.nowhere
    package var token = SecretReference.nowhere
    package var metrics = false
    /// Whose certificates the other side may have; nil: whom the system trusts.
    package var ca: SecretReference?

    /// The connector holds these secrets, and no other stage does.
    private static let own = [Stage.ingressConnector]

    static let table = FieldTable<ConnectorConfiguration>(
        ConnectorConfiguration.init, rules: [{ connector, section in check(connector, section) }],
        generalFields + queueFields + fishjamFields)

    private static let generalFields: [Field<ConnectorConfiguration>] = [
        Field(
            "name", \.name, .name(unique: "connector"), "For logs and metrics, and in the events about gaps.",
            required: FieldKind.name().expected),
        Field(
            "source", \.source, .name(), "The source whose webhooks it fetches.", required: "the name of a source"),
        Field("type", \.kind, .word, "What it fetches them from.", required: "sqs or fishjam", stages: own),
        Field(
            "ca", optional: \.ca, .secret,
            "PEM of the authorities that the other side's certificate must come from, in place of the system's.",
            stages: own),
    ]

    private static let queueFields: [Field<ConnectorConfiguration>] =
        SQSDestinationConfiguration.table.fields.filter { $0.key != "timeout" }.map { field in
            field.lifted(
                only: sqs, stages: own, get: { (connector: ConnectorConfiguration) in connector.queue },
                set: { $0.queue = $1 })
        } + [
            Field<ConnectorConfiguration>(
                "receivers", \.receivers, .integer(1...16), "How many requests wait for messages at a time.",
                only: sqs, stages: own)
        ]

    private static let fishjamFields: [Field<ConnectorConfiguration>] = [
        Field(
            "url", \.url, .url(serverURL, as: .webSocket) { _, _ in },
            "The Fishjam server; `/socket/server/websocket` is added.", required: serverURL, only: fishjam, stages: own),
        Field(
            "token", \.token, .secret, "The server's API token.", required: "env:NAME or file:PATH", only: fishjam,
            stages: own),
        Field(
            "metrics", \.metrics, .boolean, "Whether its metrics reports are fetched too, about one a second.",
            only: fishjam, stages: own),
    ]

    private static let sqs = OnlyWith("type", "sqs")
    private static let fishjam = OnlyWith("type", "fishjam")
    private static let serverURL = "a URL such as wss://fishjam.example.com"

    private static func check(_ connector: ConnectorConfiguration, _ section: Section) {
        if connector.kind == .sqs { SQSDestinationConfiguration.checkQueue(connector.queue, section) }
        let (key, url) = connector.place
        if section.isRight(key), !url.isTLS, IPAddress(url.host)?.isGlobal == true {
            section.report(key, "credentials go unencrypted only to private addresses; use \(url.schemes.encrypted)://")
        }
        if section.isRight("url"), connector.url.target.contains("?") { section.report("url", "expected \(serverURL)") }
    }

    /// Where it connects to, and the key that says so.
    package var place: (key: String, url: EndpointURL) {
        kind == .fishjam ? ("url", url) : (queue.endpoint == nil ? "queue_url" : "endpoint", queue.address)
    }
}

/// The stage that runs the connectors. Each journal has the budget and the window of an ingress.
package struct ConnectorStageConfiguration: Sendable {
    package var instances = 1
    package var metricsListen: ListenAddress?

    static let table = FieldTable<ConnectorStageConfiguration>(
        ConnectorStageConfiguration.init,
        [
            Field(
                "instances", \.instances, .integer(1...Stage.ingressConnector.mostInstances),
                "How many processes run; each connector belongs to one of them.", effect: .instances),
            Field(
                "metrics_listen", optional: \.metricsListen, .address,
                "Serves /metrics over TCP too; instance n listens n ports above it.", effect: .restart),
        ])
}
