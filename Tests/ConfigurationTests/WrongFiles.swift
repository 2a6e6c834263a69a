import Providers

/// Wrong configuration files and what must be said about each.
enum WrongFiles {
    typealias WrongFile = ConfigurationErrorTests.WrongFile

    static let all =
        top + listeners + numbers + sources + addressesAndMappings + subscriptions + unsupported
        + WrongFiles.api + transport + topology

    private static let top = [
        WrongFile(
            name: "empty", yaml: "", errors: ["0 : is empty; expected at least one source"]),
        WrongFile(
            name: "not a mapping", yaml: "- a\n",
            errors: [
                "1 : expected a mapping with run_dir, data_dir, log_level, ingress, verifier, normaliser, router, "
                    + "connector, trace, topology, connectors, sources, subscriptions, found a list"
            ]),
        WrongFile(
            name: "unknown keys, near and far", yaml: "run_dri: a\nwhatever: b\n",
            errors: [
                "1 run_dri: unknown key; did you mean \"run_dir\"?",
                "2 whatever: unknown key; valid are: run_dir, data_dir, log_level, ingress, verifier, normaliser, "
                    + "router, connector, trace, topology, connectors, sources, subscriptions",
            ]),
        WrongFile(
            name: "a key twice", yaml: "run_dir: a\nrun_dir: b\n",
            errors: ["1 : the key run_dir is written twice in one mapping; keep one"]),
        WrongFile(
            name: "wrong kinds", yaml: "run_dir: [a]\nverifier: 7\nsources: {}\nrouter:\n",
            errors: [
                "1 run_dir: expected a path, found a list",
                "2 verifier: expected a mapping with instances, metrics_listen, found \"7\"",
                "3 sources: expected a list of sources, found a mapping",
                "4 router: expected a mapping with instances, listen, tls, insecure, threads, api_tokens, public_url, "
                    + "egress_allow, egress_proxy, allow_http, file_destinations, event_log_budget_bytes, retention, "
                    + "dedupe_window, dedupe_ids, max_unfinished, quarantine, push, metrics_listen, found nothing",
            ]),
        WrongFile(
            name: "a run_dir too long for sockets", yaml: "run_dir: /\(String(repeating: "a", count: 90))\n",
            errors: [
                "1 run_dir: /\(String(repeating: "a", count: 90)) is too long for Unix sockets in it; "
                    + "expected at most 79 bytes"
            ]),
    ]

    private static let listeners = [
        WrongFile(
            name: "routers without workers, and a source of a router that is none",
            yaml: """
                verifier: { instances: 2 }
                router: { instances: 2, file_destinations: audit, metrics_listen: "127.0.0.1:9101" }
                ingress: { listen: "127.0.0.1:9102" }
                normaliser: { instances: 1 }
                sources: [{ name: a, provider: fastpix, secrets: [{ value: env:A }], router: 2 }]
                """,
            errors: [
                "2 router.file_destinations: several routers would write into the same files; with 2 there are none",
                "2 router.metrics_listen: router.metrics_listen of fanout-router-1, 127.0.0.1:9102, is taken by "
                    + "ingress.listen 127.0.0.1:9102; choose another port (instance n of a stage serves its metrics n "
                    + "ports above metrics_listen)",
                "4 normaliser.instances: no normaliser would work for router 1: instance n works for router n modulo "
                    + "router.instances, so there must be 2 of them at least",
                "5 sources[0].router: there are 2 routers (router.instances), the last is 1",
            ]),
        WrongFile(
            name: "addresses that two listeners want",
            yaml: """
                ingress: { listen: "127.0.0.1:8081", metrics_listen: "127.0.0.1:65535", instances: 2 }
                normaliser: { metrics_listen: "127.0.0.1:9101", instances: 3 }
                router: { listen: "localhost:8081", api_tokens: ["env:T"], metrics_listen: "0.0.0.0:9103" }
                """,
            errors: [
                "1 ingress.metrics_listen: ingress.metrics_listen of ingress-gateway-1, 127.0.0.1:65536, lies beyond "
                    + "port 65535; choose a lower port",
                "3 router.listen: router.listen localhost:8081 is taken by ingress.listen 127.0.0.1:8081; choose "
                    + "another port (instance n of a stage serves its metrics n ports above metrics_listen)",
                "3 router.metrics_listen: router.metrics_listen of fanout-router-0, 0.0.0.0:9103, is taken by "
                    + "normaliser.metrics_listen of normaliser-2, 127.0.0.1:9103; choose another port (instance n of a "
                    + "stage serves its metrics n ports above metrics_listen)",
            ]),
    ]

