import Broadcast
import Reactor
import SimulatedKernel

/// All that a seed stands for where several loops share a log.
struct LoopsPlan: Playable {
    let seed: UInt64
    let setting: Setting
    var steps: [LoopsStep<Action>] = []

    struct Setting: CustomStringConvertible {
        var loops: [EventLoop.Configuration] = []
        var capacity = 4_096
        var sendBudgets: [Int] = []
        var faults = kernel_faults()

        var description: String {
            let loops = zip(loops, sendBudgets).map { loop, sendBudget in
                "read size \(loop.readSize), intake budget \(loop.readBudget), send budget \(sendBudget)"
            }
            return """
                  a log of \(capacity) bytes
                  \(loops.enumerated().map { "loop \($0.offset): \($0.element)" }.joined(separator: "\n  "))
                  faults in 1,024: short \(faults.short_transfers), EAGAIN \(faults.refusals), EINTR \(faults.interruptions), \
                spurious \(faults.spurious_events), stale \(faults.stale_events), delays \(faults.delays)
                """
        }
    }

    enum Action {
        case join(loop: Int, outputCapacity: Int)
        case write(peer: Int, lines: Int, longest: Int)
        case read(peer: Int, bytes: Int)
        case publish(loop: Int, messages: Int, longest: Int)
        case hangUp(peer: Int)
        case close(loop: Int)
    }

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95 &+ 3)
        var setting = Setting()
        setting.capacity = random.element(of: [4_096, 4_096, 8_192])
        for _ in 0..<random.number(2...3) {
            var loop = EventLoop.Configuration()
            loop.readSize = random.element(of: [7, 64, 512, 512])
            loop.readBudget = random.element(of: [64, 512])
            loop.eventsPerWait = random.element(of: [1, 3, 16])
            setting.loops.append(loop)
            setting.sendBudgets.append(random.oneIn(3) ? random.number(1...1_024) : 262_144)
        }
        setting.faults = kernel_faults(failuresOneIn: 3, atMost: 40, using: &random)
        // A peer whose connection fails tells nothing about the log.
        setting.faults.failures = 0
        self.setting = setting
        let loops = setting.loops.count
        let isBusy = random.oneIn(2)
        var peers = 0
        for number in 1...random.number(10...80) {
            func length(_ random: inout SeededGenerator) -> Int {
                let capacity = setting.capacity
                return random.element(of: isBusy ? [capacity / 5, capacity / 16, 200] : [capacity / 16, 40, 40])
            }
            let action: Action
            switch peers < 2 ? 0 : random.number(0...20) {
            case 0...1 where peers < 8:
                action = .join(loop: random.number(0...loops - 1), outputCapacity: random.element(of: [1, 100, 1_500, 20_000]))
                peers += 1
            case 2...8: action = .write(peer: random.number(0...peers - 1), lines: random.number(1...6), longest: length(&random))
            case 9...13:
                action = .publish(loop: random.number(0...loops - 1), messages: random.number(1...4), longest: length(&random))
            case 14: action = random.oneIn(4) ? .hangUp(peer: random.number(0...peers - 1)) : .read(peer: 0, bytes: 1)
            case 15: action = random.oneIn(12) ? .close(loop: random.number(1...loops - 1)) : .read(peer: 0, bytes: 1)
            default: action = .read(peer: random.number(0...peers - 1), bytes: random.number(1...3_000))
            }
            let turns = LoopTurn.some(atMost: 3, loops: loops, using: &random)
            steps.append(LoopsStep(number: number, seed: random.next(), action: action, turns: turns))
        }
    }

    func play(isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try LoopsScenario.play(self, isTraced: isTraced, counts: &counts)
    }
}
