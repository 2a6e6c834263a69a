import PipelineConfiguration
import Testing

/// Subscriptions of the types sqs and nats.
struct BrokerSubscriptionTests {
    private func read(_ subscription: String, router: String = "{}") throws -> SubscriptionConfiguration {
        let text = "router: \(router)\nsubscriptions: [{ name: a, \(subscription) }]\n"
        return try #require(try TributaryConfiguration.decode(text, file: "/etc/t.yaml").subscriptions.first)
    }

    /// What is wrong, one sentence a line, without place.
    private func errors(_ subscription: String, router: String = "{}") -> [String] {
        do {
            _ = try read(subscription, router: router)
            return []
        } catch let errors as ConfigurationErrors {
            return errors.errors.map { "\($0.keyPath.replacing("subscriptions[0].", with: "")): \($0.sentence)" }
        } catch {
            return ["\(error)"]
        }
    }

    private static let credentials = "credentials: { access_key_id: env:ID, secret_access_key: env:KEY }"

    @Test(arguments: [
        ("https://sqs.eu-central-1.amazonaws.com/1/q", "eu-central-1"),
        ("https://us-west-2.queue.amazonaws.com/1/q", "us-west-2"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1"),
        ("https://vpce-0a.sqs.us-east-1.vpce.amazonaws.com/1/q", "us-east-1"),
        ("https://sqs.eu-west-1.api.aws/1/q", "eu-west-1"),
    ])
    func `the region is that of the queue's host`(_ url: String, _ region: String) throws {
        let read = try read("type: sqs, queue_url: \"\(url)\", \(Self.credentials)")
        #expect((read.destination as? SQSDestinationConfiguration)?.region == region)
    }

    @Test func `a queue needs a region that its host does not name, credentials and single events`() {
        #expect(
            errors("type: sqs, queue_url: \"http://127.0.0.1:4566/1/q\", \(Self.credentials)") == [
                "region: missing; expected a region such as eu-central-1"
            ])
        #expect(
            errors("type: sqs, queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/q\"") == [
                "credentials: missing; expected a mapping with access_key_id and secret_access_key"
            ])
        #expect(
            errors(
                "type: sqs, queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/q\", format: superviz, "
                    + "mode: { batch: { every: 1s } }, \(Self.credentials)"
            ).sorted() == [
                "format: a destination of the type sqs takes cloudevents alone",
                "mode: a destination of the type sqs makes its own batches; remove mode",
            ])
    }

    @Test func `a server of NATS has its own schemes and port, and no path`() throws {
        let read = try read("type: nats, servers: [\"tls://a.example\", \"tls://[2001:db8::1]:4333\"]")
        let nats = try #require(read.destination as? NATSDestinationConfiguration)
        #expect(nats.servers.map(\.port) == [4222, 4333] && nats.servers.allSatisfy(\.isTLS))
        #expect(nats.subject == .standard)
        #expect(
            errors("type: nats, servers: [\"https://a.example\"]")[0].contains("it must begin with nats:// or tls://"))
        #expect(
            errors("type: nats, servers: [\"tls://u:p@a.example\"]")[0].contains("use keys for credentials instead"))
        #expect(errors("type: nats, servers: [\"tls://a.example/x\"]")[0].contains("each without a path"))
        #expect(errors("type: nats, servers: []").count == 1)
    }

    @Test func `a server of NATS is logged in to in one way`() {
        func errors(_ login: String) -> [String] {
            self.errors("type: nats, servers: [\"tls://a.example\"], login: { \(login) }")
        }
        for right in [
            "username: u, password: env:P", "token: env:T", "nkey: UA, nkey_seed: env:S", "credentials: env:C",
        ] {
            #expect(errors(right).isEmpty, "\(right)")
        }
        for wrong in ["username: u", "token: env:T, credentials: env:C", "nkey: UA", ""] {
            #expect(errors(wrong).count == 1, "\(wrong)")
        }
    }

    @Test func `NATS passes no egress proxy, and unencrypted only what the operator allows`() {
        let proxied = errors(
            "type: nats, servers: [\"tls://a.example\"]", router: "{ egress_proxy: \"http://proxy.example:3128\" }")
        #expect(proxied.count == 1 && proxied[0].contains("passes no HTTP proxy"))
        let plain = errors("type: nats, servers: [\"nats://8.8.8.8\"]")
        #expect(plain.count == 1 && plain[0].contains("use tls, or set router.allow_http"))
    }
}
