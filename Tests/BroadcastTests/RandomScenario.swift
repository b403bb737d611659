import Broadcast
import Glibc
import Reactor
import TestSupport
import Testing

/// A topic and a handful of peers that do whatever the seed says, beside an oracle that copies every message into the queue of
/// every peer that it is for.
///
/// What a peer has taken must be its queue, message by message. Private lines, which begin with `!` as no message does, have a
/// queue of their own; and a notice, `?` and a number, must take exactly so many messages from the queue. Since every message is
/// compared as a whole, nothing can come inside another unnoticed.
final class RandomScenario {
    /// What the scenarios of a run went through: a test whose peers never lag would prove little.
    struct Record {
        var messages = 0
        var splitMessages = 0
        var pressures = 0
        var skipped = 0
        var closedAsTooSlow = 0
        var rejoined = 0
    }

    private enum Standing {
        case subscribed
        /// Open, but not in the topic.
        case outside
        /// Gets what was published until now, and nothing after.
        case finishing
        /// What it got is a prefix of what it should have got.
        case closed
    }

    private final class Member {
        let peer: Peer
        var standing = Standing.subscribed
        var due: ArraySlice<[UInt8]>
        var privateLines: ArraySlice<[UInt8]> = []
        /// How many of the received bytes have been found right.
        var checked = 0

        init(_ peer: Peer, due: ArraySlice<[UInt8]>) {
            self.peer = peer
            self.due = due
        }

        var isChecked: Bool { checked == peer.received.count }
    }

    private struct Failure: Error {
        let what: String

        init(_ what: String) { self.what = what }
    }

    private let loop: EventLoop
    private let policy: SlowSubscriberPolicy
    private let capacity: Int
    /// The tests of a topic's end look at it once the scenario is gone.
    private(set) weak var topic: Topic?
    private var random: SeededGenerator
    private var members: [Member] = []
    private var published: [[UInt8]] = []
    private var publishedInTurn = 0
    private(set) var record = Record()
    private var failure: Failure?

    /// Plays scenarios until one of them breaks a promise, which an issue tells of.
    static func play(_ count: Int, under policy: SlowSubscriberPolicy) throws -> Record {
        let base = SeededGenerator()
        var record = Record()
        for offset in 0..<count {
            guard try play(policy, seed: base.seed &+ UInt64(offset), into: &record) else { break }
        }
        return record
    }

    private static func play(_ policy: SlowSubscriberPolicy, seed: UInt64, into record: inout Record) throws -> Bool {
        var random = SeededGenerator(seed: seed)
        var configuration = EventLoop.Configuration()
        configuration.readSize = .random(in: 64...4_096, using: &random)
        configuration.readBudget = .random(in: 64...8_192, using: &random)
        let loop = try EventLoop(configuration: configuration)
        let scenario = try RandomScenario(policy, on: loop, random)
        do {
            try scenario.play()
        } catch let failure as Failure {
            Issue.record("CHATREACTOR_SEED=\(seed) has it again at once: \(failure.what)")
            loop.close()
            return false
        }
        record.messages += scenario.record.messages
        record.splitMessages += scenario.record.splitMessages
        record.pressures += scenario.record.pressures
        record.skipped += scenario.record.skipped
        record.closedAsTooSlow += scenario.record.closedAsTooSlow
        record.rejoined += scenario.record.rejoined
        return true
    }

    private init(_ policy: SlowSubscriberPolicy, on loop: EventLoop, _ random: SeededGenerator) throws {
        self.loop = loop
        self.policy = policy
        self.random = random
        capacity = [4_096, 8_192, 16_384].randomElement(using: &self.random)!
    }

    private func play() throws {
        var configuration = Topic.Configuration()
        configuration.capacity = capacity
        configuration.policy = policy
        configuration.sendBudget = chance(3) ? .random(in: 1...1_024, using: &random) : capacity
        configuration.skipNotice = { Array("?\($0)\n".utf8) }
        if chance(2) { configuration.sendThreads = try SendThreads(.random(in: 0...2, using: &random), threshold: 1) }
        try withExtendedLifetime(try Topic(on: loop, configuration: configuration)) { topic in
            self.topic = topic
            for _ in 0..<Int.random(in: 1...3, using: &random) { try join(topic) }
            for _ in 0..<Int.random(in: 3...25, using: &random) {
                for _ in 0..<Int.random(in: 1...4, using: &random) { try act(on: topic) }
                try turn(topic)
            }
            try settle(topic)
        }
        for member in members { member.peer.hangUp() }
        // What was written before the far end hung up is still read, and published, a little in each turn.
        for _ in 0..<5_000 where topic?.subscriberCount ?? 0 > 0 { try loop.turn() }
        try loop.turn()
        if topic?.subscriberCount ?? 0 != 0 { throw Failure("a closed connection is still subscribed") }
        if topic != nil { throw Failure("the topic outlives all that used it") }
    }

