import Attackers
import Foundation

/// One way to do harm to a relay, and what the relay must keep to meanwhile.
struct AttackScenario: Sendable {
    /// What is to be had for an attacker: the server, or the discarding server that takes its place while there is no attack.
    struct Field {
        var port: UInt16
        /// The server's process; nil for the discarding server.
        var process: Int32?
        /// A file system that is small and nobody else's; nil if there is none.
        var smallDisk: URL?
        var method: Method
    }

    /// What a server needs to be started with, or what is measured besides.
    enum Kind: Sendable {
        case plain
        /// Callers from `denied` are not let in, by those servers that can be told so.
        case refusing
        /// What it prints goes to a file, which must be harmless.
        case printing
        /// Few descriptors, and a phase without load.
        case starvation
        /// Stopped for a while: latency says nothing, but that all arrives does.
        case pause
        /// With a clock that jumps.
        case clock
        /// What it prints and logs goes to a disk that is full during the attack.
        case fullDisk
        /// Only for servers that speak TLS.
        case handshakes
    }

    var name: String
    var title: String
    var kind = Kind.plain
    /// How much the p99 latency may grow; nil where it says nothing.
    var greatestRatio: Double? = 1.25
    /// How many connections of the attacker a server has at the same time at most.
    var connections: Int
    /// How many of them have an unfinished line.
    var unfinishedLines = 0
    /// How many well-behaved clients there are.
    var clients = 100
    var make: @Sendable (Field) -> any Attacker
    /// Who is at the server while there is no attack, where what the attacker says is delivered, too: that is no harm, but work. Nil has
    /// the attacker do what it does to a discarding server meanwhile.
    var makeHarmless: (@Sendable (Field) -> any Attacker)?

    /// From where nobody else calls.
    static let denied: (network: UInt32, block: String) = (0x7F01_0000, "127.1.0.0/16")
    /// The files that a server with few may open.
    static let fewFiles = 64
    private static let starvedCallers = 60
    /// With these besides the clients, no server of those that are compared is out of descriptors.
    private static let callersWithRoom = 12

    static let all: [AttackScenario] = [
        loitering("stalled-1", "1 % of the peers never read", 1, .neverReading),
        loitering("stalled-10", "10 % of the peers never read", 11, .neverReading),
        loitering("stalled-50", "50 % of the peers never read", 100, .neverReading),
        loitering("slow-readers", "10 % of the peers read a byte a second", 11, .readingSlowly),
        loitering("slow-writers", "10 % of the peers write a byte a second", 11, .writingSlowly),
        // Not more: they get every line, and to deliver it to many more is no harm, but work.
        loitering("silent", "10 % of the peers say nothing", 11, .silent),
        AttackScenario(name: "endless-line", title: "one peer sends without a newline", connections: 1, unfinishedLines: 1) {
            EndlessLine(at: $0.port)
        },
        AttackScenario(
            name: "connect-flood", title: "connections opened and closed", greatestRatio: 2, connections: 4_096
        ) { ConnectFlood(at: $0.port, resets: false) },
        AttackScenario(
            name: "reset-flood", title: "connections opened and reset, most before they are accepted", greatestRatio: 2,
            connections: 4_096
        ) { ConnectFlood(at: $0.port, resets: true) },
        AttackScenario(
            name: "refused-flood", title: "connections opened by whom the server refuses, and closed", kind: .refusing,
            connections: 4_096
        ) { ConnectFlood(at: $0.port, from: denied.network, resets: false) },
        AttackScenario(
            name: "hello-flood", title: "400 handshakes of TLS begun at once, each second", kind: .handshakes,
            greatestRatio: nil, connections: 400
        ) { HelloFlood(400, at: $0.port) },
        visiting("half-close", "100 a second say a line and half close", .halfClosing, says: true),
        visiting("hit-and-run", "100 a second say a line and reset", .hittingAndRunning, says: true),
        visiting("reset-with-output", "100 a second reset with output queued", .resettingWithOutput, says: false),
        AttackScenario(
            name: "hostile-bytes", title: "NUL, CR, ESC, C1, bidi, invalid UTF-8", kind: .printing, connections: 2,
            make: { HostileBytes(at: $0.port) }, makeHarmless: { HostileBytes(at: $0.port, harmlessly: true) }),
        AttackScenario(
            name: "descriptors", title: "more callers than descriptors (\(fewFiles))", kind: .starvation,
            connections: starvedCallers, clients: 40, make: { SlowClients(starvedCallers, .silent, at: $0.port, returns: true) },
            makeHarmless: { SlowClients(callersWithRoom, .silent, at: $0.port) }),
        AttackScenario(
            name: "stopped", title: "stopped by SIGSTOP, then continued", kind: .pause, greatestRatio: nil, connections: 2
        ) {
            field in
            guard let process = field.process else { return Nobody() }
            return Pause(
                process, at: field.port, after: .seconds(field.method.warmUp + 0.2), for: .seconds(field.method.stopSeconds))
        },
        AttackScenario(name: "clock", title: "the wall clock jumps by days", kind: .clock, connections: 0) { field in
            guard let process = field.process else { return Nobody() }
            return ClockJumps(of: process)
        },
        AttackScenario(name: "full-disk", title: "no room on the disk that it writes to", kind: .fullDisk, connections: 0) {
            field in
            guard field.process != nil, let disk = field.smallDisk else { return Nobody() }
            return FullDisk(disk)
        },
    ]

    private static func loitering(_ name: String, _ title: String, _ count: Int, _ manner: SlowClients.Manner) -> AttackScenario {
        AttackScenario(
            name: name, title: title, connections: count, unfinishedLines: manner == .writingSlowly ? count : 0
        ) { SlowClients(count, manner, at: $0.port) }
    }

    private static func visiting(_ name: String, _ title: String, _ manner: BriefClients.Manner, says isHeard: Bool)
        -> AttackScenario
    {
        var scenario = AttackScenario(name: name, title: title, connections: 200) {
            BriefClients(manner, perSecond: 100, at: $0.port)
        }
        if isHeard { scenario.makeHarmless = { SteadyClient(perSecond: 100, at: $0.port) } }
        return scenario
    }
}
