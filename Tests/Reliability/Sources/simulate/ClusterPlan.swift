import ChatReactor
import Reactor
import SimulatedKernel

/// All that a seed stands for where several servers are one by a stream of Redis.
struct ClusterPlan: Playable {
    let seed: UInt64
    let setting: Setting
    var steps: [Step] = []

    struct Setting: CustomStringConvertible {
        /// Whether the servers are chats, and not relays.
        var isChat = false
        /// How many there are in the beginning.
        var servers = 2
        var loop = EventLoop.Configuration()
        var maximumMessageLength = 200
        var logCapacity = 4_096
        /// Whether clients of a relay hear those at the same server while the stream is away.
        var isLocal = false
        /// In milliseconds.
        var grace = 5_000
        /// How much the network holds between a server and Redis, in each direction.
        var lineCapacity = 65_536
        var faults = kernel_faults()

        var description: String {
            """
              \(servers) servers of \(isChat ? "a chat" : "a relay"), read size \(loop.readSize), intake budget \(loop.readBudget), \
            \(loop.eventsPerWait) events a wait
              lines of \(maximumMessageLength) bytes, logs of \(logCapacity), grace \(grace) ms, \
            \(isLocal ? "local in an outage" : "dropped in an outage"); \(lineCapacity) bytes between a server and Redis
              faults in 1,024: short \(faults.short_transfers), EAGAIN \(faults.refusals), EINTR \(faults.interruptions), \
            spurious \(faults.spurious_events), stale \(faults.stale_events), delays \(faults.delays)
            """
        }
    }

    /// A server is named by its place, of which there are four: who comes after it has it, too.
    enum Action {
        case join(server: Int, outputCapacity: Int)
        case say(member: Int, lines: Int, longest: Int)
        case read(member: Int, bytes: Int)
        case hangUp(member: Int)
        case announce(server: Int)
        /// One of a server's lines to Redis breaks, once so many bytes more have gone over it.
        case cut(server: Int, line: Int, bytes: Int, towardsRedis: Bool)
        /// A server's lines to Redis carry so many bytes at a time.
        case slow(server: Int, bytes: Int)
        case stopRedis
        /// It is there again, and has forgotten so many of the newest entries.
        case startRedis(losing: Int)
        case trim(entries: Int)
        case die(server: Int, isMachineGone: Bool)
        case begin(server: Int)
        case end(server: Int)
        case wait(milliseconds: Int)
        /// All is well again, until nothing more happens.
        case rest
    }

    struct Step: CustomStringConvertible {
        let number: Int
        let seed: UInt64
        let action: Action
        /// Who makes a turn afterwards: 0 is Redis, 1 the first server.
        let turns: [Int]

        var description: String { "\(number)  \(action); turns: \(turns.map(String.init).joined(separator: " "))" }
    }

    static let places = 4

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95 &+ 4)
        var setting = Setting()
        setting.isChat = random.oneIn(2)
        setting.servers = random.number(2...3)
        setting.loop.readSize = random.element(of: [64, 512, 4_096])
        setting.loop.readBudget = random.element(of: [64, 512, 65_536])
        setting.loop.eventsPerWait = random.element(of: [1, 3, 16])
        setting.maximumMessageLength = random.element(of: [80, 200, 1_000])
        setting.logCapacity = random.element(of: [4_096, 65_536])
        setting.isLocal = random.oneIn(3)
        setting.grace = random.element(of: [300, 2_000, 5_000])
        setting.lineCapacity = random.element(of: [1_000, 4_096, 65_536])
        setting.faults = kernel_faults(failuresOneIn: 3, atMost: 40, using: &random)
        // Who is closed by such a failure tells nothing; the lines to Redis break by steps.
        (setting.faults.failures, setting.faults.accept_failures) = (0, 0)
        self.setting = setting
        // Redis keeps what it has answered, or not.
        let keeps = random.oneIn(2)
        let harm = random.number(0...3)
        var members = 0
        for number in 1...random.number(10...70) {
            let server = random.number(0...Self.places - 1)
            let action: Action
            switch members < 2 ? 0 : random.number(0...26 + 3 * harm) {
            case 0...1 where members < 8:
                action = .join(
                    server: members < 2 ? members : server, outputCapacity: random.element(of: [100, 1_500, 20_000]))
                members += 1
            case 2...10:
                let longest = random.element(of: [5, 40, setting.maximumMessageLength])
                action = .say(member: random.number(0...members - 1), lines: random.number(1...8), longest: longest)
            case 11...15: action = .read(member: random.number(0...members - 1), bytes: random.number(1...3_000))
            case 16: action = random.oneIn(3) ? .hangUp(member: random.number(0...members - 1)) : .announce(server: server)
            case 17...18: action = .wait(milliseconds: random.element(of: [1, 30, 150, 700, 2_500, 6_000]))
            case 19: action = .rest
            case 20: action = .begin(server: server)
            case 21: action = random.oneIn(3) ? .end(server: server) : .announce(server: server)
            case 22...28:
                action = .cut(
                    server: server, line: random.number(0...1), bytes: random.number(0...random.element(of: [3, 60, 600])),
                    towardsRedis: random.oneIn(2))
            case 29...30: action = .slow(server: server, bytes: random.element(of: [0, 1, 20, 500, .max, .max]))
            case 31: action = .stopRedis
            case 32: action = .startRedis(losing: keeps || random.oneIn(2) ? 0 : random.number(1...10))
            case 33: action = keeps ? .startRedis(losing: 0) : .trim(entries: random.number(1...20))
            default: action = .die(server: server, isMachineGone: random.oneIn(2))
            }
            let turns = (0..<random.number(0...6)).map { _ in random.number(0...Self.places) }
            steps.append(Step(number: number, seed: random.next(), action: action, turns: turns))
        }
    }

    func play(isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try ClusterScenario.play(self, isTraced: isTraced, counts: &counts)
    }
}
