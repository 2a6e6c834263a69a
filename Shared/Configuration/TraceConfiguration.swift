import Executable

/// Where the ways of some webhooks are sent to as traces (OpenTelemetry).
package struct TraceConfiguration: Sendable {
    package var otlp = EndpointURL.nowhere
    /// The share of webhooks, from 0 to 1.
    package var sample = 0.01
    package var authorization: SecretReference?

    static let table = FieldTable<TraceConfiguration>(
        TraceConfiguration.init,
        rules: [
            { trace, section in
                guard section.isRight("sample"), !(0...1).contains(trace.sample) else { return }
                section.report("sample", "expected a number from 0 to 1, found \(trace.sample)")
            },
            { trace, section in
                guard section.isRight("otlp"), trace.otlp.target.contains("?") else { return }
                section.report("otlp", "expected \(url.expected), without a query")
            },
        ],
        [
            Field(
                "otlp", \.otlp, url,
                "The collector, as OTLP over HTTP (protobuf): the router posts to `/v1/traces` below it. Addresses are not "
                    + "checked, as it is the operator's choice.", required: url.expected, stages: [.fanoutRouter]),
            Field(
                "sample", \.sample, .number,
                "The share of webhooks that are traced, from 0 to 1. Of those that come with a sampled trace context the "
                    + "same share; where there is none, the ingress starts one.",
                stages: [.ingressGateway, .ingressConnector, .fanoutRouter]),
            Field(
                "authorization", optional: \.authorization, .secret,
                "The value of the header field Authorization, such as `Bearer …`.", stages: [.fanoutRouter]),
        ])

    private static let url = FieldKind<EndpointURL>.url("a URL such as http://127.0.0.1:4318") { _, _ in }
}
