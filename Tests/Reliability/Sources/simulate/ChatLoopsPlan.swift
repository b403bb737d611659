import ChatReactor
import Reactor
import SimulatedKernel

/// All that a seed stands for where a chat is on several loops.
struct ChatLoopsPlan: Playable {
    let seed: UInt64
    let setting: Setting
    var steps: [LoopsStep<Action>] = []

    struct Setting: CustomStringConvertible {
        /// Those that are there in the beginning.
        var loops: [EventLoop.Configuration] = []
        var server = ChatServer.Configuration()
        var faults = kernel_faults()

        var description: String {
            let loops = loops.map { loop in
                "read size \(loop.readSize), intake budget \(loop.readBudget), \(loop.eventsPerWait) events a wait"
            }
            let chat = server.chat
            return """
                  lines of \(server.maximumMessageLength) bytes, \(server.slowClients), history \(chat?.history ?? 0), \
                records \(chat?.lobbySize ?? 0) and \(chat?.roomSize ?? 0) bytes
                  \(loops.enumerated().map { "loop \($0.offset): \($0.element)" }.joined(separator: "\n  "))
                  faults in 1,024: short \(faults.short_transfers), EAGAIN \(faults.refusals), EINTR \(faults.interruptions), \
                spurious \(faults.spurious_events), stale \(faults.stale_events), delays \(faults.delays)
                """
        }
    }

    /// A loop is named by its number, of which there are `mostLoops` at the most. What exactly somebody asks for is up to the
    /// step's seed.
    enum Action {
        case begin
        case close(loop: Int)
        case come(loop: Int, isProgram: Bool, outputCapacity: Int, isEager: Bool)
        /// Somebody goes on elsewhere from where somebody who has gone was.
        case comeBack(loop: Int, as: Int)
        case say(member: Int, lines: Int, longest: Int)
        /// So much that the others wait for a loop that makes no turns.
        case flood(member: Int, loop: Int)
        case command(member: Int, Command)
        case read(member: Int, bytes: Int)
        case hangUp(member: Int)
        case operate(loop: Int, Operation)
        case wait(milliseconds: Int)
        /// All have time until nothing more happens.
        case rest
    }

    enum Command: CaseIterable {
        case nick, join, leave, resume, topic, message, who
    }

    /// What an operator does, to whoever has a name, or to a room.
    enum Operation: CaseIterable {
        case kick, ban, unban, mute, unmute, closeRoom, say
    }

    static let mostLoops = 5

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95 &+ 5)
        var setting = Setting()
        for _ in 0..<random.number(2...3) {
            var loop = EventLoop.Configuration()
            loop.readSize = random.element(of: [64, 512, 4_096])
            loop.readBudget = random.element(of: [64, 512, 65_536])
            loop.eventsPerWait = random.element(of: [1, 3, 16])
            setting.loops.append(loop)
        }
        let isFull = random.oneIn(24)
        // So much would take too many turns.
        if isFull { for index in setting.loops.indices { setting.loops[index].readSize = 4_096 } }
        var chat = Chat.Configuration(name: "tea")
        chat.history = random.element(of: [0, 3, 20])
        chat.lobbySize = isFull ? 1 << 20 : random.element(of: [4_096, 65_536, 1 << 20])
        chat.roomSize = random.element(of: [4_096, 65_536])
        setting.server.framing = .lines
        setting.server.maximumMessageLength = isFull ? 20_000 : random.element(of: [120, 400, 1_000])
        setting.server.logCapacity = 4_096
        setting.server.slowClients = random.element(of: [
            .skip, .backpressure(stall: .seconds(1_000_000), grace: .seconds(1_000_000)),
        ])
        setting.server.chat = chat
        setting.faults = kernel_faults(failuresOneIn: 3, atMost: 40, using: &random)
        // Who is closed by such a failure tells nothing of the order.
        (setting.faults.failures, setting.faults.accept_failures) = (0, 0)
        self.setting = setting
        let slowOneIn = random.number(1...5)
        var members = 0
        for number in 1...random.number(10...80) {
            func someLoop(_ random: inout SeededGenerator) -> Int { random.number(0...Self.mostLoops - 1) }
            func someone(_ random: inout SeededGenerator) -> Int { random.number(0...max(members - 1, 0)) }
            let action: Action
            switch members < 2 ? 0 : random.number(0...49) {
            case 0...4 where members < 12:
                action = .come(
                    loop: someLoop(&random), isProgram: !random.oneIn(6),
                    outputCapacity: random.element(of: [100, 1_500, 20_000]), isEager: !random.oneIn(slowOneIn))
                members += 1
            case 5:
                action = .comeBack(loop: someLoop(&random), as: someone(&random))
                members += 1
            case 6...18:
                action = .say(
                    member: someone(&random), lines: random.number(1...6),
                    longest: random.element(of: [5, 40, setting.server.maximumMessageLength / 2]))
            case 19...32: action = .command(member: someone(&random), random.element(of: Command.allCases))
            case 33...36: action = .read(member: someone(&random), bytes: random.number(1...3_000))
            case 37: action = .hangUp(member: someone(&random))
            case 38...39: action = .operate(loop: someLoop(&random), random.element(of: Operation.allCases))
            case 40...41: action = .wait(milliseconds: random.element(of: [1, 6, 100, 1_100]))
            case 42: action = random.oneIn(3) ? .rest : .wait(milliseconds: 3)
            case 43: action = .begin
            case 44: action = random.oneIn(2) ? .close(loop: someLoop(&random)) : .begin
            case 45 where isFull: action = .flood(member: someone(&random), loop: someLoop(&random))
            default: action = .say(member: someone(&random), lines: random.number(1...3), longest: 10)
            }
            let turns = LoopTurn.some(atMost: 6, loops: Self.mostLoops, using: &random)
            steps.append(LoopsStep(number: number, seed: random.next(), action: action, turns: turns))
        }
    }

    func play(isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try ChatLoopsScenario.play(self, isTraced: isTraced, counts: &counts)
    }
}
