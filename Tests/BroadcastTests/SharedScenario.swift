import Reactor
import TestSupport
import Testing

@testable import Broadcast

/// Topics of several loops over one log, with a handful of peers each, that do whatever the seed says. All loops turn on one thread, in a
/// random order, so that a seed has the same again.
///
/// A witness reads all that comes, and so knows the order. Every other peer must have got just that, from some place on, less its own; and
/// nothing that was published after it had joined may be lacking.
final class SharedScenario {
    /// What the scenarios of a run went through.
    struct Record {
        var messages = 0
        var pressures = 0
        var keptMessages = 0
        var joined = 0
        var gone = 0
        var closedLoops = 0
    }

    private struct Failure: Error {
        let what: String
    }

    private final class Member {
        let peer: Peer
        let name: String
        let loop: Int
        /// What had been published when it joined. The rest it must get.
        let before: Set<String>
        /// What it is to write, for which its socket had no room yet.
        var unsent: [UInt8] = []

        init(_ peer: Peer, _ name: String, loop: Int, before: Set<String>) {
            self.peer = peer
            self.name = name
            self.loop = loop
            self.before = before
        }
    }

    private var random: SeededGenerator
    private let log: SharedLog
    private var loops: [EventLoop] = []
    private var topics: [Topic?] = []
    private var members: [Member] = []
    private var witness: Member!
    /// Those of others than the members, and what members are to write.
    private var published: Set<String> = []
    /// What may have been lost, with the loop that was closed.
    private var uncertain: Set<String> = []
    private var count = 0
    private(set) var record = Record()

    static func play(_ count: Int) throws -> Record {
        let base = SeededGenerator()
        var record = Record()
        for offset in 0..<count {
            let seed = base.seed &+ UInt64(offset)
            let scenario = try SharedScenario(SeededGenerator(seed: seed))
            do {
                try scenario.play()
            } catch let failure as Failure {
                Issue.record("CHATREACTOR_SEED=\(seed) has it again at once: \(failure.what)")
                break
            }
            for loop in scenario.loops { loop.close() }
            record.messages += scenario.count
            record.pressures += scenario.record.pressures
            record.keptMessages += scenario.record.keptMessages
            record.joined += scenario.record.joined
            record.gone += scenario.record.gone
            record.closedLoops += scenario.record.closedLoops
        }
        return record
    }

    private init(_ random: SeededGenerator) throws {
        self.random = random
        log = try SharedLog(capacity: [4_096, 8_192, 16_384].randomElement(using: &self.random)!)
        for _ in 0..<Int.random(in: 2...4, using: &self.random) {
            var configuration = EventLoop.Configuration()
            configuration.readSize = .random(in: 64...1_024, using: &self.random)
            configuration.readBudget = .random(in: 64...2_048, using: &self.random)
            let loop = try EventLoop(configuration: configuration)
            var options = Topic.Configuration()
            options.policy = .backpressure(stall: .seconds(3_600), grace: .seconds(3_600))
            options.sendBudget = chance(3) ? .random(in: 1...1_024, using: &self.random) : 65_536
            loops.append(loop)
            topics.append(Topic(on: loop, sharing: log, configuration: options))
        }
    }

    private func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private func play() throws {
        witness = try join(0, sendBuffer: 200_000)
        for index in topics.indices { for _ in 0..<Int.random(in: 0...2, using: &random) { members.append(try join(index)) } }
        for _ in 0..<Int.random(in: 10...60, using: &random) {
            for _ in 0..<Int.random(in: 1...4, using: &random) { try act() }
            try turn(.random(in: loops.indices, using: &random))
        }
        try settle()
        try check()
    }

