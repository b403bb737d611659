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
        .library(name: "FaultInjection", type: .dynamic, targets: ["FaultInjection"]),
        .executable(name: "faults", targets: ["faults"]),
    ],
    dependencies: [
        .package(name: "ChatReactor", path: "../../"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // Faults at every system call of chatd. The library is preloaded into it.
        .target(name: "FaultInjection"),
        .executableTarget(
            name: "faults",
            dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