    private static let numbers = [
        WrongFile(
            name: "numbers",
            yaml: """
                ingress:
                  listen: 8080
                  max_body_bytes: "1048576"
                  disk_budget_bytes: lots
                  window_records: 1
                  verdict_timeout: 250
                  idle_timeout: 2 hours
                verifier: { instances: 0 }
                normaliser: { instances: 1.5, metrics_listen: "host:0" }
                """,
            errors: [
                "2 ingress.listen: expected an address such as 127.0.0.1:8080 or [::1]:8080, found \"8080\"",
                "3 ingress.max_body_bytes: expected a whole number from 1024 to 67108864, "
                    + "found the text \"1048576\" in quotes",
                "4 ingress.disk_budget_bytes: expected a whole number from 16777216 to 1125899906842624, "
                    + "found \"lots\"",
                "5 ingress.window_records: expected a whole number from 256 to 1048576, found \"1\"",
                "6 ingress.verdict_timeout: expected a duration from 0s to 10s such as 250ms, 5s, 10m or 2h, "
                    + "found \"250\"",
                "7 ingress.idle_timeout: expected a duration from 100ms to 1h such as 250ms, 5s, 10m or 2h, "
                    + "found \"2 hours\"",
                "8 verifier.instances: expected a whole number from 1 to 64, found \"0\"",
                "9 normaliser.instances: expected a whole number from 1 to 64, found \"1.5\"",
                "9 normaliser.metrics_listen: expected an address such as 127.0.0.1:8080 or [::1]:8080, "
                    + "found \"host:0\"",
            ]),
        WrongFile(
            name: "networks", yaml: "router: { egress_allow: [10.0.0.0/33, 10.0.0/8, \"::1/128\", [a]] }\n",
            errors: [
                "1 router.egress_allow[0]: expected a network such as 127.0.0.0/8 or ::1/128, found \"10.0.0.0/33\"",
                "1 router.egress_allow[1]: expected a network such as 127.0.0.0/8 or ::1/128, found \"10.0.0/8\"",
                "1 router.egress_allow[3]: expected a network such as 127.0.0.0/8 or ::1/128, found a list",
            ]),
    ]

    private static let sources = [
        WrongFile(
            name: "sources",
            yaml: """
                sources:
                  - { name: Big, provider: steam, secrets: [{ valeu: "env:A" }] }
                  - { name: a, provider: stream, secrets: [{ value: "env:A" }] }
                  - { name: a, provider: fastpix, secrets: [] }
                  - { provider: fastpix }
                  - { name: b, secrets: [{ id: x, value: "env:not a name" }] }
                  - c
                """,
            errors: [
                "2 sources[0].name: expected a name of 1 to 63 characters a-z, 0-9 and -, found \"Big\"",
                "2 sources[0].provider: unknown provider \"steam\"; did you mean \"stream\"?",
                "2 sources[0].secrets[0].valeu: unknown key; did you mean \"value\"?",
                "2 sources[0].secrets[0].value: missing; expected env:NAME or file:PATH",
                "3 sources[1].secrets[0].id: missing; expected what stream sends in x-api-key, "
                    + "because it names the secret",
                "4 sources[2].name: the source \"a\" is already defined in line 3; names are unique",
                "4 sources[2].secrets: expected at least one secret, because fastpix signs; where it does not, "
                    + "name another verification, found an empty list",
                "5 sources[3].name: missing; expected a name of 1 to 63 characters a-z, 0-9 and -",
                "5 sources[3].secrets: missing; expected at least one secret, because fastpix signs; where it does not, "
                    + "name another verification",
                "6 sources[4].provider: missing; expected one of \(ProviderRegistry.names.joined(separator: ", "))",
                "6 sources[4].secrets[0].value: expected the name of an environment variable after env:, "
                    + "found \"not a name\"",
                "7 sources[5]: expected a mapping with name, provider, secrets, path_token, path_tokens, verification, "
                    + "router, allow_addresses, mapping, ids, quota, max_body_bytes, answer, found \"c\"",
            ]),
        WrongFile(
            name: "literal secrets on an open port",
            yaml: """
                ingress: { listen: "0.0.0.0:8080" }
                sources:
                  - name: a
                    provider: fastpix
                    secrets:
                      - value: "literal:c2VjcmV0"
                """,
            errors: [
                "6 sources[0].secrets[0].value: literal: secrets are allowed only while ingress.listen is on loopback, "
                    + "and it is 0.0.0.0:8080; use env:NAME or file:PATH"
            ]),
    ]

