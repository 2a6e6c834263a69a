import EventLog
import Executable
import NIOCore
import PipelineConfiguration
import StageProcess
import Wire

/// What the router does with one kind of destination; the fields of its configuration conform to it in the folder of the
/// kind.
protocol DestinationKind: DestinationConfiguration {
    /// Everything that an attempt may come to.
    static var outcomes: [AttemptEnd] { get }
    /// Reads what the fields refer to, signing secrets apart. Blocks. Throws where something is not there or does not fit.
    func resources(of subscription: String, _ environment: StageEnvironment) throws(StageFailure) -> (any Sendable)?

    /// Why a subscription of the control API may not have it; nil where it may.
    func apiRefusal(by router: RouterConfiguration) -> (key: String, sentence: String)?

    /// Throws where something is missing that only deliveries would notice. Blocks.
    func check(_ context: DestinationContext) throws

    /// The destination, on the event loop of its lane. What it can go on with of the `former` one of its subscription, such
    /// as connections, it takes over. Throws where `check` would have.
    func destination(
        _ context: DestinationContext, on loop: any EventLoop, former: (any Destination)?
    ) throws -> any Destination
}

extension DestinationKind {
    func resources(of subscription: String, _ environment: StageEnvironment) throws(StageFailure) -> (any Sendable)? {
        nil
    }
    func apiRefusal(by router: RouterConfiguration) -> (key: String, sentence: String)? { refusal(by: router) }
}

/// What a destination is made with beside its own fields.
struct DestinationContext {
    /// The secrets that sign now, newest first.
    let secrets: [[UInt8]]
    /// What `DestinationKind.resources` gave.
    let resources: (any Sendable)?
    /// Makes the ids of two logs differ.
    let lineage: LogLineage
    let router: RouterConfiguration
    /// Is told when the certificate of the other side ends to count, seconds since 1970, with each connection.
    let certificateSeen: (Int) -> Void
    /// The way out to the network; another object after the configuration of the way has changed.
    let egress: EgressResolver
}

extension DestinationRegistry {
    /// As the router knows them; a test holds that it knows all.
    static var delivering: [any DestinationKind.Type] { all.compactMap { $0 as? any DestinationKind.Type } }

    /// The words of all kinds, each once.
    package static let outcomes: [AttemptEnd] = delivering.flatMap { $0.outcomes }.reduce(into: []) { words, word in
        if !words.contains(word) { words.append(word) }
    }
}

extension SubscriptionConfiguration {
    /// Its destination as the router knows it.
    var kind: any DestinationKind {
        guard let kind = destination as? any DestinationKind else {
            preconditionFailure("every kind of the registry conforms to DestinationKind")
        }
        return kind
    }
}
