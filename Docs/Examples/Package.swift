// swift-tools-version: 6.2

import PackageDescription

// Programs that use ChatReactor as any other package would: none of them sees more of it than its products. `./check` builds them all,
// and talks to each.

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

func example(_ name: String, _ products: String..., more: [Target.Dependency] = []) -> Target {
    .executableTarget(
        name: name, dependencies: products.map { .product(name: $0, package: "ChatReactor") } + more, swiftSettings: settings)
}

let package = Package(
    name: "Examples",
    traits: [
        .trait(name: "Hiredis", description: "Builds redis-relay with the C library hiredis, Debian's libhiredis-dev."),
        .default(enabledTraits: []),
    ],
    dependencies: [.package(name: "ChatReactor", path: "../../")],
    targets: [
        example("echo", "Reactor"),
        example("web-echo", "Reactor", "ReactorWeb"),
        example("adder", "Reactor"),
        example("bot", "Reactor"),
        example("lobby", "Reactor"),
        example("proxy", "Reactor"),
        example("telemetry", "Reactor", "Broadcast"),
        example("feed", "ChatReactor"),
        example("dice", "ChatReactor"),
        example("login", "ChatReactor"),
        example("moderation", "ChatReactor"),
        example(
            "redis-relay", "ChatReactor", more: [.target(name: "CHiredis", condition: .when(traits: ["Hiredis"]))]),
        .systemLibrary(name: "CHiredis"),
    ],
    swiftLanguageModes: [.v6]
)
