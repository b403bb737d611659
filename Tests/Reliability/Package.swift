// swift-tools-version: 6.2

import PackageDescription

// What proves that the relay keeps its promises, and takes longer than a test may: in a package of its own, so that what it needs never
// reaches an embedder.

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

// The targets of `fuzz` are built by it alone: libFuzzer brings the program's main, and they reach what is internal to the product, which
// needs a build with -enable-testing. One of them is about TLS, and nothing else here needs OpenSSL. What else is here needs hiredis, for the
// simulation of several servers.
let isFuzzing = Context.environment["CHATREACTOR_FUZZING"] != nil

let package = Package(
    name: "Reliability",
    products: [
        .library(name: "FaultInjection", type: .dynamic, targets: ["FaultInjection"]),
        .executable(name: "faults", targets: ["faults"]),
        .executable(name: "simulate", targets: ["simulate"]),
    ],
    dependencies: [
        .package(name: "ChatReactor", path: "../../", traits: isFuzzing ? ["TLS"] : ["Redis"]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The loop, the broadcast and the chat on a kernel, a network and a clock that a seed determines.
        .target(name: "SimulatedKernel"),
        .executableTarget(
            name: "simulate",
            dependencies: [
                "SimulatedKernel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Broadcast", package: "ChatReactor"),
                .product(name: "ChatReactor", package: "ChatReactor"),
                .product(name: "ChatReactorRedis", package: "ChatReactor"),
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            // As the tests that it shares a file with have it from the trait.
            swiftSettings: settings + [.define("Redis")]),
        // Faults at every system call of chatd. The library is preloaded into it.
        .target(name: "FaultInjection"),
        .executableTarget(
            name: "faults",
            dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

if isFuzzing {
    // Another implementation of WebSocket, to compare with.
    package.targets.append(.systemLibrary(name: "CWslay", providers: [.apt(["libwslay-dev"])]))
    package.targets.append(
        .executableTarget(
            name: "Fuzzing",
            dependencies: [
                "CWslay", .product(name: "Broadcast", package: "ChatReactor"),
                .product(name: "ChatReactor", package: "ChatReactor"),
                .product(name: "Reactor", package: "ChatReactor"), .product(name: "ReactorTLS", package: "ChatReactor"),
                .product(name: "ReactorWeb", package: "ChatReactor"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            // As the tests that it shares a file with have it from the trait.
            swiftSettings: settings + [.define("TLS")]))
}
