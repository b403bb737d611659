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

let package = Package(
    name: "Reliability",
    products: [
        .executable(name: "simulate", targets: ["simulate"])
    ],
    dependencies: [
        .package(name: "ChatReactor", path: "../../"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The loop and the broadcast on a kernel, a network and a clock that a seed determines.
        .target(name: "SimulatedKernel"),
        .executableTarget(
            name: "simulate",
            dependencies: [
                "SimulatedKernel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Broadcast", package: "ChatReactor"),
                .product(name: "Reactor", package: "ChatReactor"),
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
