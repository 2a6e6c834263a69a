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
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let hummingbirdCore: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")

/// A library in `Shared/<name>`.
func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Shared/\(name)", swiftSettings: swiftSettings)
}

/// An executable in `Services/<name>`.
func service(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: "Services/\(name)", exclude: exclude,
        swiftSettings: swiftSettings)
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
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CZeroMQ", path: "Shared/CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "COpenSSL", path: "Shared/COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", path: "Shared/CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CSimdJSON", path: "Shared/CSimdJSON", cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CChecksum", path: "Shared/CChecksum", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CPlatform", path: "Shared/CPlatform"),
        shared("StageMetrics"),
        shared("Threads", ["CPlatform"]),
        .target(
            name: "Wire", dependencies: ["CChecksum"], path: "Shared/Wire", exclude: ["README.md"],
            swiftSettings: swiftSettings),
        shared("Primitives", ["Wire"]),
        shared("JSON", []),
        shared("HTTPFront", ["Wire", nio, nioHTTP1]),
        shared("Events", ["JSON", "Primitives", "Wire"]),
        shared("ZeroMQ", ["CZeroMQ"]),
        shared("Bus", ["CPlatform", "StageMetrics", "Threads", "Wire", "ZeroMQ", deque]),
        .target(
            name: "Providers",
            dependencies: ["COpenSSL", "CSimdJSON", "CZlib", "Events", "JSON", "Primitives", "Wire", protobuf],
            path: "Shared/Providers",
            exclude: ["README.md", "VOCABULARY.md", "Schemas", "Fishjam/server_notifications.proto"],
            swiftSettings: swiftSettings),
        shared("Journal", ["Threads", "Wire", grdb, grdbSQLite]),
        shared("EventLog", ["Events", "StageMetrics", "Wire", grdb, grdbSQLite]),
        shared(
            "StageRuntime",
            [
                "Events", "HTTPFront", "JSON", "Primitives", "StageMetrics", "Providers", "Threads", "Wire", nio,
                nioPosix,
                nioHTTP1, nioSSL, yams,
                logging,
                argumentParser,
            ]),
        shared("ControlClient", ["Primitives", asyncHTTPClient, nio, nioPosix, nioHTTP1, nioSSL]),
        service(
            "IngressGateway",
            [
                "Bus", "Events", "HTTPFront", "JSON", "Journal", "Primitives", "StageMetrics", "Providers",
                "StageRuntime",
                "Threads", "Wire", nio, nioPosix,
                nioHTTP1, nioSSL, nioTLS, deque, logging, argumentParser,
            ]),
        service(
            "Verifier",
            ["Bus", "Events", "JSON", "StageMetrics", "Providers", "StageRuntime", "Wire", logging, argumentParser]),
        service(
            "Normaliser",
            ["Bus", "Events", "StageMetrics", "Providers", "StageRuntime", "Wire", logging, argumentParser]),
        service(
            "FanoutRouter",
            [
                "Bus", "EventLog", "Events", "HTTPFront", "JSON", "Primitives", "StageMetrics", "Providers",
                "StageRuntime",
                "Threads", "Wire", nio, nioPosix,
                nioHTTP1, nioSSL, deque, logging, argumentParser, hummingbirdCore, httpTypes, lifecycle,
            ], exclude: ["API/openapi.json"]),
        service("BusTap", ["Bus", "Events", "JSON", "Primitives", "StageRuntime", "Wire", "ZeroMQ", argumentParser]),
        service(
            "Tributary",
            [
                "ControlClient", "Events", "JSON", "Primitives", "StageMetrics", "Providers", "StageRuntime", "Threads",
                "Wire",
                argumentParser,
            ]),
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: swiftSettings),
        tests("EndToEnd", ["SeededRandom", "COpenSSL", "WebhookSamples"], exclude: ["Clock"]),
        tests("ZeroMQTests", ["CZeroMQ", "ZeroMQ"]),
        tests("PrimitivesTests", ["Primitives"]),
        tests("JSONTests", ["JSON"]),
        tests("WireTests", ["SeededRandom", "Wire"], exclude: ["read_wire.py", "test_wire_page.py"]),
        tests("HTTPFrontTests", ["HTTPFront", "SeededRandom", "Wire", nio, nioPosix, nioHTTP1]),
        tests("BusTests", ["SeededRandom", "Bus", "StageMetrics", "Wire"]),
        tests("BusTapTests", ["BusTap", "Events", "JSON", "LogSamples", "Primitives", "StageRuntime", "Wire"]),
        tests("StageMetricsTests", ["StageMetrics"]),
        tests(
            "StageRuntimeTests",
            [
                "ControlClient", "JSON", "Primitives", "StageMetrics", "Providers", "StageRuntime", "Threads",
                argumentParser, logging,
            ]),
        tests(
            "TributaryTests",
            [
                "ControlClient", "Threads", "Events", "JSON", "Primitives", "StageMetrics", "Providers", "StageRuntime",
                "Tributary", "WebhookSamples", "Wire", nio,
                nioPosix, nioHTTP1, nioSSL, argumentParser,
            ],
            resources: [.copy("Samples")]),
        tests(
            "FanoutRouterTests",
            [
                "Bus", "ControlClient", "EventLog", "Events", "FanoutRouter", "HTTPFront", "JSON", "LogSamples",
                "Primitives", "Providers",
                "SeededRandom",
                "StageMetrics", "StageRuntime", "Wire", nio,
                nioEmbedded, nioPosix, nioHTTP1, nioSSL, logging, argumentParser,
            ]),
        tests("JournalTests", ["SeededRandom", "Journal", "Wire", grdb]),
        .target(
            name: "LogSamples", dependencies: ["EventLog", "Events", "Wire"], path: "Tests/LogSamples",
            swiftSettings: swiftSettings),
        tests("EventLogTests", ["SeededRandom", "EventLog", "Events", "LogSamples", "StageMetrics", "Wire", grdb]),
        tests(
            "IngressGatewayTests",
            [
                "SeededRandom",
                "Bus", "Events", "HTTPFront", "IngressGateway", "JSON", "Journal", "Primitives", "StageMetrics",
                "Providers", "StageRuntime",
                "Threads",
                "Wire",
                nio, nioPosix, nioHTTP1, nioSSL,
            ]),
        .target(
            name: "WebhookSamples", dependencies: ["CZlib", "Events", "Wire"], path: "Tests/WebhookSamples",
            resources: [.copy("Samples")], swiftSettings: swiftSettings),
        tests(
            "ProvidersTests",
            ["SeededRandom", "Events", "JSON", "Primitives", "Providers", "WebhookSamples", "Wire", protobuf],
            exclude: ["test_cloudevents.py", "cloudevents-1.0.2.schema.json"], resources: [.copy("Vectors")]),
        .executableTarget(
            name: "Benchmarks", dependencies: ["Events", "Providers", "WebhookSamples", "Wire"],
            path: "Tests/Benchmarks", exclude: ["test_flood.py", "test_stages.py", "thresholds.json"],
            swiftSettings: swiftSettings),
        tests(
            "VerifierTests",
            [
                "SeededRandom", "Bus", "Events", "StageMetrics", "Providers", "StageRuntime", "Verifier",
                "WebhookSamples",
                "Wire",
            ]),
        tests(
            "NormaliserTests",
            [
                "SeededRandom", "Bus", "Events", "Normaliser", "Providers", "StageMetrics", "StageRuntime",
                "WebhookSamples", "Wire",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
