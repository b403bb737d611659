import Glibc

/// All that a seed stands for in a chat: a setting, and what happens in it, step by step.
struct ChatPlan: Playable {
    let seed: UInt64
    let setting: ChatSetting
    var steps: [ChatStep] = []

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95 &+ 2)
        setting = ChatSetting(using: &random)
        var author = ChatAuthor(random: random)
        for number in 1...author.random.number(10...90) {
            let action = author.nextAction()
            let turns = author.random.oneIn(3) ? nil : author.random.number(0...3)
            steps.append(ChatStep(number: number, seed: author.random.next(), action: action, turns: turns))
        }
    }

    func play(isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try ChatScenario.play(self, isTraced: isTraced, counts: &counts)
    }
}

/// Thinks up what happens next in a chat. Each plan has habits of its own, so that some are all about speaking, others about coming and going.
private struct ChatAuthor {
    var random: SeededGenerator
    private var peerCount = 0
    private let habits: [(weight: Int, element: Kind)]
    /// The commands of this plan, the likelier ones several times.
    private let commands: [ChatAction.Command]
    /// One in so many peers does not read by itself.
    private let slowOneIn: Int

    private enum Kind: CaseIterable {
        case arrival, say, command, read, peerEnds, operate, time, descriptors
    }

    init(random: SeededGenerator) {
        var random = random
        habits = Kind.allCases.map { kind in
            let usual =
                switch kind {
                case .say, .command: 16
                case .arrival, .read, .time: 6
                case .peerEnds, .operate: 2
                case .descriptors: 1
                }
            return (kind != .say && random.oneIn(5) ? 0 : usual * random.number(1...4), kind)
        }
        var commands: [ChatAction.Command] = []
        for command in ChatAction.Command.allCases where !random.oneIn(4) {
            let isFinal = command == .quit || command == .quitWord
            let weight = isFinal ? 1 : random.number(1...6)
            // Few are somebody's who keeps a room.
            commands += Array(repeating: command, count: command == .kick ? 4 * weight : weight)
        }
        self.commands = commands.isEmpty ? [.join] : commands
        slowOneIn = random.number(1...5)
        self.random = random
    }

    mutating func nextAction() -> ChatAction {
        // Somebody has to be there.
        if peerCount < 2 { return arrival() }
        return random.element(ofWeighted: habits).map { action($0) } ?? .nothing
    }

    private mutating func action(_ kind: Kind) -> ChatAction {
        let peer = peer()
        switch kind {
        case .arrival: return peerCount < 16 ? arrival() : .nothing
        case .say: return .say(peer: peer, lines: random.oneIn(4) ? random.number(5...60) : random.number(1...4))
        case .command: return .command(peer: peer, random.element(of: commands))
        case .read:
            return random.oneIn(6)
                ? .becomeEager(peer: peer) : .read(peer: peer, bytes: random.oneIn(2) ? .max : random.number(1...3_000))
        case .peerEnds: return random.element(of: [.stopSending(peer: peer), .hangUp(peer: peer), .reset(peer: peer)])
        case .operate: return .operate(peer: peer, random.element(of: ChatAction.Operation.allCases))
        case .time:
            let time = random.element(of: [1, 20, 100, 500, 1_100, 6_000])
            return random.oneIn(6) ? .stall(time) : .wait(time)
        case .descriptors:
            if random.oneIn(2) { return .liftLimit }
            return random.oneIn(2)
                ? .limitDescriptors(more: random.number(0...2)) : .exhaust(random.element(of: [ENOMEM, ENFILE, EMFILE]))
        }
    }

    private mutating func peer() -> Int {
        // Those that came last are the likeliest to be there still.
        max(random.number(0...peerCount - 1), random.number(0...peerCount - 1))
    }

    private mutating func arrival() -> ChatAction {
        let peer = peerCount
        peerCount += 1
        return .call(
            peer: peer, random.element(of: [.lines, .lines, .lines, .irc, .ircWithTags, .webText, .webJSON]),
            inputCapacity: random.element(of: [13, 100, 2_000, 20_000, 20_000]),
            outputCapacity: random.element(of: [20, 50, 700, 3_000, 20_000, 100_000]), isEager: !random.oneIn(slowOneIn))
    }
}
