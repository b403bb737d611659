// swift-tools-version: 6.2

import PackageDescription

// The proof of the product's speed, in a package of its own: what it needs never reaches an embedder.

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

let package = Package(
    name: "Benchmarks",
    products: [
        .executable(name: "attack", targets: ["attack"]),
        .executable(name: "compare", targets: ["compare"]),
        .executable(name: "fanout", targets: ["fanout"]),
        .executable(name: "soak", targets: ["soak"]),
    ],
    dependencies: [
        // With TLS, of which the load is put on a server, too: that takes libssl-dev.
        .package(name: "ChatReactor", path: "../", traits: ["TLS"]),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // The load, and what measures it.
        .systemLibrary(name: "CTimer"),
        .target(
            name: "LoadGenerator",
            dependencies: [
                "CTimer",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Reactor", package: "ChatReactor"),
                .product(name: "ReactorWeb", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "fanout",
            dependencies: [
                "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Reactor", package: "ChatReactor"),
                .product(name: "ReactorTLS", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        // What starts a relay and ends it again.
        .target(
            name: "Relays",
            dependencies: [
                "LoadGenerator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        // What does harm to a relay.
        .target(
            name: "Attackers",
            dependencies: [
                "LoadGenerator", "Relays",
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "attack",
            dependencies: [
                "Attackers", "LoadGenerator", "Relays",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "soak",
            dependencies: [
                "Attackers", "LoadGenerator", "Relays",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "compare",
            dependencies: [
                "LoadGenerator", "Relays",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),

        .testTarget(name: "LoadGeneratorTests", dependencies: ["LoadGenerator"], swiftSettings: settings),
        .testTarget(name: "SoakTests", dependencies: ["soak"], swiftSettings: settings),

        // What is measured besides chatd; what is in other languages is in Peers/.
        .executableTarget(name: "limit"),
        .executableTarget(
            name: "reactorserver",
            dependencies: [
                .product(name: "Broadcast", package: "ChatReactor"),
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "nioserver",
            dependencies: [
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