    private static let addressesAndMappings = [
        WrongFile(
            name: "addresses",
            yaml: """
                ingress:
                  listen: "0.0.0.0:8080"
                  public_url: "http://gw.example.com"
                  trusted_proxies: [10.0.0.1/8, proxy]
                sources:
                  - { name: a, provider: eyeson-streamrec, allow_addresses: ["203.0.113.300"] }
                """,
            errors: [
                "3 ingress.public_url: expected the URL under which providers reach the ingress, such as "
                    + "https://gw.example.com, found \"http://gw.example.com\": it must begin with https:// while the "
                    + "ingress listens beyond loopback",
                "4 ingress.trusted_proxies[0]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, or one "
                    + "address, without bits beyond the prefix, found \"10.0.0.1/8\"",
                "4 ingress.trusted_proxies[1]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, or one "
                    + "address, without bits beyond the prefix, found \"proxy\"",
                "6 sources[0].allow_addresses[0]: expected a network such as 203.0.113.0/24 or 2001:db8::/32, or one "
                    + "address, without bits beyond the prefix, found \"203.0.113.300\"",
            ]),
        WrongFile(
            name: "quotas and answers",
            yaml: """
                ingress:
                  quotas: { per_source: { requests_per_second: 0, burst: 0s }, all: {} }
                sources:
                  - name: a
                    provider: generic
                    verification: none
                    quota: { bytes: 1 }
                    answer: { status: 302 }
                  - { name: b, provider: generic, verification: none, answer: { status: 204, body: x } }
                """,
            errors: [
                "2 ingress.quotas.all: unknown key; valid are: per_source, per_address, refused",
                "2 ingress.quotas.per_source.requests_per_second: expected a whole number from 1 to 10000000, "
                    + "found \"0\"",
                "2 ingress.quotas.per_source.burst: expected a duration from 100ms to 10m such as 250ms, 5s, 10m or 2h, "
                    + "found \"0s\"",
                "7 sources[0].quota.bytes: unknown key; valid are: requests_per_second, bytes_per_second, burst",
                "8 sources[0].answer.status: expected a whole number from 200 to 299, found \"302\"",
                "9 sources[1].answer.body: 204 has no body",
            ]),
        WrongFile(
            name: "a public URL with a path", yaml: "ingress: { public_url: \"https://gw.example.com/in\" }\n",
            errors: [
                "1 ingress.public_url: expected the URL under which providers reach the ingress, such as "
                    + "https://gw.example.com, found \"https://gw.example.com/in\": it must end with the host or port, "
                    + "because sources add /in/{source}"
            ]),
        WrongFile(
            name: "mappings",
            yaml: """
                sources:
                  - { name: a, provider: stream, secrets: [{ id: k, value: "env:A" }], mapping: {}, ids: generated }
                  - name: b
                    provider: generic
                    verification: none
                    ids: contents
                    mapping:
                      type: event
                      time: { pointer: /t, unit: second }
                      subject: "rooms/{room}"
                      types: [a]
                      elemnts: /e
                  - name: c
                    provider: generic
                    verification: none
                    mapping:
                      type: /t
                      types: { a: room.exploded }
                """,
            errors: [
                "2 sources[0].ids: every event of stream has an id already; remove ids",
                "2 sources[0].mapping: stream has a mapping of its own; mapping is for provider: generic",
                "6 sources[1].ids: expected one of content, generated, found \"contents\"; did you mean \"content\"?",
                "8 sources[1].mapping.type: expected a JSON Pointer, which begins with a slash, such as /room/name, "
                    + "found \"event\"",
                "9 sources[1].mapping.time.unit: expected one of rfc3339, seconds, milliseconds, nanoseconds, "
                    + "found \"second\"; did you mean \"seconds\"?",
                "10 sources[1].mapping.subject: expected text with JSON Pointers in braces, such as "
                    + "\"rooms/{/room/name}\", found \"rooms/{room}\"",
                "11 sources[1].mapping.types: expected a mapping such as { room_started: session.started }, "
                    + "found a list",
                "12 sources[1].mapping.elemnts: unknown key; did you mean \"elements\"?",
                "18 sources[2].mapping.types: a: \"room.exploded\" is no canonical type; of this family are "
                    + "room.created, room.updated, room.deleted, room.ended, room.crashed",
            ]),
    ]

