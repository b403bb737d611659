import Broadcast
import Glibc

/// All that a seed stands for: a setting, and what happens in it, step by step.
struct Plan: Playable {
    let seed: UInt64
    let setting: Setting
    var steps: [Step] = []

    init(seed: UInt64) {
        self.seed = seed
        var random = SeededGenerator(seed: seed &* 0xD134_2543_DE82_EF95 &+ 1)
        setting = Setting(using: &random)
        var author = Author(topicCount: setting.topics.count, capacity: setting.topics[0].capacity, random: random)
        for number in 1...author.random.number(5...60) {
            let action = author.nextAction()
            let turns = author.random.oneIn(4) ? nil : author.random.number(0...3)
            steps.append(Step(number: number, seed: author.random.next(), action: action, turns: turns))
        }
    }
}

/// Thinks up what happens next. Each plan has habits of its own, so that some are all about slow subscribers, others about coming and going.
private struct Author {
    let topicCount: Int
    let capacity: Int
    var random: SeededGenerator
    private var peerCount = 0
    /// Whether so much is published that some fall behind.
    private let isBusy: Bool
    private let habits: [(weight: Int, element: Kind)]

    private enum Kind: CaseIterable {
        case arrival, write, read, readAll, peerEnds, publish, sendPrivately, programEnds, subscription, pausing, timer, threads,
            time
        case descriptors
    }

    init(topicCount: Int, capacity: Int, random: SeededGenerator) {
        self.topicCount = topicCount
        self.capacity = capacity
        var random = random
        isBusy = random.oneIn(3)
        habits = Kind.allCases.map { kind in
            let usual =
                switch kind {
                case .arrival, .write, .publish: 8
                case .read, .sendPrivately, .subscription, .threads, .time: 4
                default: 2
                }
            return (random.oneIn(4) ? 0 : usual * random.number(1...4), kind)
        }
        self.random = random
    }

    mutating func nextAction() -> Action {
        // Somebody has to be there.
        if peerCount < 2 { return arrival() }
        return random.element(ofWeighted: habits).map { action($0) } ?? .nothing
    }

    private mutating func action(_ kind: Kind) -> Action {
        let peer = peer()
        switch kind {
        case .arrival: return peerCount < 12 ? arrival() : .nothing
        case .write:
            let ending: Ending = random.element(of: [.newline, .newline, .newline, .carriageReturn, .unfinished])
            return .write(peer: peer, lines: random.number(1...6), longest: length(), ending)
        case .read: return .read(peer: peer, bytes: random.number(1...3_000))
        case .readAll: return .read(peer: peer, bytes: .max)
        case .peerEnds:
            return random.element(of: [.stopSending(peer: peer), .hangUp(peer: peer), .reset(peer: peer)])
        case .publish:
            let from = random.oneIn(2) ? peer : nil
            return .publish(topic: topic(), from: from, messages: random.number(1...(isBusy ? 10 : 4)), longest: length())
        case .sendPrivately: return .sendPrivately(peer: peer, length: random.number(2...300))
        case .programEnds: return random.oneIn(2) ? .finish(peer: peer) : .close(peer: peer)
        case .subscription:
            return random.oneIn(2)
                ? .unsubscribe(peer: peer, topic: topic()) : .subscribe(peer: peer, topic: topic(), history: history())
        case .pausing: return random.oneIn(2) ? .pause(peer: peer) : .resume(peer: peer)
        case .timer:
            let timer = random.number(0...5)
            return random.oneIn(3) ? .cancel(timer: timer) : .arm(timer: timer, after: random.number(0...400))
        case .threads:
            let queuedTasks = (0..<random.number(0...3)).map { _ in queuedTask() }
            return random.oneIn(3) ? .run(queuedTasks, stopFirst: random.oneIn(4)) : .execute(queuedTasks + [queuedTask()])
        case .time:
            let time = random.element(of: [0, 1, 20, 60, 100, 500, 1_500, 6_000])
            return random.oneIn(5) ? .stall(time) : .wait(time)
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

    private mutating func topic() -> Int { random.number(0...topicCount - 1) }

    private mutating func history() -> Int { random.oneIn(2) ? 0 : random.number(1...20) }

    private mutating func length() -> Int {
        switch random.number(isBusy ? 0...5 : 2...11) {
        case 0...2: capacity / 4 + 20
        case 3...5: capacity / 16
        default: 40
        }
    }

    private mutating func queuedTask() -> QueuedTask {
        switch random.number(0...9) {
        case 0...2: .sendPrivately(peer: peer(), length: random.number(2...100))
        case 3...5: .publish(topic: topic(), length: random.number(1...200))
        case 6: .finish(peer: peer())
        case 7: .close(peer: peer())
        default: .executeAgain
        }
    }

    private mutating func arrival() -> Action {
        let peer = peerCount
        peerCount += 1
        var subscriptions: [Entry.Subscription] = []
        for topic in 0..<topicCount where !random.oneIn(4) {
            subscriptions.append(Entry.Subscription(topic: topic, history: history()))
        }
        let entry = Entry(
            subscriptions: subscriptions, home: topic(), isPublisher: random.oneIn(4), isAnswered: random.oneIn(5),
            inputCapacity: random.element(of: [1, 100, 2_000, 20_000]),
            outputCapacity: random.element(
                of: isBusy ? [1, 100, 700, 1_500, 3_000, 20_000] : [1, 50, 700, 2_000, 20_000, 100_000]))
        switch random.number(0...9) {
        case 0: return .adopt(peer: peer, entry, random.element(of: [.socket, .input, .output]))
        case 1:
            let error = random.oneIn(3) ? random.element(of: [ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH]) : 0
            let delay = random.oneIn(6) ? nil : random.element(of: [0, 1, 40, 300])
            return .dial(peer: peer, entry, delay: delay, error: error, deadline: random.oneIn(2) ? random.number(0...200) : nil)
        default: return .call(peer: peer, entry)
        }
    }
}
