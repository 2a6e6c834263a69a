import ArgumentParser
import StageRuntime

/// The operator's command line.
@main
struct TributaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tributary",
        abstract: "Operates a Tributary: checks its configuration, sends samples, looks into its event log.",
        discussion: """
            Examples:
              tributary check                                  is the configuration right?
              tributary send stream call.created               send one signed sample webhook
              tributary events --type recording.ready          what was received
              tributary events 42                              one event, its way and its deliveries
              tributary dead-letters replay --subscription my-app --all
              tributary quarantine list                        what was refused, and why
              tributary subscriptions                          how far each subscriber is

            Exit codes: 64 wrong usage, 69 the stage does not run, 78 wrong configuration.
            """,
        version: TributaryVersion.current,
        subcommands: [
            CheckCommand.self, ConfigCommand.self, SendCommand.self, EventsCommand.self, DeadLettersCommand.self,
            QuarantineCommand.self, SubscriptionsCommand.self,
        ])
}
