import Egress
import Executable
import NIOCore
import NIOPosix
import PipelineConfiguration

/// With a topology: whether this host's stages reach the sockets on other hosts that they connect to.
enum LinkFindings {
    private static let timeout = TimeAmount.seconds(2)

    static func of(_ configuration: TributaryConfiguration) -> [Finding] {
        let placement = Placement(configuration)
        let group = MultiThreadedEventLoopGroup.singleton
        let links = placement.links
        // All at once: those behind one firewall would take the time-out one after the other.
        let connections = links.map { link in
            ClientBootstrap(group: group).connectTimeout(timeout)
                .connect(host: link.address.host, port: link.address.port)
        }
        var found = zip(links, connections).map { link, connection in
            let words = "\(link.name) on another host (\(link.address))"
            do {
                try connection.wait().close(promise: nil)
                return Finding(.fine, "", "\(words) can be connected to", code: .link)
            } catch let error as NIOConnectionError where error.connectionErrors.isEmpty {
                let text = "\(words) has no address at present; only one that is not meant to run needs none"
                return Finding(.warning, "", text, code: .link)
            } catch {
                let cause = (error as? NIOConnectionError)?.connectionErrors.first?.error ?? error
                let text = "\(words) cannot be connected to: \(NetworkErrorText.text(cause))"
                return Finding(.error, "", text, code: .link)
            }
        }
        let others = placement.others(besides: Set(links.map(\.name)))
        if !others.isEmpty {
            let names = others.joined(separator: ", ")
            found.append(Finding(.fine, "", "on other hosts, not connected to from here: \(names)", code: .link))
        }
        return found
    }
}
