import Executable
import Glibc

/// Asks the person at the terminal before something that cannot be undone.
struct Question: Sendable {
    /// The answer as it was typed; nil where nobody can be asked.
    let answer: @Sendable (String) -> String?

    static let atTerminal = Question { text in
        guard isatty(0) == 1 else { return nil }
        StandardError.write("\(text) [y/N] ")
        return readLine() ?? ""
    }

    /// Whether the answer is yes. Fails with 64 where nobody can be asked.
    func ask(_ text: String) throws(StageFailure) -> Bool {
        guard let answer = answer(text) else {
            throw StageFailure(.usage, "\(text) there is no terminal to ask at; say so with --yes")
        }
        return ["y", "yes"].contains(answer.lowercased())
    }
}
