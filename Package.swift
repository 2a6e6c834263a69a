// swift-tools-version: 6.2
import PackageDescription

/// One settings array for every Swift target: the strictest language the toolchain offers.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
    // Tests run with the checks of exclusive access; in production they cost several percent of the data path.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket: Target.Dependency = .product(name: "NIOWebSocket", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

/// A library in `Shared/<name>`.
func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Shared/\(name)", swiftSettings: swiftSettings)
}

/// An executable in `Services/<name>`.
func service(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Services/\(name)", exclude: exclude,
        resources: resources, swiftSettings: swiftSettings)
}

/// A test target in `Tests/<name>`.
func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, resources: resources,
        swiftSettings: swiftSettings)
}

let package = Package(
    name: "tributary",
    products: [
        .executable(name: "ingress-gateway", targets: ["IngressGateway"]),
        .executable(name: "ingress-connector", targets: ["IngressConnector"]),
        .executable(name: "verifier", targets: ["Verifier"]),
        .executable(name: "normaliser", targets: ["Normaliser"]),
        .executable(name: "fanout-router", targets: ["FanoutRouter"]),
        .executable(name: "bus-tap", targets: ["BusTap"]),
        .executable(name: "tributary", targets: ["Tributary"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
    ],
    targets: [
        .systemLibrary(name: "CZeroMQ", path: "Shared/CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "COpenSSL", path: "Shared/COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNATS", path: "Shared/CNATS", providers: [.apt(["libnats-dev"])]),
        .systemLibrary(name: "CZlib", path: "Shared/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CSimdJSON", path: "Shared/CSimdJSON", cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CChecksum", path: "Shared/CChecksum", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CPlatform", path: "Shared/CPlatform"),
        .target(name: "CDirectIO", path: "Shared/CDirectIO"),
        shared("JSON"),
        shared("StageMetrics", ["JSON"]),
        shared("Threads", ["CPlatform"]),
        .target(
            name: "Wire", dependencies: ["CChecksum"], path: "Shared/Wire", exclude: ["README.md"],
            swiftSettings: swiftSettings),
        shared("Primitives", ["Wire"]),
        shared("HTTPFront", ["CPlatform", "StageMetrics", "Threads", "Wire", nio, nioPosix, nioHTTP1]),
        shared("WebSocket", [nio, nioPosix, nioHTTP1, nioSSL, nioWebSocket]),
        shared("Events", ["JSON", "Primitives", "Wire"]),
        shared("ZeroMQ", ["CZeroMQ"]),
        shared("Bus", ["CPlatform", "StageMetrics", "Threads", "Wire", "ZeroMQ", deque]),
        // AsyncHTTPClient brings modules that are called Crypto and Configuration.
        .target(
            name: "LibCrypto", dependencies: ["COpenSSL"], path: "Shared/Crypto", swiftSettings: swiftSettings),
        shared("AWS", ["JSON", "LibCrypto", "Primitives"]),
        shared("SQSClient", ["AWS", nio, nioHTTP1, nioSSL, asyncHTTPClient]),
        shared("NATS", ["CNATS", "JSON"]),
        shared("Gzip", ["CZlib"]),
        shared("SimdJSON", ["CSimdJSON", "Events", "JSON"]),
        .target(
            name: "VerificationSchemes", dependencies: ["Primitives", "Wire"],
            path: "Shared/Verification/Schemes", swiftSettings: swiftSettings),
        .target(
            name: "Verification",
            dependencies: [
                "LibCrypto", "Events", "Gzip", "JSON", "Primitives", "Providers", "SimdJSON", "VerificationSchemes",
                "Wire",
            ],
            path: "Shared/Verification", exclude: ["Schemes"], swiftSettings: swiftSettings),
        .target(
            name: "Providers", dependencies: ["JSON", "Primitives", "VerificationSchemes", "Wire"],
            path: "Shared/Providers",
            exclude: ["README.md", "VOCABULARY.md", "Schemas", "Normalisation"],
            swiftSettings: swiftSettings),
        .target(
            name: "Normalisation",
            dependencies: [
                "LibCrypto", "Events", "Gzip", "JSON", "Primitives", "Providers", "SimdJSON", "Wire",
            ],
            path: "Shared/Providers/Normalisation", swiftSettings: swiftSettings),
        .target(
            name: "CommitLog", dependencies: ["CDirectIO", "Executable", "Threads", "Wire"], path: "Shared/CommitLog",
            exclude: ["FORMAT.md"], swiftSettings: swiftSettings),
        shared("Journal", ["CommitLog", "Wire"]),
        shared("JournalTakeOver", ["CommitLog", "Journal", "Wire", grdb]),
        shared("EventLog", ["CommitLog", "Events", "Executable", "StageMetrics", "Wire", grdb]),
        shared("Executable", [argumentParser]),
        .target(
            name: "PipelineConfiguration",
            dependencies: [
                "Events", "Executable", "JSON", "Primitives", "Providers", "VerificationSchemes", "Wire", yams,
            ],
            path: "Shared/Configuration", swiftSettings: swiftSettings),
        shared(
            "AdminServer",
            ["Executable", "HTTPFront", "JSON", "Primitives", "StageMetrics", "Threads", nio, nioPosix, nioHTTP1]),
        shared("ServerCertificates", ["Executable", "PipelineConfiguration", nio, nioSSL]),
        shared(
            "StageProcess",
            [
                "AdminServer", "Bus", "Executable", "HTTPFront", "JSON", "PipelineConfiguration", "Primitives",
                "StageMetrics", "Threads", "Wire", logging,
            ]),
        shared(
            "WebhookIntake",
            [
                "AdminServer", "Bus", "CommitLog", "Events", "Executable", "Journal", "JournalTakeOver",
                "PipelineConfiguration", "Primitives", "StageMetrics", "StageProcess", "Threads", "Wire", logging,
            ]),
        shared(
            "ControlClient", ["JSON", "Primitives", "StageMetrics", nio, nioPosix, nioHTTP1, nioSSL, asyncHTTPClient]),
        service(
            "IngressGateway",
            [
                "AdminServer", "Bus", "CommitLog", "Events", "Executable", "HTTPFront", "JSON", "Journal",
                "PipelineConfiguration", "Primitives", "Providers", "ServerCertificates", "StageMetrics",
                "StageProcess", "Threads",
                "WebhookIntake", "Wire", nio, nioPosix, nioHTTP1, nioSSL, argumentParser, logging, nioTLS, deque,
            ],
            exclude: ["PUBLISH.md"]),
        service(
            "IngressConnector",
            [
                "AWS", "AdminServer", "Bus", "CommitLog", "Events", "Executable", "JSON", "PipelineConfiguration",
                "Primitives", "SQSClient", "StageMetrics", "StageProcess", "Threads", "WebSocket", "WebhookIntake",
                "Wire", nio, nioPosix, nioSSL, argumentParser, logging,
            ],
            exclude: ["README.md"]),
        service(
            "Verifier",
            [
                "AdminServer", "Bus", "Events", "Executable", "Gzip", "JSON", "PipelineConfiguration", "Primitives",
                "StageMetrics", "StageProcess", "Threads", "Verification", "VerificationSchemes", "Wire",
                argumentParser, logging,
            ]),
        service(
            "Normaliser",
            [
                "AdminServer", "Bus", "Events", "Executable", "Normalisation", "PipelineConfiguration", "Primitives",
                "Providers", "StageMetrics", "StageProcess", "Threads", "Wire", argumentParser, logging,
            ]),
        shared(
            "DeliverySigning",
            ["PipelineConfiguration", "Primitives", "Providers", "Verification", "VerificationSchemes"]),
        shared("Egress", ["Primitives", nio, nioSSL]),
        .target(
            name: "EventDelivery",
            dependencies: [
                "AWS", "AdminServer", "Bus", "DeliverySigning", "Egress", "EventLog", "Events", "Executable",
                "HTTPFront", "JSON",
                "LibCrypto", "NATS", "PipelineConfiguration", "Primitives", "Providers", "SimdJSON", "StageMetrics",
                "StageProcess", "Threads", "Verification", "VerificationSchemes", "Wire", nio, nioPosix, nioSSL, nioTLS,
                logging, deque,
            ],
            path: "Services/FanoutRouter/EventDelivery", swiftSettings: swiftSettings),
        .target(
            name: "ControlAPI",
            dependencies: [
                "AdminServer", "ControlClient", "EventDelivery", "EventLog", "Events", "Executable", "HTTPFront",
                "JSON", "LibCrypto", "PipelineConfiguration", "Primitives", "Providers", "ServerCertificates",
                "StageMetrics", "StageProcess", "Threads", "WebSocket", "Wire", nio, nioPosix, nioHTTP1, nioSSL,
                logging,
            ],
            path: "Services/FanoutRouter/ControlAPI", exclude: ["openapi.json"], swiftSettings: swiftSettings),
        service(
            "FanoutRouter",
            [
                "AdminServer", "ControlAPI", "EventDelivery", "Executable", "PipelineConfiguration", "StageMetrics",
                "StageProcess", "Threads", argumentParser, logging,
            ],
            exclude: ["ControlAPI", "EventDelivery", "PUSH.md"]),
        // Apart, so that what it costs can be counted.
        .target(
            name: "TapPrinting", dependencies: ["Events", "JSON", "Primitives", "Wire"],
            path: "Services/BusTap/Printing", swiftSettings: swiftSettings),
        service(
            "BusTap",
            [
                "Bus", "Events", "Executable", "PipelineConfiguration", "StageMetrics", "TapPrinting", "Threads",
                "Wire", "ZeroMQ", argumentParser,
            ],
            exclude: ["Printing"]),
        service(
            "Tributary",
            [
                "CommitLog", "ControlClient", "DeliverySigning", "Egress", "LibCrypto", "EventLog", "Events",
                "Executable",
                "Gzip",
                "JSON", "Normalisation",
                "PipelineConfiguration", "Primitives", "Providers", "ServerCertificates", "StageMetrics", "Threads",
                "Verification", "VerificationSchemes", "WebSocket", "Wire", "ZeroMQ", argumentParser, nio, nioPosix,
                nioSSL, nioTLS,
            ], resources: [.embedInCode("Samples/samples.txt")]),
        .target(name: "TestCertificates", path: "Tests/TestCertificates", swiftSettings: swiftSettings),
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: swiftSettings),
        .target(name: "FreePorts", path: "Tests/FreePorts", swiftSettings: swiftSettings),
        tests(
            "EndToEnd", ["COpenSSL", "FreePorts", "Primitives", "SeededRandom", "TestCertificates", "WebhookSamples"],
            exclude: ["Clock"]),
        tests("ZeroMQTests", ["CZeroMQ", "ZeroMQ"]),
        tests("PrimitivesTests", ["Primitives"]),
        tests("JSONTests", ["JSON"]),
        tests("AWSTests", ["AWS", "JSON", "SQSClient"], resources: [.copy("Vectors")]),
        tests("WireTests", ["SeededRandom", "Wire"], exclude: ["read_wire.py", "test_wire_page.py"]),
        tests("HTTPFrontTests", ["HTTPFront", "SeededRandom", nio, nioPosix, nioHTTP1]),
        tests("WebSocketTests", ["SeededRandom", "WebSocket", nio, nioEmbedded, nioPosix, nioHTTP1, nioWebSocket]),
        tests("BusTests", ["Bus", "FreePorts", "SeededRandom", "StageMetrics", "Wire"]),
        tests("BusTapTests", ["BusTap", "Events", "JSON", "LogSamples", "TapPrinting", "Wire"]),
        tests("StageMetricsTests", ["StageMetrics"]),
        tests(
            "ConfigurationTests", ["Executable", "JSON", "PipelineConfiguration", "Providers", "VerificationSchemes"]),
        tests(
            "StageProcessTests",
            [
                "AdminServer", "ControlClient", "Executable", "JSON", "PipelineConfiguration", "Providers",
                "StageMetrics", "StageProcess", "Threads", argumentParser, logging,
            ]),
        tests(
            "TributaryTests",
            [
                "AdminServer", "CommitLog", "ControlClient", "Events", "Executable", "FreePorts", "Gzip", "JSON",
                "Normalisation", "PipelineConfiguration", "Primitives", "Providers", "StageMetrics", "TestCertificates",
                "Threads",
                "Tributary", "Verification", "VerificationSchemes", "WebhookSamples", "Wire", nio, nioPosix, nioHTTP1,
                nioSSL, argumentParser,
            ],
            resources: [.copy("Samples")]),
        tests(
            "FanoutRouterTests",
            [
                "AWS", "AdminServer", "Bus", "ControlAPI", "ControlClient", "DeliverySigning", "Egress",
                "EventDelivery", "EventLog", "Events", "Executable", "FreePorts", "HTTPFront", "JSON", "LibCrypto",
                "LogSamples", "NATS", "PipelineConfiguration", "Primitives",
                "SQSClient", "SeededRandom",
                "ServerCertificates", "StageMetrics", "StageProcess", "TestCertificates", "Threads", "Verification",
                "WebSocket", "Wire", nio,
                nioPosix, nioHTTP1, nioEmbedded, nioSSL, argumentParser, logging,
            ]),
        .target(
            name: "MemoryDisk", dependencies: ["CommitLog", "SeededRandom"], path: "Tests/MemoryDisk",
            swiftSettings: swiftSettings),
        tests("CommitLogTests", ["CommitLog", "MemoryDisk", "SeededRandom", "Wire"]),
        tests(
            "JournalTests",
            [
                "CommitLog", "Executable", "Journal", "JournalTakeOver", "MemoryDisk", "SeededRandom", "Wire", grdb,
            ]),
        .target(
            name: "LogSamples", dependencies: ["EventLog", "Events", "Wire"], path: "Tests/LogSamples",
            swiftSettings: swiftSettings),
        tests(
            "EventLogTests",
            [
                "EventLog", "Executable", "JSON", "LogSamples", "MemoryDisk", "SeededRandom", "StageMetrics", "Wire",
                grdb,
            ]),
        tests(
            "IngressGatewayTests",
            [
                "AdminServer", "Bus", "CommitLog", "Events", "Executable", "HTTPFront", "IngressGateway", "Journal",
                "PipelineConfiguration", "Primitives", "Providers", "SeededRandom", "ServerCertificates",
                "StageMetrics", "TestCertificates", "Threads", "WebhookIntake", "Wire", nio, nioPosix, nioHTTP1, nioSSL,
            ]),
        tests(
            "IngressConnectorTests",
            [
                "AWS", "AdminServer", "CommitLog", "Events", "Gzip", "IngressConnector", "JSON",
                "PipelineConfiguration", "Primitives", "SeededRandom", "StageMetrics", "WebSocket", "WebhookIntake",
                "WebhookSamples", "Wire", nio, nioEmbedded,
            ]),
        .target(
            name: "WebhookSamples", dependencies: ["CZlib", "Events", "Wire"], path: "Tests/WebhookSamples",
            resources: [.copy("Samples")], swiftSettings: swiftSettings),
        tests(
            "ProvidersTests",
            [
                "LibCrypto", "Events", "Gzip", "JSON", "Normalisation", "Primitives", "Providers", "SeededRandom",
                "SimdJSON", "Verification", "VerificationSchemes", "WebhookSamples", "Wire", protobuf,
            ],
            exclude: [
                "test_cloudevents.py", "cloudevents-1.0.2.schema.json", "Fishjam/server_notifications.proto",
            ], resources: [.copy("Vectors")]),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "CommitLog", "Events", "Gzip", "HTTPFront", "JSON", "Journal", "Normalisation", "Primitives",
                "Providers", "TapPrinting", "Verification", "VerificationSchemes", "WebhookSamples", "Wire", nio,
            ],
            path: "Tests/Benchmarks",
            exclude: ["test_flood.py", "test_operate.py", "test_stages.py", "thresholds.json"],
            swiftSettings: swiftSettings),
        tests(
            "VerifierTests",
            [
                "AdminServer", "Bus", "Events", "Executable", "JSON", "PipelineConfiguration", "Providers",
                "SeededRandom", "StageMetrics", "StageProcess", "Verification", "VerificationSchemes", "Verifier",
                "WebhookSamples", "Wire",
            ]),
        tests(
            "NormaliserTests",
            [
                "Bus", "Events", "JSON", "Normaliser", "PipelineConfiguration", "Providers", "SeededRandom",
                "StageMetrics", "StageProcess", "Verification", "WebhookSamples", "Wire",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
