// swift-tools-version: 6.2

import PackageDescription

// What the documentation promises of the library's public API, proved from outside: a package that depends on ChatReactor by path sees
// nothing of it but its products. `swift test --package-path Tests/PublicAPI` runs it.

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
    name: "PublicAPI",
    dependencies: [.package(name: "ChatReactor", path: "../../")],
    targets: [
        .testTarget(
            name: "PublicAPITests", dependencies: [.product(name: "ChatReactor", package: "ChatReactor")],
            swiftSettings: settings)
    ],
    swiftLanguageModes: [.v6]
)
