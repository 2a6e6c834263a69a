import Testing
import VerificationSchemes

@testable import PipelineConfiguration

@Suite struct SchemeErrorTests {
    /// A `verification`, and what must be said about it after `sources[0].`.
    static let wrong: [(String, [String])] = [
        ("muks", ["verification: unknown verification \"muks\"; did you mean \"mux\"?"]),
        ("header", ["verification: header needs more than its name; write { scheme: header, name: X-Token }"]),
        (
            "hmac",
            [
                "verification: hmac needs more than its name; "
                    + "write { scheme: hmac, signature: { header: X-Signature, encoding: hex } }"
            ]
        ),
        (
            "{ tolerance: 5m }",
            ["verification.scheme: missing; expected one of hmac, ed25519, jwt, header, query, basic, path-token, none"]
        ),
        (
            "{ scheme: hmca }",
            [
                "verification.scheme: expected one of hmac, ed25519, jwt, header, query, basic, path-token, none, "
                    + "found \"hmca\"; did you mean \"hmac\"?"
            ]
        ),
        (
            "{ scheme: hmac, preset: mux }",
            ["verification.preset: names the scheme already; remove scheme or preset"]
        ),
        ("{ preset: muks }", ["verification.preset: unknown verification \"muks\"; did you mean \"mux\"?"]),
        (
            "{ scheme: hmac }",
            [
                "verification.signature: missing; expected where the signature is, "
                    + "such as { header: X-Signature, encoding: hex }"
            ]
        ),
        (
            "{ scheme: header, digest: sha1, name: X }",
            ["verification.digest: unknown key; valid are: scheme, preset, label, name, prefix"]
        ),
        ("{ scheme: header }", ["verification.name: missing; expected the header field that holds the secret"]),
        ("{ scheme: query }", ["verification.name: missing; expected the query parameter that holds the secret"]),
        (
            "{ scheme: query, name: \"a b\" }",
            ["verification.name: expected the name of a query parameter, such as token, found \"a b\""]
        ),
        (
            "{ scheme: header, name: \":token\" }",
            ["verification.name: expected the name of a header field, such as X-Signature, found \":token\""]
        ),
        (
            "{ scheme: hmac, signature: { header: X, list: { pairs: a, versions: b } } }",
            [
                "verification.signature.list: expected { pairs: KEY } for t=1,v1=…, "
                    + "or { versions: VERSION } for v1,… v1,…"
            ]
        ),
        (
            "{ scheme: hmac, signature: { header: X, encoding: Hex } }",
            ["verification.signature.encoding: expected one of hex, base64, found \"Hex\"; did you mean \"hex\"?"]
        ),
        (
            "{ scheme: hmac, signature: { header: X }, content: \"{timestamp}.{body}\" }",
            ["verification.content: {timestamp} needs timestamp: { header: … }, which says where it is"]
        ),
        (
            "{ scheme: hmac, signature: { header: X }, timestamp: { header: T } }",
            ["verification: does not hold {timestamp}, so anybody could change the time; add it"]
        ),
        (
            "{ scheme: hmac, signature: { header: X }, content: \"{url}\" }",
            ["verification.content: does not hold {body}, so anybody could change the body; add it"]
        ),
        (
            "{ scheme: hmac, signature: { header: X }, content: \"{bdoy}\" }",
            ["verification.content: unknown part {bdoy}; did you mean \"body\"?"]
        ),
        (
            "{ scheme: hmac, signature: { header: X }, content: \"{body\" }",
            ["verification.content: a brace without its counterpart; write {{ or }} for a brace itself"]
        ),
        (
            "{ scheme: hmac, signature: { header: X }, tolerance: 5m }",
            ["verification.tolerance: a tolerance needs a signed time; say where it is: timestamp: { header: … }"]
        ),
        (
            "{ scheme: jwt, issuer_names_key: yes }",
            ["verification.issuer_names_key: expected true or false, found \"yes\""]
        ),
        (
            "{ scheme: basic, label: \"My scheme\" }",
            ["verification.label: expected a word of 1 to 63 characters a-z, 0-9 and -, found \"My scheme\""]
        ),
    ]

    @Test(arguments: wrong)
    func `what is wrong with a scheme is said at its key`(_ verification: String, _ expected: [String]) {
        let yaml = """
            ingress: { public_url: "https://gw.example.com" }
            sources:
              - { name: a, provider: generic, secrets: [{ id: k, value: "env:S" }], verification: \(verification) }
            """
        let errors = #expect(throws: ConfigurationErrors.self) {
            try TributaryConfiguration.decode(yaml, file: "t.yaml")
        }
        #expect(errors?.errors.map { "\($0.keyPath.dropFirst("sources[0].".count)): \($0.sentence)" } == expected)
        #expect(errors?.errors.allSatisfy { $0.line == 3 } == true)
    }

    @Test func `braces are doubled to be literal`() throws {
        let yaml = """
            sources:
              - name: a
                provider: generic
                secrets: [{ value: "env:S" }]
                verification: { scheme: hmac, signature: { header: X }, content: "{{{header:X-Id}}}:{body}" }
            """
        let source = try #require(try TributaryConfiguration.decode(yaml, file: "t.yaml").sources.first)
        guard case .signature(let scheme) = source.scheme.proof else { return #expect(Bool(false)) }
        #expect(scheme.content == [.literal("{"), .field("x-id"), .literal("}:"), .body])
    }
}
