package import EventDelivery
package import Logging
package import StageMetrics

/// The control API: the one table of what operators can ask the router. The admin socket and the TCP listener serve
/// it (`APIDispatcher`), the document describes it (`OpenAPIDocument`).
package struct RouterAPI: Sendable {
    let stage: RouterStage
    let push: PushService
    let reports: PipelineReports
    /// Who may watch; nil where nobody needs a token.
    let tokens: APITokens?
    /// When the router began, by the monotonic clock.
    let startedNanoseconds = monotonicNanoseconds()

    /// `tokens`: what a WebSocket's first message may bring.
    package init(_ stage: RouterStage, tokens: APITokens? = nil) {
        self.tokens = tokens
        push = PushService(stage)
        reports = PipelineReports(stage.pushLoop, runDirectory: stage.runDirectory)
        self.stage = stage
    }

    /// All operations, in the order in which the document lists them. Reading it costs a whole document; the dispatcher does
    /// so once.
    var operations: [APIOperation] {
        let described =
            subscriptionOperations + eventOperations + pushOperations + attemptOperations + deadLetterOperations
            + replayOperations
            + quarantineOperations + routerOperations
        return [Self.documentOperation(describing: described)] + described
    }

    /// What `components/schemas` holds; the names are unique.
    static var schemas: [(String, APISchema)] {
        subscriptionSchemas + eventSchemas + pushSchemas + attemptSchemas + deadLetterSchemas + replaySchemas
            + quarantineSchemas
            + routerSchemas + [("Problem", APIProblem.schema)]
    }
}

extension APIDispatcher {
    package init(_ api: RouterAPI, registry: MetricRegistry, logger: Logger) {
        self.init(operations: api.operations, schemas: RouterAPI.schemas, registry: registry, logger: logger)
    }
}
