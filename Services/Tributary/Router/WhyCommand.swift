import ArgumentParser
import Executable
import JSON
import Primitives

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Says for each subscription whether it took an event, what became of it, and what it waits for.",
        discussion: """
            Examples:
              tributary why 42
              tributary why 0199f7c2-5a0e-7cc3-98c4-dc0c0c07398f --subscription my-app
            """)

    @Argument(help: "The position or id of the event.")
    var event: String

    @Option(help: ArgumentHelp("Only this subscription.", valueName: "name"))
    var subscription: String?

    @Option(help: ArgumentHelp("Where several sources gave the same id: the one that is meant.", valueName: "name"))
    var source: String?

    @OptionGroup var options: RouterOptions

    func run() {
        let path = "/v1/events/\(PercentCoding.encode(event.utf8))/why"
        options.show("GET", StageClient.target(path, [("source", source)])) { WhyText.text($0, only: subscription) }
    }
}
