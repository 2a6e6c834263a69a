import ArgumentParser
import Executable

/// The operator's command line.
@main
struct TributaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tributary",
        abstract: "Operates a Tributary: checks its configuration, explains webhooks, looks into its event log.",
        discussion: """
            Examples:
              tributary check                       is the configuration right?
              tributary send stream call.created    send one signed sample webhook
              tributary send --list                 every source and type to send
              tributary verify --source stream --headers-file head.txt < body.json
                                                    is it genuine; if not, why not?
              tributary normalise --source stream < body.json
                                                    what events it becomes
              tributary types                       every type of event
              tributary events --type recording.ready    what was received
              tributary events 42                   one event, its way, its deliveries
              tributary listen 3000                 events as they come, at a local port
              tributary why 42                      who got it, who did not, and why
              tributary subscriptions               how far each subscriber is
              tributary attempts --subscription my-app   what its endpoint answered
              tributary dead-letters replay --subscription my-app --all
              tributary quarantine list             what was refused, and why
              tributary reprocess --from bug.tap    what bus-tap recorded elsewhere
              tributary log check DIR               is a commit log whole?
              tributary keys generate verifier.key  a key pair for links between hosts
              tributary status                      what runs, and why what does not
              tributary doctor                      what keeps it from working?
              tributary top                         a live table of the stages
              tributary metrics                     all metrics as one Prometheus text
              tributary scale normaliser 4          run so many of a stage

            The configuration is --config, else what TRIBUTARY_CONFIG names. What looks
            into a pipeline asks the one of the configuration on its admin sockets, as it
            was accepted there, or with --api URL a router elsewhere, with the token in
            TRIBUTARY_API_TOKEN.

            Exit codes: 1 refused, 3 nothing runs, 64 wrong usage, 69 the stage does not
            run, 77 not permitted, 78 wrong configuration.
            """,
        version: TributaryVersion.current,
        subcommands: [
            CheckCommand.self, ConfigCommand.self, SendCommand.self, VerifyCommand.self, NormaliseCommand.self,
            TypesCommand.self, EventsCommand.self, ListenCommand.self, WhyCommand.self, SubscriptionsCommand.self,
            AttemptsCommand.self, DeadLettersCommand.self, ReplayCommand.self, QuarantineCommand.self,
            ReprocessCommand.self, StatsCommand.self, TokenCommand.self, KeysCommand.self, LogCommand.self,
            BackupCommand.self, RestoreCommand.self, DoctorCommand.self, StatusCommand.self, LogsCommand.self,
            TopCommand.self, MetricsCommand.self, ScaleCommand.self, RestartCommand.self, ReloadCommand.self,
            DownCommand.self, AwaitReadyCommand.self, PlanCommand.self, FollowBacklogCommand.self,
        ])
}
