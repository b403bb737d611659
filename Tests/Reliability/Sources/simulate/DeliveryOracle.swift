import Glibc

/// What one peer is to be sent: a queue of its own for each topic that it hears, into which every message is copied.
///
/// What was sent must be these queues, message by message, as a whole. Messages of topic 0 are of small letters, those of topic 1 of capitals;
/// private lines begin with `!` and notices of a gap with `?`, the topic and the number of messages, which must then be missing exactly.
struct DeliveryOracle {
    struct Message {
        let bytes: [UInt8]
        /// Where it begins in the topic's log.
        let position: Int
    }

    struct Subscription {
        let topic: Int
        fileprivate(set) var due: ArraySlice<Message>
        /// Whether it has ended. The message or the notice that was sent in part by then still comes.
        fileprivate(set) var hasEnded = false
    }

    private enum Source: Equatable {
        case subscription(Int)
        case privateLine
        case notice
    }

    private(set) var subscriptions: [Subscription] = []
    private(set) var privateLines: ArraySlice<[UInt8]> = []
    /// How many of the sent bytes have been found right: up to the end of a message.
    private var checked = 0
    /// What the message that was sent in part belongs to.
    private var partial: Source?
    /// Where the last message that was sent in parts began.
    private var lastSplit = -1

    var isDone: Bool {
        partial == nil && privateLines.isEmpty && subscriptions.allSatisfy { $0.hasEnded || $0.due.isEmpty }
    }

    var lacking: String {
        let counts = subscriptions.filter { !$0.hasEnded && !$0.due.isEmpty }.map {
            "\($0.due.count) messages of topic \($0.topic)"
        }
        return
            (counts + (privateLines.isEmpty ? [] : ["\(privateLines.count) private lines"])
            + (partial == nil ? [] : ["the rest of a message"])).joined(separator: ", ")
    }

    private func current(_ topic: Int) -> Int? {
        subscriptions.lastIndex { $0.topic == topic && !$0.hasEnded }
    }

    func isSubscribed(to topic: Int) -> Bool { current(topic) != nil }

    mutating func subscribe(to topic: Int, history: ArraySlice<Message>) {
        subscriptions.append(Subscription(topic: topic, due: history))
    }

    /// Called when all that was sent has been checked.
    mutating func unsubscribe(from topic: Int) {
        guard let index = current(topic) else { return }
        subscriptions[index].hasEnded = true
        // A notice that was sent in part still comes, too, and counts messages that were due.
        if partial == .notice { return }
        subscriptions[index].due = subscriptions[index].due.prefix(partial == .subscription(index) ? 1 : 0)
    }

    mutating func add(_ message: Message, of topic: Int) {
        if let index = current(topic) { subscriptions[index].due.append(message) }
    }

    mutating func addPrivateLine(_ line: [UInt8]) { privateLines.append(line) }

    mutating func removePrivateLine() { privateLines.removeLast() }

    /// How far behind the topic's tail the peer is: from the first message of others that has not begun to leave.
    func lag(in topic: Int, tail: Int) -> Int {
        guard let index = current(topic) else { return 0 }
        let rest = partial == .subscription(index) ? subscriptions[index].due.dropFirst() : subscriptions[index].due
        return rest.first.map { tail - $0.position } ?? 0
    }

    /// Compares what was sent since the last time.
    mutating func check(_ sent: UnsafeBufferPointer<UInt8>, skipsAllowed: (Int) -> Bool, counts: inout ScenarioCounts)
        throws(Finding)
    {
        while checked < sent.count {
            partial = nil
            let first = unsafe sent[checked]
            if first == UInt8(ascii: "?") {
                guard try unsafe checkNotice(sent, skipsAllowed: skipsAllowed, counts: &counts) else {
                    partial = .notice
                    return
                }
                continue
            }
            let (source, expected) = try expected(after: first)
            let common = min(expected.count, sent.count - checked)
            let isSame = unsafe expected.withUnsafeBytes {
                unsafe memcmp($0.baseAddress!, sent.baseAddress! + checked, common) == 0
            }
            if !isSame { throw Finding("a peer was sent other bytes than those of the next message") }
            if common < expected.count {
                partial = source
                if lastSplit != checked { counts[.splitMessages] += 1 }
                lastSplit = checked
                return
            }
            checked += common
            switch source {
            case .subscription(let index):
                subscriptions[index].due.removeFirst()
                counts[.copiesDelivered] += 1
            default:
                privateLines.removeFirst()
                counts[.privateLines] += 1
            }
        }
        partial = nil
    }

    private func expected(after first: UInt8) throws(Finding) -> (Source, [UInt8]) {
        if first == UInt8(ascii: "!") {
            guard let line = privateLines.first else { throw Finding("a peer was sent a private line that was not for it") }
            return (.privateLine, line)
        }
        let topic = first >= UInt8(ascii: "a") ? 0 : 1
        let index = subscriptions.firstIndex { $0.topic == topic && (!$0.hasEnded || !$0.due.isEmpty) }
        guard let index else { throw Finding("a peer was sent a message of a topic that it does not hear") }
        guard let message = subscriptions[index].due.first else {
            throw Finding("a peer was sent a message that was not due to it", "at byte \(checked), topic \(topic)")
        }
        return (.subscription(index), message.bytes)
    }

    private mutating func checkNotice(
        _ sent: UnsafeBufferPointer<UInt8>, skipsAllowed: (Int) -> Bool, counts: inout ScenarioCounts
    ) throws(Finding) -> Bool {
        let rest = unsafe Array(sent[checked...].prefix(24))
        guard let end = rest.firstIndex(of: 10) else { return false }
        let topic = Int(rest[1]) - 48
        let count = Int(String(decoding: rest[2..<end], as: UTF8.self)) ?? 0
        if !skipsAllowed(topic) { throw Finding("a gap, under another policy than skip") }
        let index = subscriptions.firstIndex { $0.topic == topic && (!$0.hasEnded || !$0.due.isEmpty) }
        guard let index, count > 0, count <= subscriptions[index].due.count else {
            throw Finding("a gap of a wrong size", "\(count) messages")
        }
        subscriptions[index].due.removeFirst(count)
        counts[.skippedMessages] += UInt64(count)
        counts[.noticesOfGaps] += 1
        checked += end + 1
        return true
    }
}
