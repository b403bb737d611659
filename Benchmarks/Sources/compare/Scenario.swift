import Relays

/// One way to use a relay.
struct Scenario {
    enum Kind {
        /// As fast as the server can, with so many lines of each sender under way.
        case saturation(window: Int)
        /// At a share of what the limit program delivered when saturated.
        case rate(share: Double)
        case idle
        case churn
        /// From the start of the process to its first connection.
        case start
    }

    var name: String
    var title: String
    var kind: Kind
    var connections = 100
    var senders = 10
    var lineLength = 64
    var stalledPercent = 0
    var isOnUnixSocket = false
    var isForFullRuns = false
    /// What the others are measured by.
    var reference = Relay.limitName
    /// Which relays it is for.
    var relays: [String]

    /// The two that every scenario compares.
    private static let pair = ["limit", "chatd"]
    /// Those that can do the same at a thousand connections.
    private static let fast = pair + ["nio", "libevent", "go", "tokio", "redis", "nats"] + tasks
    /// Those in which each connection has a task.
    private static let tasks = [Relay.asyncName, "nio-async", "nio-async-loop"]
    private static let echoes = [Relay.echoName, Relay.asyncEchoName, "nio-async-echo", "nio-async-loop-echo"]

    /// The scenario whose result on the limit program is the measure of fixed rates.
    static let saturation = "relay-100"

    /// What says the same over TLS, beside the one that says it plainly.
    private static let encrypted = [Relay.chatdName, Relay.chatdTLSName, "stunnel", "ncat-tls"]

    /// What takes the same lines in frames of WebSocket, beside the one that takes them as they are.
    private static let web = [Relay.chatdName, Relay.chatdWebName, "uwebsockets", "nio-web", "python-websockets", "node-ws"]

    static let all: [Scenario] = [
        Scenario(
            name: saturation, title: "100 peers, 10 senders, window 64", kind: .saturation(window: 64),
            relays: fast + ["python", "ncat"]),
        Scenario(
            name: "relay-1000", title: "1,000 peers, 10 senders, window 64", kind: .saturation(window: 64), connections: 1_000,
            relays: fast),
        Scenario(
            name: "relay-10000", title: "10,000 peers, 10 senders, window 64", kind: .saturation(window: 64),
            connections: 10_000, relays: pair),
        Scenario(
            name: "single-100", title: "100 peers, one line at a time", kind: .saturation(window: 1), senders: 1,
            relays: fast + ["python", "ncat"]),
        Scenario(
            name: "single-1000", title: "1,000 peers, one line at a time", kind: .saturation(window: 1), connections: 1_000,
            senders: 1, relays: pair),
        Scenario(
            name: "one-to-one", title: "2 peers, 1 sender, window 1,000", kind: .saturation(window: 1_000), connections: 2,
            senders: 1, relays: pair),
        Scenario(
            name: "size-18", title: "100 peers, lines of 18 bytes", kind: .saturation(window: 64), lineLength: 18, relays: pair),
        Scenario(
            name: "size-512", title: "100 peers, lines of 512 bytes", kind: .saturation(window: 64), lineLength: 512,
            relays: pair),
        Scenario(
            name: "size-4096", title: "100 peers, lines of 4,096 bytes", kind: .saturation(window: 64), lineLength: 4_096,
            relays: pair),
        Scenario(
            name: "unix", title: "100 peers on a Unix socket", kind: .saturation(window: 64), isOnUnixSocket: true,
            relays: pair),
        Scenario(name: "rate-20", title: "100 peers at 20 % load", kind: .rate(share: 0.2), relays: pair),
        Scenario(name: "rate-50", title: "100 peers at 50 % load", kind: .rate(share: 0.5), relays: pair),
        Scenario(name: "rate-80", title: "100 peers at 80 % load", kind: .rate(share: 0.8), relays: pair),
        Scenario(
            name: "healthy", title: "90 peers, all reading, policy skip", kind: .saturation(window: 64), connections: 90,
            relays: ["chatd-skip"]),
        Scenario(
            name: "stalled", title: "100 peers, 10 % never read, policy skip", kind: .saturation(window: 64), stalledPercent: 10,
            relays: ["chatd-skip"]),
        Scenario(
            name: "tls-100", title: "100 peers over TLS, 10 senders, window 64", kind: .saturation(window: 64),
            reference: Relay.chatdName, relays: encrypted),
        Scenario(
            name: "tls-single-100", title: "100 peers over TLS, one line at a time", kind: .saturation(window: 1), senders: 1,
            reference: Relay.chatdName, relays: encrypted),
        Scenario(
            name: "tls-size-512", title: "100 peers over TLS, lines of 512 bytes", kind: .saturation(window: 64), lineLength: 512,
            reference: Relay.chatdName, relays: [Relay.chatdName, Relay.chatdTLSName]),
        Scenario(
            name: "tls-idle", title: "5,000 idle connections over TLS", kind: .idle, connections: 5_000,
            reference: Relay.chatdName,
            relays: [Relay.chatdName, Relay.chatdTLSName, "stunnel"]),
        Scenario(
            name: "tls-churn", title: "connections opened and closed over TLS", kind: .churn, connections: 64,
            reference: Relay.chatdName, relays: [Relay.chatdName, Relay.chatdTLSName, "stunnel"]),
        Scenario(
            name: "web-100", title: "100 WebSockets, 10 senders, window 64", kind: .saturation(window: 64),
            reference: Relay.chatdName, relays: web),
        Scenario(
            name: "web-window-2", title: "100 WebSockets, 10 senders, window 2", kind: .saturation(window: 2),
            reference: Relay.chatdName, relays: web),
        Scenario(
            name: "web-1000", title: "1,000 WebSockets, 10 senders, window 64", kind: .saturation(window: 64), connections: 1_000,
            reference: Relay.chatdName, relays: web),
        Scenario(
            name: "web-single-100", title: "100 WebSockets, one line at a time", kind: .saturation(window: 1), senders: 1,
            reference: Relay.chatdName, relays: web),
        Scenario(
            name: "web-idle", title: "10,000 idle WebSockets", kind: .idle, connections: 10_000, reference: Relay.chatdName,
            relays: [Relay.chatdName, Relay.chatdWebName, "uwebsockets"]),
        Scenario(
            name: "idle-10000", title: "10,000 idle connections", kind: .idle, connections: 10_000, isForFullRuns: true,
            relays: pair + ["nio"]),
        Scenario(
            name: "idle-19000", title: "19,000 idle connections", kind: .idle, connections: 19_000, relays: pair + ["nio"]),
        Scenario(
            name: "echo-1", title: "an echo, 1 peer, window 64", kind: .saturation(window: 64), connections: 1, senders: 1,
            reference: Relay.echoName, relays: echoes),
        Scenario(
            name: "echo-1000", title: "an echo, 1,000 peers, window 1", kind: .saturation(window: 1), connections: 1_000,
            senders: 1_000, reference: Relay.echoName, relays: echoes),
        Scenario(name: "churn", title: "connections opened and closed", kind: .churn, connections: 64, relays: pair + ["nio"]),
        Scenario(name: "start", title: "start to first connection", kind: .start, relays: pair + ["nio"]),
    ]
}
