import Executable
import PipelineConfiguration
import StageProcess

/// A connector as it is to run, its secrets read. Never printed.
struct ConnectorSettings: Sendable, Equatable {
    enum Place: Sendable, Equatable {
        case queue(Queue)
        case fishjam(Server)
    }

    struct Queue: Sendable, Equatable {
        let url: String
        /// Scheme, host and port that requests go to.
        let origin: String
        /// The value of `Host`.
        let host: String
        let region: String
        let accessKeyID: [UInt8]
        let secretAccessKey: [UInt8]
        let sessionToken: [UInt8]?
        let receivers: Int
    }

    struct Server: Sendable, Equatable {
        let url: EndpointURL
        let token: [UInt8]
        let metrics: Bool

        /// The endpoint of Phoenix's socket (fishjam 0.6.3, `lib/fishjam_web/endpoint.ex`).
        var target: String {
            (url.target.hasSuffix("/") ? String(url.target.dropLast()) : url.target) + "/socket/server/websocket"
        }
    }

    let name: String
    let source: String
    /// PEM of the authorities that are trusted in place of the system's.
    let ca: [UInt8]?
    let place: Place
}

extension ConnectorSettings {
    /// Reads the secrets; throws where one cannot be read.
    init(_ configuration: ConnectorConfiguration, _ environment: StageEnvironment) throws(StageFailure) {
        var ca: [UInt8]?
        if let reference = configuration.ca { ca = try environment.resolve(reference) }
        let place: Place
        switch configuration.kind {
        case .sqs:
            let queue = configuration.queue
            guard let credentials = queue.credentials else {
                throw StageFailure(.configuration, "connector \(configuration.name) has no credentials")
            }
            var token: [UInt8]?
            if let reference = credentials.sessionToken { token = try environment.resolve(reference) }
            let address = queue.address
            place = .queue(
                Queue(
                    url: queue.queueURL.text,
                    origin: "\(address.isTLS ? "https" : "http")://\(address.hostHeader)", host: address.hostHeader,
                    region: queue.region, accessKeyID: try environment.resolve(credentials.accessKeyID),
                    secretAccessKey: try environment.resolve(credentials.secretAccessKey), sessionToken: token,
                    receivers: configuration.receivers))
        case .fishjam:
            place = .fishjam(
                Server(
                    url: configuration.url, token: try environment.resolve(configuration.token),
                    metrics: configuration.metrics))
        }
        self.init(name: configuration.name, source: configuration.source, ca: ca, place: place)
    }
}
