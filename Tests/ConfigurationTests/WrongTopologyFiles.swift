extension WrongFiles {
    static let topology = [
        WrongFile(
            name: "links between hosts without keys",
            yaml: file("instances: [{ name: verifier-0, out: \"10.0.0.2:7100\" }]"),
            errors: ["ingress", "verifier", "normaliser", "router"].map { role in
                "2 topology.\(role): missing; expected public_key and secret_key; without keys whoever reaches a socket "
                    + "reads webhooks and sends some of his own, which insecure_plain_tcp: true would allow"
            }),
        WrongFile(
            name: "instances that cannot be",
            yaml: file(
                """
                insecure_plain_tcp: true
                  instances:
                    - { name: tap-0, out: "10.0.0.1:7100" }
                    - { name: ingress-gateway-0, out: "0.0.0.0:7100" }
                    - { name: fanout-router-0, out: "10.0.0.1:7100" }
                """),
            errors: [
                "4 topology.instances[0].name: expected the name of a stage and a number, such as verifier-0; stages are "
                    + "ingress-gateway (or ingress), ingress-connector (or connector), verifier, normaliser, "
                    + "fanout-router (or router)",
                "5 topology.instances[1].control: missing; expected an address such as 10.0.0.1:7100",
                "5 topology.instances[1].out: expected the IPv4 address or the name by which the other hosts reach it, and a "
                    + "port",
                "6 topology.instances[2].out: a router has no such socket; remove it",
            ]),
        WrongFile(
            name: "two instances at one address",
            yaml: file(
                """
                insecure_plain_tcp: true
                  instances:
                    - { name: verifier-0, out: "10.0.0.1:7101" }
                    - { name: verifier-1, out: "10.0.0.1:7101" }
                """),
            errors: [
                "4 topology.instances: 10.0.0.1:7101 of verifier-1 is taken by verifier-0; choose another port"
            ]),
        WrongFile(
            name: "keys that are none, or the same",
            yaml: file(
                """
                instances: []
                  ingress: { public_key: short, secret_key: "file:a.key" }
                  verifier: { public_key: "\(key)", secret_key: "file:b.key" }
                  normaliser: { public_key: "\(key)", secret_key: "file:c.key" }
                  router: { public_key: "\(String(key.reversed()))" }
                """),
            errors: [
                "2 topology: two roles have the same key; each needs one of its own",
                "3 topology.ingress.public_key: expected a public key of 40 characters, found \"short\"",
                "6 topology.router.secret_key: missing; expected file:PATH of what 'tributary keys generate' wrote",
            ]),
    ]

    private static let key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

    private static func file(_ topology: String) -> String {
        "topology:\n  \(topology)\nsources:\n  - { name: a, provider: fastpix, secrets: [{ value: env:A }] }\n"
    }
}
