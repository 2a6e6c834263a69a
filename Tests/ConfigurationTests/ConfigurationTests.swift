import Executable
import JSON
import PipelineConfiguration
import Providers
import Testing

@Suite struct ConfigurationTests {
    @Test func `the default configuration of the repository is right`() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let configuration = try TributaryConfiguration.load("/\(root)/compose/tributary.yaml")
        #expect(configuration.runDir == "/\(root)/run")
        #expect(configuration.dataDir == "/\(root)/data")
        #expect(configuration.ingress.listen == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(
            configuration.sources.map(\.schemeText) == ["stream", "fastpix", "path-token", "path-token", "path-token"])
        #expect(configuration.subscriptions.map(\.name) == ["my-app"])
        #expect(configuration.environmentVariables(of: .ingressGateway) == [])
        #expect(
            configuration.environmentVariables(of: .verifier) == [
                "EYESON_PATH_TOKEN", "FASTPIX_SECRET", "FISHJAM_PATH_TOKEN", "STREAM_SECRET", "SUPERVIZ_PATH_TOKEN",
            ])
        #expect(configuration.environmentVariables(of: .normaliser) == [])
        #expect(configuration.environmentVariables(of: .fanoutRouter) == ["MY_APP_SECRET", "TRIBUTARY_API_TOKEN"])
    }

    @Test func `what is left out has the documented default`() throws {
        let configuration = try TributaryConfiguration.decode("{}", file: "/etc/tributary/t.yaml")
        #expect(configuration.runDir == "/etc/tributary/run")
        let ingress = configuration.ingress
        #expect(ingress.listen.description == "127.0.0.1:8080")
        #expect(ingress.maxBodyBytes == 1_048_576)
        #expect(ingress.diskBudgetBytes == 1_073_741_824)
        #expect(ingress.maxConnections == 4096)
        #expect(ingress.maxConnectionsPerAddress == 1024)
        #expect(ingress.windowRecords == 16384)
        #expect(ingress.windowBytes == 67_108_864)
        #expect(ingress.verdictTimeout == .milliseconds(250))
        #expect(ingress.headerDeadline == .seconds(10))
        #expect(ingress.idleTimeout == .seconds(75))
        #expect(ingress.minimumBodyBytesPerSecond == 1024)
        #expect(ingress.metricsListen == nil)
        #expect(ingress.quotas == QuotasConfiguration())
        #expect(configuration.verifier.instances == 1)
        #expect(configuration.router.retention == .seconds(168 * 3600))
        #expect(configuration.router.dedupeWindow == .seconds(24 * 3600))
        #expect(configuration.router.dedupeIds == 1_000_000)
        #expect(configuration.router.maxUnfinished == 1000)
        #expect(configuration.router.egressAllow == [])
    }

    @Test func `quotas and answers are decoded, and what they leave out is inherited`() throws {
        let yaml = """
            ingress:
              quotas:
                per_source: { requests_per_second: 70, bytes_per_second: 80000, burst: 3s }
                refused: { burst: 1m }
            sources:
              - { name: a, provider: generic, verification: none, quota: { requests_per_second: 5 } }
              - { name: b, provider: agora, secrets: [{ value: "env:B" }] }
              - { name: c, provider: agora, secrets: [{ value: "env:B" }], answer: { status: 204 } }
              - { name: d, provider: generic, verification: none, answer: { body: "ok", content_type: text/plain } }
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
        let quotas = configuration.ingress.quotas
        #expect(quotas.perSource.text == "70/s, 80000 bytes/s, burst 3s")
        #expect(quotas.refused.text == "500/s, 65536 bytes/s, burst 1m" && quotas.refused.burstBytes == 60 * 65536)
        #expect(quotas.perAddress == QuotasConfiguration().perAddress)
        #expect(configuration.sources.map { $0.quota?.text } == ["5/s, 80000 bytes/s, burst 3s", nil, nil, nil])
        #expect(configuration.sources.map { $0.answer?.status } == [nil, 200, 204, 200])
        #expect(configuration.sources.map { $0.answer?.body } == [nil, "{}", "", "ok"])
    }

    @Test func `a subscription is decoded with all its parts`() throws {
        let yaml = """
            sources:
              - { name: stream, provider: stream, secrets: [{ id: k, value: "file:keys/a" }], path_token: "env:P" }
            subscriptions:
              - name: a
                url: "https://example.com:8443/x?y=1"
                filter: { types: ["recording.*"], sources: [stream], subjects: ["calls/*"] }
                signing: { scheme: standard-webhooks, secrets: ["env:A", "literal:b"] }
                retry: { schedule: [0s, 250ms, 5m], timeout: 6s, deadline: 1h }
                timeout: 20s
                concurrency: 7
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
        let subscription = try #require(configuration.subscriptions.first)
        let url = try #require(subscription.http?.url)
        #expect(url.isTLS)
        #expect(url.host == "example.com")
        #expect(url.port == 8443)
        #expect(url.target == "/x?y=1")
        #expect(subscription.filter.types == ["recording.*"])
        #expect(subscription.filter.sources == ["stream"])
        #expect(subscription.filter.subjects == ["calls/*"])
        #expect(subscription.signing.secrets.map(\.description) == ["env:A", "literal:…"])
        #expect(subscription.retry.scheme == .custom)
        #expect(subscription.retry.schedule == [.zero, .milliseconds(250), .seconds(300)])
        #expect(subscription.retry.deadline == .seconds(3600))
        #expect(subscription.timeoutSeconds == 6)
        #expect(subscription.concurrency == 7)
        #expect(configuration.sources.first?.secrets.first?.value.description == "file:/etc/keys/a")
        #expect(configuration.environmentVariables(of: .verifier) == ["P"])
    }

    @Test func `deliveries are decoded with format, mode, signing, retries, rate and order`() throws {
        let yaml = """
            subscriptions:
              - name: batches
                url: "https://example.com/a"
                format: superviz
                mode: { batch: { every: 250ms, max_events: 100, max_bytes: 65536 } }
                signing: { scheme: header, secrets: ["env:A"], header: X-Token, prefix: "Bearer " }
                retry: superviz
                rate_limit: 50
                disable_after: 1h
              - name: keys
                url: "https://example.com/b"
                format: cloudevents-binary
                signing: { scheme: stream, secrets: ["env:A"], api_key: key123 }
                retry: stream
                order: key
                key_hold: 30s
              - name: own
                url: "https://example.com/c"
                format: original
                signing: { scheme: none }
                retry: { schedule: [0s, 1s], repeat_last: true, jitter: true, deadline: 1h }
            """
        let subscriptions = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml").subscriptions
        let (batches, keys, own) = (subscriptions[0], subscriptions[1], subscriptions[2])
        #expect(batches.format == .superviz)
        #expect(batches.mode == .batch(every: .milliseconds(250), maxEvents: 100, maxBytes: 65_536))
        #expect(batches.signing.header == "x-token" && batches.signing.prefix == "Bearer ")
        #expect(batches.retry == .superviz)
        #expect(batches.requestsPerSecond == 50 && batches.disableAfter == .seconds(3600))
        #expect(keys.format == .cloudeventsBinary && keys.mode == .single)
        #expect(keys.signing.apiKey == "key123")
        #expect(keys.retry == .stream && keys.timeoutSeconds == 6)
        #expect(keys.order == .key && keys.keyHold == .seconds(30))
        #expect(own.format == .original && own.requestsPerSecond == nil)
        #expect(own.disableAfter == .seconds(5 * 86_400))
        #expect(own.retry.repeatsLast && own.retry.jitter && own.retry.deadline == .seconds(3600))
    }

    @Test func `tokens of the control API are references or hashes, with names and scopes`() throws {
        let yaml = """
            router:
              listen: "127.0.0.1:8081"
              api_tokens:
                - "env:TRIBUTARY_API_TOKEN"
                - { name: dashboard, value: "file:token", scopes: [read] }
                - { sha256: \(String(repeating: "0f", count: 32)), scopes: [read, replay] }
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
        let tokens = configuration.router.apiTokens
        #expect(tokens.map(\.name) == ["token-1", "dashboard", "token-3"])
        #expect(tokens.map(\.scopes) == [["read", "write", "replay"], ["read"], ["read", "replay"]])
        #expect(tokens.map { $0.reference?.description } == ["env:TRIBUTARY_API_TOKEN", "file:/etc/token", nil])
        guard case .sha256(let bytes) = tokens[2].secret else { throw StageFailure(.failure, "no hash") }
        #expect(bytes == [UInt8](repeating: 0x0F, count: 32))
        #expect(configuration.router.warnings.isEmpty)
        #expect(configuration.environmentVariables(of: .fanoutRouter) == ["TRIBUTARY_API_TOKEN"])
    }

    @Test func `tokens without a listener are said to be useless`() throws {
        let router = try TributaryConfiguration.decode("router: { api_tokens: [\"env:T\"] }", file: "/etc/t.yaml")
            .router
        #expect(
            router.warnings == ["router.api_tokens: nothing listens for them; the control API needs router.listen"])
    }

    @Test func `certificates and keys belong to the stages that use them`() throws {
        let yaml = """
            ingress: { listen: "0.0.0.0:8443", tls: { certificate: "file:/tls/in.pem", key: "env:IN_KEY" } }
            router:
              listen: "0.0.0.0:8444"
              tls: { certificate: "file:api.pem", key: "file:api.key" }
              api_tokens: ["env:T"]
              public_url: "https://api.example.com/"
              egress_proxy: { url: "http://proxy.example.com:3128", username: us, password: "env:PROXY" }
            subscriptions:
              - name: a
                url: "https://10.0.0.7/events"
                signing: { scheme: standard-webhooks, secrets: ["env:A"] }
                tls: { ca: "file:ca.pem", certificate: "file:us.pem", key: "env:US_KEY" }
            """
        let configuration = try TributaryConfiguration.decode(yaml, file: "/etc/t.yaml")
        func references(_ stage: Stage) -> [String] { configuration.secrets(of: stage).map(\.description) }
        #expect(references(.ingressGateway) == ["file:/tls/in.pem", "env:IN_KEY"])
        #expect(references(.verifier).isEmpty && references(.normaliser).isEmpty)
        #expect(
            references(.fanoutRouter) == [
                "file:/etc/api.pem", "file:/etc/api.key", "env:T", "env:PROXY", "env:A", "file:/etc/ca.pem",
                "file:/etc/us.pem", "env:US_KEY",
            ])
        let router = configuration.router
        #expect(router.publicURL == "https://api.example.com" && router.egressProxy?.url.port == 3128)
        #expect(router.egressProxy?.username == "us")
        #expect(configuration.subscriptions[0].http?.tls?.ca?.keyPath == "subscriptions[0].tls.ca")
    }

    @Test func `subscriptions write files nowhere until the router's configuration names a folder`() throws {
        func folder(_ router: String) throws -> String? {
            try TributaryConfiguration.decode("router: {\(router)}\nsources: []\n", file: "t").router.fileDestinations
        }
        #expect(try folder("") == nil)
        #expect(try folder(" file_destinations: /srv/audit ") == "/srv/audit")
    }

    @Test func `unencrypted deliveries go where egress_allow says, or everywhere when that is said`() throws {
        func load(_ router: String, _ url: String) throws -> TributaryConfiguration {
            try TributaryConfiguration.decode(
                "router: { \(router) }\nsubscriptions: [{ name: a, url: \"\(url)\", signing: { scheme: none } }]",
                file: "/etc/t.yaml")
        }
        let errors = #expect(throws: ConfigurationErrors.self) { try load("", "http://8.8.8.8/e") }
        #expect(
            errors?.description
                == "/etc/t.yaml:2: subscriptions[0].url: unencrypted deliveries go only to addresses that "
                + "router.egress_allow names, and 8.8.8.8 is none; use https, or set router.allow_http: true")
        #expect(throws: ConfigurationErrors.self) { try load("", "http://[2a00:1450::5]/e") }
        #expect(throws: ConfigurationErrors.self) { try load("egress_allow: [\"8.8.4.0/23\"]", "http://8.8.8.8/e") }
        let fine = [
            ("allow_http: true", "http://8.8.8.8/e"), ("egress_allow: [\"8.8.8.0/23\"]", "http://8.8.9.8/e"),
            ("egress_allow: [\"2a00::/12\"]", "http://[2a0f:1450::5]/e"), ("", "https://8.8.8.8/e"),
            ("", "http://example.com/e"), ("", "http://10.1.2.3/e"), ("", "http://[fd00::1]/e"),
        ]
        for (router, url) in fine { _ = try load(router, url) }
    }

    @Test func `filters are decoded with attributes and conditions on the data`() throws {
        let yaml = """
            subscriptions:
              - name: a
                url: "https://example.com/a"
                signing: { scheme: none }
                filter:
                  providers: [stream, eyeson]
                  keys: ["livestream:*"]
                  data:
                    - { pointer: /call/type, equals: livestream }
                    - { pointer: /role, in: [host, 7] }
                    - { pointer: /duration_seconds, at_least: 60, below: 3600.5 }
                    - { pointer: /reason, exists: false }
            """
        let filter = try #require(TributaryConfiguration.decode(yaml, file: "/etc/t.yaml").subscriptions.first).filter
        #expect(filter.providers == ["stream", "eyeson"])
        #expect(filter.keys == ["livestream:*"])
        #expect(
            filter.data == [
                ContentCondition(pointer: "/call/type", test: .oneOf(["livestream"])),
                ContentCondition(pointer: "/role", test: .oneOf(["host", "7"])),
                ContentCondition(pointer: "/duration_seconds", test: .within(atLeast: 60, below: 3600.5)),
                ContentCondition(pointer: "/reason", test: .exists(false)),
            ])
    }

    @Test func `a destination has a kind, http where nothing is said, and one that is unknown is refused`() throws {
        func subscription(_ rest: String) throws -> SubscriptionConfiguration? {
            try TributaryConfiguration.decode(
                "subscriptions: [{ name: a, url: \"https://e.com/\", signing: { scheme: none }\(rest) }]",
                file: "t.yaml"
            ).subscriptions.first
        }
        #expect(try subscription("")?.http?.url.host == "e.com")
        #expect(try subscription(", type: http")?.http?.url.host == "e.com")
        let errors = #expect(throws: ConfigurationErrors.self) { try subscription(", type: htpp") }
        #expect(errors?.description.contains("subscriptions[0].type: expected one of http") == true)
        #expect(errors?.description.hasSuffix("did you mean \"http\"?") == true)
    }

    @Test func `JSON is a configuration too`() throws {
        let json =
            #"{"ingress":{"listen":"[::1]:9"},"subscriptions":["#
            + #"{"name":"a","url":"http://h","signing":{"scheme":"none"}}]}"#
        let configuration = try TributaryConfiguration.decode(json, file: "t.json")
        #expect(configuration.ingress.listen.isLoopback)
        #expect(configuration.subscriptions.first?.retry == .standard)
    }

    @Test func `addresses and URLs are taken apart or refused`() throws {
        #expect(ListenAddress("[::1]:80")?.host == "::1")
        for text in ["", ":80", "a", "a:", "a:70000", "::1:80", "[a]:80", "a b:80", "a:8o"] {
            #expect(ListenAddress(text) == nil, "\(text)")
        }
        #expect(try EndpointURL("http://[::1]:81").hostHeader == "[::1]:81")
        #expect(try EndpointURL("HTTPS://Example.com?x").target == "/?x")
        #expect(try EndpointURL("http://h:80/").hostHeader == "h")
        for text in [
            "http://", "http:///x", "http://h:0/", "http://h:x/", "http://::1/", "http://h/#a", "http://h/a b",
        ] {
            #expect(throws: InvalidURL.self, "\(text)") { try EndpointURL(text) }
        }
    }
}
