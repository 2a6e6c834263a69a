import Executable
import PipelineConfiguration

/// Which `Host` a listener answers. On loopback a browser's page could reach it under a name of its own choosing (DNS
/// rebinding), so only names of this machine count there.
struct HostRule: Sendable {
    private let isLoopback: Bool
    /// The host of `router.public_url`, in lower case.
    private let publicHost: String?

    init(listen: ListenAddress, publicURL: String) {
        isLoopback = listen.isLoopback
        publicHost = publicURL.isEmpty ? nil : (try? EndpointURL(publicURL))?.host.lowercased()
    }

    /// `authority` is the `Host` of the request. Throws `misdirected`.
    func check(_ authority: String?) throws(APIProblem) {
        let host = authority.map(Self.host) ?? ""
        if let publicHost, host == publicHost { return }
        if isLoopback {
            if ListenAddress(host: host, port: 0).isLoopback { return }
        } else if publicHost == nil {
            return
        }
        throw APIProblem(
            .misdirected,
            isLoopback
                ? "this listener answers requests to localhost only; router.public_url can name another host"
                : "this listener answers requests to the host of router.public_url only")
    }

    /// In lower case, without port and brackets.
    private static func host(_ authority: String) -> String {
        if authority.hasPrefix("[") {
            let inside = authority.dropFirst().prefix { $0 != "]" }
            return inside.lowercased()
        }
        return authority.prefix { $0 != ":" }.lowercased()
    }
}