    private static let subscriptions = [
        WrongFile(
            name: "subscriptions",
            yaml: """
                sources:
                  - { name: stream, provider: stream, secrets: [{ id: k, value: "env:A" }] }
                subscriptions:
                  - name: a
                    url: "ftp://example.com"
                    filter: { sources: [steam], types: "x" }
                    signing: { scheme: standard-webhooks }
                    concurrency: 0
                    timeout: 1h
                  - { name: a, url: "http://u:p@h/", signing: { scheme: none, secrets: ["env:A"] } }
                  - { url: 5, signing: none, mode: many, order: sorted, retry: sometimes }
                """,
            errors: [
                "5 subscriptions[0].url: expected a URL such as https://example.com/events, "
                    + "found \"ftp://example.com\": it must begin with http:// or https://",
                "6 subscriptions[0].filter.types: expected a list of patterns of event types, "
                    + "found the text \"x\" in quotes",
                "6 subscriptions[0].filter.sources[0]: no source is named \"steam\"; did you mean \"stream\"?",
                "7 subscriptions[0].signing.secrets: missing; expected at least one secret to sign with",
                "8 subscriptions[0].concurrency: expected a whole number from 1 to 1000, found \"0\"",
                "9 subscriptions[0].timeout: expected a duration from 100ms to 5m such as 250ms, 5s, 10m or 2h, "
                    + "found \"1h\"",
                "10 subscriptions[1].name: the subscription \"a\" is already defined in line 4; names are unique",
                "10 subscriptions[1].url: expected a URL such as https://example.com/events, found "
                    + "\"http://u:p@h/\": a user or password in a URL ends up in logs; use signing instead",
                "10 subscriptions[1].signing.secrets: scheme: none signs nothing; remove the secrets or choose "
                    + "standard-webhooks",
                "11 subscriptions[2].name: missing; expected a name of 1 to 63 characters a-z, 0-9 and -",
                "11 subscriptions[2].url: expected a URL such as https://example.com/events, found \"5\": "
                    + "it must begin with http:// or https://",
                "11 subscriptions[2].signing: expected a mapping with scheme, secrets, api_key, header, prefix, found \"none\"",
                "11 subscriptions[2].mode: expected single or a mapping with batch, found \"many\"",
                "11 subscriptions[2].retry: expected one of standard, stream, superviz, custom, found \"sometimes\"",
                "11 subscriptions[2].order: expected one of none, key, found \"sorted\"",
            ]),
        WrongFile(
            name: "retry schedules",
            yaml: """
                subscriptions:
                  - name: a
                    url: "https://example.com"
                    signing: { scheme: none }
                    retry: { schedule: [], timeuot: 6s }
                  - name: b
                    url: "https://example.com"
                    signing: { scheme: none }
                    retry: { schedule: [0s, soon], timeout: 0s }
                  - { name: c, url: "https://example.com", signing: { scheme: none }, retry: custom }
                """,
            errors: [
                "5 subscriptions[0].retry.timeuot: unknown key; did you mean \"timeout\"?",
                "5 subscriptions[0].retry.schedule: expected 1 to 100 waits, one for each attempt, found 0",
                "9 subscriptions[1].retry.schedule[1]: expected a duration from 0s to 30d "
                    + "such as 250ms, 5s, 10m or 2h, found \"soon\"",
                "9 subscriptions[1].retry.timeout: expected a duration from 100ms to 5m such as 250ms, 5s, 10m or 2h, "
                    + "found \"0s\"",
                "10 subscriptions[2].retry: custom is written as a mapping such as "
                    + "{ schedule: [0s, 5s], timeout: 6s }",
            ]),
    ]

