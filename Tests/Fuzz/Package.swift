// swift-tools-version: 6.2
import PackageDescription

// A package of its own, because everything in it is built with coverage counters and the address sanitizer. It is
// built by scripts/fuzz in .build/fuzz, where `Shared`, `Services` and `Tests` are links to the folders of the
// repository; only what the fuzz targets need is listed. It has the repository's name, which `package` access asks for.

/// Optimised, so that many inputs are tried in a second; traps and bounds checks stay in.
let instrumented: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-O", "-sanitize=fuzzer,address"]),
]

let instrumentedC = ["-O1", "-fsanitize=fuzzer-no-link,address"]

/// libFuzzer without its `main`, which would get in the way of Swift's; scripts/fuzz finds it in the toolchain.
let libFuzzer = Context.environment["TRIBUTARY_LIBFUZZER"] ?? "libclang_rt.fuzzer_no_main-x86_64.a"

func target(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String, exclude: [String] = [],
    sources: [String]? = nil, resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path, exclude: exclude, sources: sources, resources: resources,
        swiftSettings: instrumented)
}

let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "tributary",
    products: [.executable(name: "fuzz", targets: ["Fuzz"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", path: "Shared/COpenSSL"),
        .systemLibrary(name: "CZlib", path: "Shared/CZlib"),
        .target(
            name: "CSimdJSON", path: "Shared/CSimdJSON", cxxSettings: [.unsafeFlags(instrumentedC)],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CChecksum", path: "Shared/CChecksum", cSettings: [.unsafeFlags(["-O2"])]),
        .target(name: "CPlatform", path: "Shared/CPlatform"),
        target("Threads", ["CPlatform"], path: "Shared/Threads"),
        target("JSON", path: "Shared/JSON"),
        target("StageMetrics", ["JSON"], path: "Shared/StageMetrics"),
        target("Wire", ["CChecksum"], path: "Shared/Wire", exclude: ["README.md"]),
        target("Primitives", ["Wire"], path: "Shared/Primitives"),
        target(
            "HTTPFront", ["Wire", nio, nioHTTP1], path: "Shared/HTTPFront",
            exclude: ["Acceptor.swift", "ListeningSocket.swift"]),
        target("Events", ["JSON", "Primitives", "Wire"], path: "Shared/Events"),
        target("LibCrypto", ["COpenSSL"], path: "Shared/Crypto"),
        target("Gzip", ["CZlib"], path: "Shared/Gzip"),
        target("SimdJSON", ["CSimdJSON", "Events", "JSON"], path: "Shared/SimdJSON"),
        target("VerificationSchemes", ["Primitives", "Wire"], path: "Shared/Verification/Schemes"),
        target(
            "Verification",
            ["LibCrypto", "Events", "Gzip", "JSON", "Primitives", "SimdJSON", "VerificationSchemes", "Wire"],
            path: "Shared/Verification", exclude: ["Schemes"]),
        target(
            "Providers", ["JSON", "Primitives", "VerificationSchemes", "Wire"], path: "Shared/Providers",
            exclude: ["Normalisation"]),
        target(
            "Normalisation",
            ["LibCrypto", "Events", "Gzip", "JSON", "Primitives", "Providers", "SimdJSON", "Wire"],
            path: "Shared/Providers/Normalisation"),
        target("CommitLog", ["Executable", "Wire"], path: "Shared/CommitLog", sources: ["CommitLog.swift"]),
        target("Executable", path: "Shared/Executable", exclude: ["StageOptions.swift"]),
        target(
            "PipelineConfiguration",
            ["Events", "Executable", "JSON", "Primitives", "Providers", "VerificationSchemes", "Wire", yams],
            path: "Shared/Configuration"),
        target(
            "WebhookIntake", ["CommitLog", "Primitives", "StageMetrics", "Threads", "Wire"],
            path: "Shared/WebhookIntake",
            sources: [
                "IntakeLimits.swift", "IntakePartition.swift", "JournalMailbox.swift", "JournalMetrics.swift",
                "JournalState.swift",
                "ReplyToken.swift", "Sender.swift",
            ]),
        target(
            "IngressGateway",
            [
                "PipelineConfiguration", "Events", "Executable", "HTTPFront", "CommitLog", "Primitives", "Providers",
                "StageMetrics", "Threads", "WebhookIntake", "Wire", deque, nio, nioHTTP1, nioTLS,
            ],
            path: "Services/IngressGateway",
            exclude: [
                "Answers/JournalAnswers.swift", "Answers/PendingAnswers.swift", "FrontDoor/FrontDoor.swift",
                "FrontDoor/FrontTLS.swift", "FrontDoor/PassedSocket.swift", "PUBLISH.md",
            ],
            sources: [
                "Answers", "FrontDoor", "IngressLimits.swift", "IngressMetrics.swift", "Partition.swift", "Quotas",
            ]),
        target(
            "WebhookSamples", ["CZlib", "Events", "Wire"], path: "Tests/WebhookSamples",
            resources: [.copy("Samples")]),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Events", "Gzip", "HTTPFront", "IngressGateway", "CommitLog", "Normalisation", "Primitives",
                "Providers",
                "SimdJSON", "StageMetrics", "Verification", "VerificationSchemes", "WebhookIntake", "WebhookSamples",
                "Wire", nio, nioEmbedded, nioHTTP1,
            ], path: "Tests/Fuzz", exclude: ["Package.swift", "test_campaign.py"], swiftSettings: instrumented,
            linkerSettings: [
                .unsafeFlags(["-sanitize=address", "-use-ld=lld", "-Xlinker", libFuzzer, "-lstdc++"])
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
