import Glibc
import HTTPFront

extension ListeningSocket {
    /// The first socket that the service manager passes (descriptor 3, as `sd_listen_fds(3)` says), otherwise the
    /// configured address. The variables are removed, so that no child takes them for its own.
    static func choose(host: String, port: Int) -> ListeningSocket {
        let chosen = choose(
            listenFDs: getenv("LISTEN_FDS").map { String(cString: $0) },
            listenPID: getenv("LISTEN_PID").map { String(cString: $0) }, ownPID: getpid(), host: host, port: port)
        if case .inherited(let descriptor) = chosen { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] { unsetenv(name) }
        return chosen
    }

    static func choose(
        listenFDs: String?, listenPID: String?, ownPID: pid_t, host: String, port: Int
    ) -> ListeningSocket {
        guard let count = listenFDs.flatMap({ Int($0) }), count >= 1, let pid = listenPID.flatMap({ pid_t($0) }),
            pid == ownPID
        else { return .bind(host: host, port: port, sharesPort: true) }
        return .inherited(3)
    }
}
