// swift-tools-version: 6.2

import PackageDescription

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
    name: "ChatReactor",
    products: [
        .library(name: "ChatReactor", targets: ["ChatReactor"]),
        .library(name: "Reactor", targets: ["Reactor"]),
        .library(name: "Broadcast", targets: ["Broadcast"]),
        .library(name: "ReactorTLS", targets: ["ReactorTLS"]),
        .library(name: "ReactorWeb", targets: ["ReactorWeb"]),
        .library(name: "ChatReactorService", targets: ["ChatReactorService"]),
        .library(name: "ChatReactorRedis", targets: ["ChatReactorRedis"]),
        .library(name: "ChatReactorMetrics", targets: ["ChatReactorMetrics"]),
        .executable(name: "chatd", targets: ["chatd"]),
        .executable(name: "chat", targets: ["chat"]),
    ],
    traits: [
        .trait(name: "ServiceLifecycle", description: "ChatReactorService, for swift-service-lifecycle."),
        .trait(name: "Metrics", description: "ChatReactorMetrics, for swift-metrics."),
        .trait(name: "TLS", description: "ReactorTLS, and TLS in chatd and chat: with OpenSSL 3, Debian's libssl-dev."),
        .trait(name: "Redis", description: "ChatReactorRedis, and --cluster in chatd: with hiredis, Debian's libhiredis-dev."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        // For the executables alone: no library target depends on anything outside the toolchain.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // Without its trait JSON, which takes all of Foundation.
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        // For the adapters alone: fetched only with the trait that uses it.
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CReactorLinux"),
        .target(name: "CReactorSignals"),
        .target(name: "Reactor", dependencies: ["CReactorLinux", "CReactorSignals"], swiftSettings: settings),
        .target(name: "Broadcast", dependencies: ["CReactorLinux", "Reactor"], swiftSettings: settings),
        .systemLibrary(name: "CReactorOpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        // Without the trait TLS it is empty, and OpenSSL is not looked for.
        .target(
            name: "ReactorTLS", dependencies: [.target(name: "CReactorOpenSSL", condition: .when(traits: ["TLS"])), "Reactor"],
            swiftSettings: settings),
        .target(name: "ReactorWeb", dependencies: ["Reactor"], swiftSettings: settings),
        // For the chat server and for both programs: how the text of strangers is made harmless. It needs nothing, and is no product.
        .target(name: "ChatReactorText", swiftSettings: settings),
        .target(
            name: "ChatReactor", dependencies: ["Broadcast", "ChatReactorText", "Reactor", "ReactorWeb"],
            resources: [.embedInCode("Web/page.html")], swiftSettings: settings),
        .systemLibrary(name: "CReactorHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"])]),
        // Without the trait Redis nothing of it talks to Redis, and hiredis is not looked for.
        .target(
            name: "ChatReactorRedis",
            dependencies: [
                .target(name: "CReactorHiredis", condition: .when(traits: ["Redis"])), "Broadcast", "ChatReactor", "Reactor",
            ], swiftSettings: settings),
        .target(
            name: "ChatReactorService",
            dependencies: [
                "Reactor",
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])),
            ],
            packageAccess: false, swiftSettings: settings),
        .target(
            name: "ChatReactorMetrics",
            dependencies: [
                "ChatReactor",
                .product(name: "Metrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
            ],
            packageAccess: false, swiftSettings: settings),
        // The client and what both programs share are built on what is public, as an embedder's program would be.
        .target(
            name: "ChatCommandLine",
            dependencies: [
                "CChatTerminal", "ChatReactorText", "Reactor", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            packageAccess: false, swiftSettings: settings),
        // What somebody types: a state and a key in, a state and what to draw out. It knows no terminal.
        .target(
            name: "ChatLineEditing", dependencies: ["CReactorLinux", "ChatReactorText"], packageAccess: false,
            swiftSettings: settings),
        // The terminal's mode, which must be restored however the process ends, its size, and keys decoded from its bytes.
        .target(name: "CChatTerminal"),
        .target(
            name: "ChatTerminal", dependencies: ["CChatTerminal", "ChatLineEditing", "Reactor"], packageAccess: false,
            swiftSettings: settings
        ),
        // What chatd gives up once it has started: numbers and calls of the kernel in C; what is allowed, in Swift.
        .target(name: "CChatdSandbox"),
        .target(name: "ChatdSandbox", dependencies: ["CChatdSandbox"], packageAccess: false, swiftSettings: settings),
        // Who may log in to chatd: its file of passwords, and the threads that judge them by crypt(5).
        .target(name: "CChatdCrypt", linkerSettings: [.linkedLibrary("crypt")]),
        .target(
            name: "ChatdPasswords", dependencies: ["CChatdCrypt", "CReactorLinux", "ChatReactor", "Reactor"],
            swiftSettings: settings),
        .executableTarget(
            name: "chatd",
            dependencies: [
                "CReactorLinux", "ChatCommandLine", "ChatReactor", "ChatReactorRedis", "ChatReactorText", "ChatdPasswords",
                "ChatdSandbox", "ReactorTLS", "ReactorWeb",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
            ],
            packageAccess: false, swiftSettings: settings),
        .executableTarget(
            name: "chat",
            dependencies: [
                "ChatCommandLine", "ChatLineEditing", "ChatReactorText", "ChatTerminal", "Reactor", "ReactorTLS",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            packageAccess: false, swiftSettings: settings),

        // Tests. KernelFaults takes the place of libc's system calls inside the test executable, to have them fail on demand.
        .target(name: "TestSupport", dependencies: ["Reactor"], path: "Tests/TestSupport", swiftSettings: settings),
        .executableTarget(
            name: "EmbeddingExample", dependencies: ["ChatReactor"], path: "Tests/EmbeddingExample", swiftSettings: settings),
        // A server for the conformance tests of WebSocket.
        .executableTarget(
            name: "WebSocketEcho", dependencies: ["Reactor", "ReactorWeb"], path: "Tests/WebSocketEcho", packageAccess: false,
            swiftSettings: settings),
        .target(name: "KernelFaults", path: "Tests/KernelFaults"),
        // A program that enters chatd's sandbox, and then does what is forbidden there.
        .target(name: "RawSystemCalls", path: "Tests/RawSystemCalls"),
        .executableTarget(
            name: "SandboxProbe", dependencies: ["ChatdSandbox", "RawSystemCalls"], path: "Tests/SandboxProbe",
            swiftSettings: settings),
        // A program that enters a terminal's mode, and then ends in one of the ways in which programs end.
        .executableTarget(
            name: "TerminalProbe", dependencies: ["ChatTerminal", "Reactor"], path: "Tests/TerminalProbe", packageAccess: false,
            swiftSettings: settings),
        // What is public is tested here. Without access to what is `package`, these see what an embedder sees.
        .testTarget(
            name: "PublicAPITests", dependencies: ["ChatReactor", "ReactorWeb", "TestSupport"], exclude: ["Oracles"],
            packageAccess: false,
            swiftSettings: settings),
        // What only `@testable import` or KernelFaults can reach.
        .testTarget(
            name: "ReactorTests", dependencies: ["CReactorLinux", "KernelFaults", "Reactor", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "BroadcastTests", dependencies: ["Broadcast", "KernelFaults", "Reactor", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ChatReactorTests",
            dependencies: [
                "Broadcast", "ChatReactor", "ChatReactorText", "KernelFaults", "Reactor", "ReactorWeb", "TestSupport",
            ],
            swiftSettings: settings),
        // They need the trait TLS, and the command openssl.
        .testTarget(
            name: "ReactorTLSTests",
            dependencies: [
                .target(name: "CReactorOpenSSL", condition: .when(traits: ["TLS"])), "Broadcast", "KernelFaults", "Reactor",
                "ReactorTLS", "TestSupport",
            ],
            swiftSettings: settings),
        // They need the trait Redis, and the commands redis-server and redis-cli, but for what needs neither.
        .testTarget(
            name: "ChatReactorRedisTests", dependencies: ["ChatReactor", "ChatReactorRedis", "Reactor", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ChatdPasswordsTests", dependencies: ["ChatReactor", "ChatdPasswords", "Reactor", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "LineEditingTests", dependencies: ["ChatLineEditing", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "TerminalTests", dependencies: ["ChatLineEditing", "ChatTerminal", "Reactor", "TerminalProbe", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ExecutableTests",
            dependencies: [
                "CReactorLinux", "ChatCommandLine", "ChatLineEditing", "ChatdSandbox", "EmbeddingExample", "RawSystemCalls",
                "Reactor",
                "SandboxProbe", "TestSupport", "chat", "chatd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            exclude: ["Clients"], swiftSettings: settings),
        .testTarget(
            name: "ServiceAdapterTests",
            dependencies: [
                "ChatReactor", "ChatReactorMetrics", "ChatReactorService", "TestSupport",
                .product(
                    name: "ServiceLifecycle", package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])),
                .product(
                    name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle",
                    condition: .when(traits: ["ServiceLifecycle"])),
                .product(name: "MetricsTestKit", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
            ],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

// The programs take longer to build than the libraries, and no part in what is to be known of these alone.
if let part = Context.environment["CHATREACTOR_LIBRARIES_ALONE"] {
    var programs: Set = [
        "chatd", "chat", "ChatCommandLine", "ChatdSandbox", "CChatdSandbox", "ChatLineEditing", "ChatTerminal", "CChatTerminal",
        "SandboxProbe",
        "TerminalProbe", "RawSystemCalls", "EmbeddingExample", "LineEditingTests", "TerminalTests", "ExecutableTests",
    ]
    // The thread sanitizer is for what has threads, and these are not run with it.
    if part == "threads" {
        programs.formUnion(["BroadcastTests", "ChatReactorTests", "ChatReactorRedisTests", "ChatdPasswordsTests"])
    }
    package.targets.removeAll { programs.contains($0.name) }
    package.products.removeAll { programs.contains($0.name) }
}

// The plugin that makes pages of the documentation is for .ci/documentation, which asks for it. A plugin is fetched by all who depend on
// a package, whether or not they use it, so nobody else is to know of it.
if Context.environment["CHATREACTOR_DOCUMENTATION"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