    private func act() throws {
        let index = Int.random(in: topics.indices, using: &random)
        let member = members.randomElement(using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<4:
            guard let topic = topics[index], !topic.isUnderPressure else { return }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let message = message(of: "loop \(index)")
                let isPublished = topic.publish(message + "\n")
                if isPublished { published.insert(message) }
                if !isPublished, !loops[index].isClosed { throw Failure(what: "a message was refused") }
            }
        case 4..<11:
            guard let member, member.peer.isOpen else { return }
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let message = message(of: member.name)
                published.insert(message)
                member.unsent += Array((message + "\n").utf8)
            }
            write(member)
        case 11..<16: member?.peer.read(atMost: .random(in: 1...6_000, using: &random))
        case 16: if members.count < 9, !loops[index].isClosed { members.append(try join(index)) }
        case 17: if chance(3), let member { leave(member) }
        case 18: if chance(20), index > 0 { try close(index) }
        default: witness.peer.read()
        }
    }

    private func message(of name: String) -> String {
        count += 1
        let length =
            switch Int.random(in: 0..<10, using: &random) {
            case 0: Int.random(in: 0...log.capacity / 5, using: &random)
            case 1..<4: Int.random(in: 0...log.capacity / 16, using: &random)
            default: Int.random(in: 0...40, using: &random)
            }
        return "\(name): \(count) \(String(repeating: ".", count: length))"
    }

    private func write(_ member: Member) {
        let written = member.peer.write(member.unsent)
        member.unsent.removeFirst(written)
    }

    private func join(_ index: Int, sendBuffer: Int32? = nil) throws -> Member {
        let sendBuffer = sendBuffer ?? [1, 1, 10_000, 100_000].randomElement(using: &random)!
        let peer = try Peer(on: loops[index], in: topics[index], sendBuffer: sendBuffer)
        record.joined += 1
        return Member(peer, "peer \(record.joined)", loop: index, before: published)
    }

    /// What the peer has written is still published.
    private func leave(_ member: Member) {
        if !member.unsent.isEmpty { return }
        members.removeAll { $0 === member }
        member.peer.hangUp()
        record.gone += 1
        // Whether it is read depends on whether what the peer was sent last makes for a reset.
        uncertain.formUnion(published.filter { $0.hasPrefix(member.name + ":") })
    }

    /// Closes a loop: what waits for room with it is lost, and the others go on.
    private func close(_ index: Int) throws {
        if loops[index].isClosed { return }
        loops[index].close()
        record.closedLoops += 1
        uncertain.formUnion(published.filter { $0.hasPrefix("loop \(index):") })
        for member in members where member.loop == index {
            uncertain.formUnion(published.filter { $0.hasPrefix(member.name + ":") })
        }
        members.removeAll { $0.loop == index }
        if chance(2) { topics[index] = nil }
    }

    private func turn(_ index: Int) throws {
        let before = topics[index]?.pressureCount ?? 0
        try loops[index].turn()
        if topics[index]?.pressureCount ?? 0 > before { record.pressures += 1 }
        if topics[index]?.membership?.isKeepingMessages == true { record.keptMessages += 1 }
        for member in members + [witness!] where member.peer.closeReason != nil {
            throw Failure(what: "\(member.name) was closed: \(member.peer.closeReason!)")
        }
    }

    /// Turns all loops, and has all peers write and read, until nothing more happens.
    private func settle() throws {
        var quiet = 0
        for _ in 0..<20_000 where quiet < 4 {
            // A long message takes several reads before anybody is sent it.
            var count = 0
            for index in loops.indices {
                count -= loops[index].counts.bytesRead
                try turn(index)
                count += loops[index].counts.bytesRead
            }
            for member in members + [witness!] {
                write(member)
                count += member.unsent.count + member.peer.read()
            }
            quiet = count == 0 ? quiet + 1 : 0
        }
        if quiet < 4 { throw Failure(what: "it does not come to rest") }
        for (loop, topic) in zip(loops, topics) where !loop.isClosed && topic?.isUnderPressure == true {
            throw Failure(what: "publishers are paused for ever")
        }
    }

    private func check() throws {
        let order = witness.peer.lines
        if Set(order).count < order.count { throw Failure(what: "a message came twice") }
        let lacking = published.subtracting(order).subtracting(uncertain)
        if let first = lacking.min() {
            throw Failure(what: "\(lacking.count) messages of \(published.count) never came, such as \(first.prefix(20))")
        }
        if !Set(order).isSubset(of: published) { throw Failure(what: "something came that nobody has published") }
        try checkOrderOfSenders(order)
        for member in members {
            let others = order.filter { !$0.hasPrefix(member.name + ":") }
            let got = member.peer.lines
            if !got.elementsEqual(others.suffix(got.count)) { throw Failure(what: "\(member.name) got something else") }
            let missed = others.dropLast(got.count)
            if !member.before.isSuperset(of: missed) {
                throw Failure(what: "\(member.name) missed what was published after it had joined")
            }
        }
        for (index, topic) in topics.enumerated() where topic != nil && !loops[index].isClosed {
            if topic?.subscriberCount ?? 0 > 0, topic?.messageCount != order.count {
                throw Failure(what: "a topic counts wrong")
            }
        }
    }

    /// Messages are numbered as they are made.
    private func checkOrderOfSenders(_ order: [String]) throws {
        var last: [Substring: Int] = [:]
        for message in order {
            let parts = message.split(separator: ":")
            let number = Int(parts[1].split(separator: " ")[0])!
            if number < last[parts[0], default: 0] { throw Failure(what: "messages of \(parts[0]) are out of order") }
            last[parts[0]] = number
        }
    }
}