    private static let unsupported = [
        WrongFile(
            name: "deliveries that do not fit together",
            yaml: """
                subscriptions:
                  - name: a
                    url: "https://example.com"
                    format: cloudevents-binary
                    mode: { batch: { every: 1s, max_events: 2000 } }
                    signing: { scheme: stream, secrets: ["env:A"], prefix: "Bearer " }
                    retry: { schedule: [0s, 5s], repeat_last: true, jitter: "yes" }
                    key_hold: 5m
                    rate_limit: 0
                    disable_after: 1s
                  - name: b
                    url: "https://example.com"
                    signing: { scheme: header, secrets: ["env:A"], header: Content-Length }
                """,
            errors: [
                "4 subscriptions[0].format: cloudevents-binary cannot hold several events; use mode: "
                    + "single, or format: cloudevents or superviz",
                "5 subscriptions[0].mode.batch.max_events: expected a whole number from 1 to 1000, found "
                    + "\"2000\"",
                "6 subscriptions[0].signing.api_key: missing; expected what goes into X-API-KEY",
                "6 subscriptions[0].signing.prefix: prefix belongs to scheme: header; remove it",
                "7 subscriptions[0].retry.jitter: expected true or false, found the text \"yes\" in quotes",
                "7 subscriptions[0].retry: repeat_last tries for ever; say for how long with deadline: 24h",
                "8 subscriptions[0].key_hold: key_hold says how long a failing event holds up its key, "
                    + "so it needs order: key",
                "9 subscriptions[0].rate_limit: expected a whole number from 1 to 100000, found \"0\"",
                "10 subscriptions[0].disable_after: expected a duration from 1m to 365d such as 250ms, "
                    + "5s, 10m or 2h, found \"1s\"",
                "13 subscriptions[1].signing.header: \"Content-Length\" is no field that may be set; use "
                    + "a name such as X-Token",
            ]),
        WrongFile(
            name: "conditions on data",
            yaml: """
                subscriptions:
                  - name: a
                    url: "https://example.com"
                    signing: { scheme: none }
                    filter:
                      providers: [steam]
                      data:
                        - { pointer: call/type, equals: livestream }
                        - { pointer: /a }
                        - { pointer: /a, equals: b, exists: true }
                        - { pointer: /a, at_least: many }
                """,
            errors: [
                "6 subscriptions[0].filter.providers[0]: unknown provider \"steam\"; did you mean \"stream\"?",
                "8 subscriptions[0].filter.data[0]: a JSON Pointer begins with a slash, \"call/type\" does not; "
                    + "write /call/type",
                "9 subscriptions[0].filter.data[1]: expected one of equals, in, exists, or at_least and below",
                "10 subscriptions[0].filter.data[2]: expected one of equals, in, exists, or at_least and below",
                "11 subscriptions[0].filter.data[3].at_least: expected a number, found \"many\"",
            ]),
    ]
}
