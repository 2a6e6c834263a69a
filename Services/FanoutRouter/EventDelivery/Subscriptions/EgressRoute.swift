import Egress
import Executable
import PipelineConfiguration
import StageProcess

/// Where deliveries may go and by what way, with the proxy's password.
struct EgressRoute: Sendable, Equatable {
    private let allow: [String]
    private let allowsHTTP: Bool
    private let proxy: EndpointURL?
    private let username: String
    private let password: [UInt8]

    /// Throws where the password is not to be had.
    init(_ router: RouterConfiguration, _ environment: StageEnvironment) throws(StageFailure) {
        allow = router.egressAllow
        allowsHTTP = router.allowHTTP
        proxy = router.egressProxy?.url
        username = router.egressProxy?.username ?? ""
        password = if let reference = router.egressProxy?.password { try environment.resolve(reference) } else { [] }
    }

    func resolver() -> EgressResolver {
        EgressResolver(
            EgressGuard(allow: allow, allowHTTP: allowsHTTP),
            proxy: proxy.map {
                EgressProxy(host: $0.host, port: $0.port, username: Array(username.utf8), password: password)
            })
    }
}
