import Executable
import JSON

/// The supervisor of this host, asked at its control socket; `scripts/supervision/service.py` answers there.
struct SupervisorClient {
    private static let hungSeconds = 10

    let runDir: String

    /// The result of a command; nil where no supervisor runs. Fails with 69 where it says nothing for 10 s, with 77 where
    /// this user may not ask, otherwise as the supervisor does. `say`: gets what it says while it works, however long
    /// that takes.
    func ask(
        _ command: String, _ arguments: [(String, JSONText)] = [], say: ((String) -> Void)? = nil
    ) throws(StageFailure) -> JSONValue? {
        guard let socket = try UnixSocket("\(runDir)/supervisor.sock", timeoutSeconds: Self.hungSeconds) else {
            return nil
        }
        let request = JSONText.object([("command", .string(command))] + arguments)
        let answer: JSONValue?
        do throws(StageFailure) {
            answer = try socket.exchange(request.text) { said in
                guard said["said"] != .null else { return true }
                if let say {
                    socket.waitForAnyTime()
                    if !said["said"].text.isEmpty { say(said["said"].text) }
                }
                return false
            }
        } catch {
            throw StageFailure(
                .unavailable,
                "the supervisor has not answered for \(Self.hungSeconds) s; kill it if it hangs (the stages stay) and "
                    + "start it again.")
        }
        if let failure = answer?["failure"], failure != .null {
            let status = (answer?["exit_code"].integer).flatMap { ExitStatus(rawValue: Int32(truncatingIfNeeded: $0)) }
            throw StageFailure(status ?? .unavailable, failure.text)
        }
        if answer == nil, say != nil {
            throw StageFailure(
                .failure, "the supervisor ended before it answered; its last words stand in supervisor.log.")
        }
        return answer?["result"]
    }
}
