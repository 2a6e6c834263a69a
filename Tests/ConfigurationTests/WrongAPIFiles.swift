/// What can be wrong about the control API, TLS and the way out.
extension WrongFiles {
    static let api = [
        WrongFile(
            name: "a control API without tokens or TLS",
            yaml: """
                router: { listen: "0.0.0.0:8081" }
                """,
            errors: [
                "1 router.listen: the control API needs api_tokens; write api_tokens: [\"env:TRIBUTARY_API_TOKEN\"]",
                "1 router.listen: beyond loopback tokens and secrets need tls: { certificate: …, key: … }; where a "
                    + "proxy in front speaks TLS, write insecure: true",
            ]),
        WrongFile(
            name: "parts of a control API that is none",
            yaml: """
                router:
                  tls: { certificate: "file:a" }
                  insecure: maybe
                  public_url: "https://api.example.com/v1"
                """,
            errors: [
                "2 router.tls.key: missing; expected file:PATH of the certificate's PEM key",
                "2 router.tls: tls belongs to the control API, which needs listen",
                "3 router.insecure: expected true or false, found \"maybe\"",
                "3 router.insecure: insecure belongs to the control API, which needs listen",
                "4 router.public_url: public_url belongs to the control API, which needs listen",
                "4 router.public_url: expected the URL under which the control API is reached, such as "
                    + "https://api.example.com, found \"https://api.example.com/v1\": it must end with the host or port, "
                    + "because operations add /v1",
            ]),
        WrongFile(
            name: "tokens",
            yaml: """
                router:
                  listen: "[::1]:8081"
                  insecure: true
                  tls: { certificate: "file:a", key: "file:b" }
                  api_tokens:
                    - plainly
                    - { name: A, value: "env:A", scopes: [reed] }
                    - { name: b, scopes: [] }
                    - { name: b, value: "env:B", sha256: "12" }
                    - { name: c, value: "env:B" }
                    - { name: c, value: "env:B", scope: read }
                """,
            errors: [
                "3 router.insecure: there is tls; remove one of both",
                "6 router.api_tokens[0]: expected env:NAME, file:PATH or, on loopback, literal:TEXT; a bare text is "
                    + "not a reference",
                "7 router.api_tokens[1].name: expected a name of 1 to 63 characters a-z, 0-9 and -, found \"A\"",
                "7 router.api_tokens[1].scopes[0]: unknown scope \"reed\"; did you mean \"read\"?",
                "8 router.api_tokens[2].scopes: a token without a scope can do nothing; valid are: read, write, replay",
                "8 router.api_tokens[2].value: missing; expected env:NAME or file:PATH, or sha256 with the token's hash",
                "9 router.api_tokens[3].sha256: expected 64 hexadecimal digits; `printf %s \"$TOKEN\" | sha256sum` "
                    + "prints them",
                "9 router.api_tokens[3].sha256: value is there too; keep one of both",
                "11 router.api_tokens[5].scope: unknown key; did you mean \"scopes\"?",
                "11 router.api_tokens[5]: the token \"c\" is already defined; names are unique",
            ]),
        WrongFile(
            name: "literal tokens where others can connect",
            yaml: """
                router:
                  listen: "0.0.0.0:8081"
                  insecure: true
                  api_tokens: ["literal:t"]
                """,
            errors: [
                "4 router.api_tokens[0]: literal: secrets are allowed only while router.listen is on loopback, and it "
                    + "is 0.0.0.0:8081; use env:NAME or file:PATH"
            ]),
    ]

    static let transport = [
        WrongFile(
            name: "TLS to subscribers",
            yaml: """
                subscriptions:
                  - { name: a, url: "http://10.0.0.1/", signing: { scheme: none }, tls: { certificate: "file:a" } }
                  - { name: b, url: "https://example.com/", signing: { scheme: none }, tls: {} }
                  - { name: c, url: "https://example.com/", signing: { scheme: none }, tls: { cert: "file:a" } }
                """,
            errors: [
                "2 subscriptions[0].tls.key: missing; expected file:PATH, because certificate is there and both belong "
                    + "together",
                "2 subscriptions[0].tls: tls says nothing about a URL with http; use https or remove tls",
                "3 subscriptions[1].tls: expected ca, or certificate and key, or all three",
                "4 subscriptions[2].tls.cert: unknown key; valid are: ca, certificate, key",
                "4 subscriptions[2].tls: expected ca, or certificate and key, or all three",
            ]),
        WrongFile(
            name: "proxies on the way out",
            yaml: """
                router: { egress_proxy: "https://proxy.example.com/" }
                ingress: { tls: "file:a" }
                """,
            errors: [
                "1 router.egress_proxy: expected the URL of an HTTP proxy such as http://proxy.example.com:3128, found "
                    + "\"https://proxy.example.com/\": connections to the proxy itself are plain HTTP; write http://",
                "2 ingress.tls: expected a mapping with certificate, key, found the text \"file:a\" in quotes",
            ]),
        WrongFile(
            name: "a proxy with half of its credentials",
            yaml: "router: { egress_proxy: { url: \"http://p:3128/x\", username: us } }\n",
            errors: [
                "1 router.egress_proxy.url: expected the URL of an HTTP proxy such as http://proxy.example.com:3128, "
                    + "found \"http://p:3128/x\": a proxy has no path",
                "1 router.egress_proxy.password: missing; expected username and password together",
            ]),
    ]
}