    // MARK: - What happens

    private func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }

    private func act(on topic: Topic) throws {
        let member = members.randomElement(using: &random)!
        switch Int.random(in: 0..<24, using: &random) {
        case 0..<5: publish(on: topic, from: nil)
        case 5..<9: publish(on: topic, from: member)
        case 9..<13: member.peer.write(lines())
        case 13..<18: member.peer.read(atMost: .random(in: 1...6_000, using: &random))
        case 18..<20: sendPrivately(to: member)
        case 20: if members.count < 5 { try join(topic) } else { try rejoin(member, topic) }
        case 21: try rejoin(member, topic)
        case 22: if chance(2) { try leave(member, topic) }
        default: if chance(3) { end(member) }
        }
    }

    private func length() -> Int {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .random(in: 1...capacity / 4, using: &random)
        case 1..<4: .random(in: 1...capacity / 16, using: &random)
        default: .random(in: 1...40, using: &random)
        }
    }

    /// A message of any bytes, but for the first.
    private func message() -> [UInt8] {
        var bytes = random.distinctBytes(length())
        bytes[0] = UInt8(ascii: "a") + bytes[0] % 26
        return bytes
    }

    /// What a peer writes: lines, the last perhaps unfinished.
    private func lines() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            bytes += message().dropLast().map { $0 == 10 ? 11 : $0 }
            // No line can begin as a private line does, even an empty one or the rest of one that was not written whole.
            bytes += chance(8) ? [] : [10]
        }
        return bytes.map { $0 == UInt8(ascii: "!") || $0 == UInt8(ascii: "?") ? 0 : $0 }
    }

    private func publish(on topic: Topic, from member: Member?) {
        // The pressure does not pause this publisher. It has to stop by itself, or it overruns the log.
        if topic.isUnderPressure { return }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let message = message()
            note(message, from: member)
            topic.publish(message.span, from: member?.peer.connection)
        }
    }

    /// The oracle: a copy for everybody.
    private func note(_ message: [UInt8], from sender: Member?) {
        published.append(message)
        publishedInTurn += message.count
        record.messages += 1
        for member in members where member.standing == .subscribed && member !== sender {
            member.due.append(message)
        }
    }

    private func sendPrivately(to member: Member) {
        let line = Array("!\(record.messages) \(String(repeating: "p", count: .random(in: 0...300, using: &random)))\n".utf8)
        if member.peer.connection?.send(line.span) == true { member.privateLines.append(line) }
    }

    private func history(_ topic: Topic) -> (count: Int, messages: ArraySlice<[UInt8]>) {
        let count = chance(2) ? 0 : Int.random(in: 1...20, using: &random)
        var first = published.endIndex
        var length = 0
        while first > 0, published.endIndex - first < count, length + published[first - 1].count <= capacity / 2 {
            first -= 1
            length += published[first].count
        }
        return (count, published[first...])
    }

    private func join(_ topic: Topic) throws {
        let history = history(topic)
        var options = Connection.Options()
        options.lingerTimeout = .zero
        // Some lines come out longer than a topic takes; it must do without those, but without nothing else.
        options.maximumMessageLength = 262_144
        let sendBuffer = [1, 1, 10_000, 100_000].randomElement(using: &random)!
        let peer = try Peer(on: loop, in: topic, history: history.count, sendBuffer: Int32(sendBuffer), options: options)
        let member = Member(peer, due: history.messages)
        members.append(member)
        peer.didReceive = { [weak self, weak member, weak topic] connection, messages in
            guard let self, let member, let topic else { return }
            // A connection that is not in the topic is not paused under pressure. It has to stop by itself, also once its peer
            // is gone.
            if topic.isUnderPressure, !topic.connections.contains(where: { $0 === connection }) { return }
            // Some of a batch, as a server does that has commands; the rest is for nobody.
            let upper = chance(4) ? Int.random(in: 0...messages.count, using: &random) : messages.count
            let lower = chance(4) ? Int.random(in: 0...upper, using: &random) : 0
            for index in lower..<upper {
                messages.withWireBytes(in: index..<index + 1) { bytes in
                    if bytes.count > topic.maximumMessageLength { return }
                    self.note((0..<bytes.count).map { bytes[$0] }, from: member)
                }
            }
            topic.publish(messages, in: lower..<upper, from: connection)
        }
    }

    /// Unsubscribes, and waits for what had left already: whole messages, and a part of what was due.
    private func leave(_ member: Member, _ topic: Topic) throws {
        guard member.standing == .subscribed, let connection = member.peer.connection, connection.isOpen else { return }
        topic.unsubscribe(connection)
        member.standing = .outside
        repeat {
            try turn(topic)
        } while member.peer.read() > 0 || (member.peer.isOpen && connection.waitingCount > 0)
        try check(member)
        if member.peer.isOpen, !member.isChecked { throw Failure("what a peer got before it left ends inside a message") }
        member.due = []
    }

    private func rejoin(_ member: Member, _ topic: Topic) throws {
        guard member.standing == .outside, let connection = member.peer.connection else { return }
        guard connection.isOpen, !connection.isFinishing else { return }
        let history = history(topic)
        topic.subscribe(connection, history: history.count)
        member.due = history.messages
        member.standing = .subscribed
        record.rejoined += 1
    }

    private func end(_ member: Member) {
        guard member.standing != .closed, members.count > 1 else { return }
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            member.peer.connection?.close()
            member.standing = .closed
        case 1:
            member.peer.hangUp()
            member.standing = .closed
        default:
            member.peer.connection?.finish()
            if member.standing == .subscribed { member.standing = .finishing }
        }
    }

    // MARK: - What must hold

    private func turn(_ topic: Topic) throws {
        let wasUnderPressure = topic.isUnderPressure
        try loop.turn()
        if topic.isUnderPressure, !wasUnderPressure { record.pressures += 1 }
        if topic.isUnderPressure, policy == .skip || policy == .disconnect {
            throw Failure("a policy other than backpressure slows publishers down")
        }
        for member in members {
            try check(member)
            if member.peer.connection?.waitingCount ?? 0 > 0, member.privateLines.isEmpty { record.splitMessages += 1 }
            if let reason = member.peer.closeReason { try checkReason(reason, of: member) }
        }
        publishedInTurn = 0
    }

    private func checkReason(_ reason: CloseReason, of member: Member) throws {
        guard member.standing != .closed else { return }
        let wasFinishing = member.standing == .finishing || member.standing == .outside
        if reason == .tooSlow {
            record.closedAsTooSlow += 1
            switch policy {
            case .disconnect: break
            case .skip:
                if !wasFinishing { throw Failure("a peer was closed that should have been moved ahead") }
            case .backpressure:
                // It was no more than half of the log behind when the turn began, and may be three quarters.
                if publishedInTurn <= capacity / 4 { throw Failure("a peer was closed that should have been waited for") }
            }
            member.standing = .closed
        } else if !wasFinishing || reason != .requested {
            throw Failure("a peer was closed: \(reason)")
        }
    }

    /// Compares what a peer has taken since the last time.
    private func check(_ member: Member) throws {
        while !member.isChecked {
            let rest = member.peer.received[member.checked...]
            let expected: [UInt8]?
            switch rest.first {
            case UInt8(ascii: "?"):
                if policy != .skip { throw Failure("a notice under another policy than skip") }
                guard let end = rest.firstIndex(of: 10) else { return }
                let count = Int(String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)) ?? 0
                if count < 1 || count > member.due.count {
                    throw Failure("a notice of \(count) missed messages, where \(member.due.count) were due")
                }
                member.due.removeFirst(count)
                record.skipped += count
                member.checked = end + 1
                continue
            case UInt8(ascii: "!"): expected = member.privateLines.first
            default: expected = member.due.first
            }
            guard let expected else { throw Failure("a peer got \(rest.count) bytes that were not for it") }
            let common = min(expected.count, rest.count)
            let isSame = unsafe rest.withUnsafeBytes { unsafe memcmp($0.baseAddress!, expected, common) == 0 }
            if !isSame { throw Failure("a peer got other bytes than those of the next message that was due") }
            if common < expected.count { return }
            if rest.first == UInt8(ascii: "!") { member.privateLines.removeFirst() } else { member.due.removeFirst() }
            member.checked += common
        }
    }

    /// Has every peer read all that comes, and checks that nothing is missing.
    private func settle(_ topic: Topic) throws {
        // The reading of one member's input can take up a turn's whole budget, so that the others have to wait for their turns.
        var quiet = 0
        while quiet < 8 * members.count + 8 {
            let messages = record.messages
            try turn(topic)
            let taken = members.reduce(0) { $0 + $1.peer.read() }
            quiet = taken == 0 && record.messages == messages ? quiet + 1 : 0
        }
        if topic.isUnderPressure { throw Failure("there is pressure, though everybody has everything") }
        for member in members {
            try check(member)
            if member.standing == .closed { continue }
            if !member.isChecked { throw Failure("a peer that was not closed got a part of a message") }
            if !member.due.isEmpty { throw Failure("a peer did not get \(member.due.count) messages") }
            if !member.privateLines.isEmpty { throw Failure("a peer did not get \(member.privateLines.count) private lines") }
            if member.standing == .finishing, !member.peer.isAtEnd { throw Failure("a stream was finished and does not end") }
        }
    }
}
