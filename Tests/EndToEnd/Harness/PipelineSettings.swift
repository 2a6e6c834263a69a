/// What differs between the pipelines of the tests.
struct PipelineSettings {
    var verifiers = 1
    var normalisers = 2
    /// Two by default, both for everything.
    var subscriptions = 2
    /// How many more the subscriber counts for, which the test makes itself.
    var furtherSubscriptions = 0
    /// Added to the ingress' part.
    var ingress = ""
    /// Where the verifier finds Stream's secret.
    var streamSecret = "literal:\(SignedWebhook.streamSecret)"
    /// Added to the router's part.
    var router = ""
    /// The list of sources instead of Stream and FastPix with the secrets of `SignedWebhook`.
    var sources: String?
    /// Whether the subscriber keeps what it gets.
    var keepsBodies = false
    /// Fault switches and what else the stages shall see.
    var environment: [String: String] = [:]

    /// The configuration file.
    func yaml(ingressPort: UInt16, subscriberPort: UInt16) -> String {
        var text = """
            run_dir: run
            data_dir: data
            ingress: { listen: "127.0.0.1:\(ingressPort)"\(ingress.isEmpty ? "" : ", ")\(ingress) }
            verifier: { instances: \(verifiers) }
            normaliser: { instances: \(normalisers) }
            router: { egress_allow: ["127.0.0.0/8"]\(router.isEmpty ? "" : ", ")\(router) }

            """
        text +=
            sources ?? """
                sources:
                  - name: stream
                    provider: stream
                    secrets: [{ id: \(SignedWebhook.streamKey), value: "\(streamSecret)" }]
                  - name: fastpix
                    provider: fastpix
                    secrets: [{ value: "literal:\(SignedWebhook.fastPixSecret)" }]

                """
        let waits = Array(repeating: "500ms", count: 60).joined(separator: ", ")
        if subscriptions > 0 { text += "subscriptions:\n" }
        for number in 0..<subscriptions {
            text += """
                  - name: subscriber-\(number)
                    url: "http://127.0.0.1:\(subscriberPort)/\(number)"
                    signing: { scheme: standard-webhooks, secrets: ["literal:whsec_dGVzdCBzZWNyZXQgb2YgYSB0ZXN0"] }
                    retry: { schedule: [\(waits)], timeout: 10s }

                """
        }
        return text
    }
}
