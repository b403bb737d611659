import ChatReactorText

/// What was said before (`CHATHISTORY` of IRCv3): from the records of a room.
extension IRCClient {
    /// How many messages one command is answered with.
    static let historyBatchLimit = 100
    /// How many bytes of history one command is answered with, or about: who reads is not to be closed for having asked.
    private static let historyByteLimit = 786_432

    /// Tells a client that has just come what was said last.
    func sendLast(_ count: Int, of conversation: Conversation) {
        let records = conversation.records
        var lines: [IRCLine] = []
        records.read(from: records.place(ofLast: min(count, 1_000), where: \.isSaid)) { record in
            if let line = self.line(forPast: record, in: conversation) { lines.append(line) }
            return true
        }
        let kept = lines.suffix(countOfLast(in: lines))
        if !kept.isEmpty { send(Array(kept), as: conversation) }
    }

    /// How many of the last lines may be sent with what the command has come to already.
    private func countOfLast(in lines: [IRCLine]) -> Int {
        var left = Self.historyByteLimit - answerLength
        return lines.reversed().prefix { line in
            left -= line.longestLength
            return left >= 0
        }.count
    }

    private func send(_ lines: [IRCLine], as conversation: Conversation) {
        guard capabilities.contains(.batch) else { return lines.forEach(send) }
        let batch = makeBatch()
        send(IRCLine(network.serverName, "BATCH", ["+\(batch)", "chathistory", "#\(conversation.name)"]))
        for var line in lines {
            line.ownTags.append(("batch", batch))
            send(line)
        }
        send(IRCLine(network.serverName, "BATCH", ["-\(batch)"]))
    }

    /// Nil of what was not said, or by somebody who is ignored.
    private func line(forPast record: borrowing Record, in conversation: Conversation) -> IRCLine? {
        guard isHeard(record) else { return nil }
        // Clients remember the host that was last seen with a name, and make masks of it. So who is here is shown as it is now.
        return network.line(for: record, in: conversation, from: find(record.from).map(network.source))
    }

    private func isHeard(_ record: borrowing Record) -> Bool {
        record.kind.isSaid && (ignored.isEmpty || !ignored.contains(ChatName(unchecked: record.from)))
    }

    func chatHistory(_ message: IRCMessage) {
        let command = message.parameters[0].uppercased()
        let parameters = message.parameters
        func refuse(_ code: String, _ text: String) { fail("CHATHISTORY", code, parameters[0], text: text) }
        if command == "TARGETS" { return tellTargets(message) }
        let pointCount = ["LATEST": 1, "BEFORE": 1, "AFTER": 1, "AROUND": 1, "BETWEEN": 2][command]
        guard let pointCount else { return refuse("INVALID_PARAMS", "there is no such subcommand") }
        guard parameters.count >= 3 + pointCount, let limit = Int(parameters[2 + pointCount]), limit > 0 else {
            return refuse(
                "INVALID_PARAMS", "this is CHATHISTORY \(command) TARGET \(pointCount == 1 ? "POINT" : "POINT POINT") LIMIT")
        }
        let target = parameters[1]
        guard let (_, conversation) = findRoom(target), conversation.contains(self) else {
            return fail("CHATHISTORY", "INVALID_TARGET", command, target, text: "there is no history for you of this")
        }
        var points: [HistoryPoint] = []
        for text in parameters[2..<2 + pointCount] {
            if text == "*", command == "LATEST" { continue }
            guard let point = HistoryPoint(text, in: conversation) else {
                return refuse("INVALID_PARAMS", "a point is msgid=… or timestamp=…")
            }
            points.append(point)
        }
        let said = past(of: conversation)
        var count = min(limit, Self.historyBatchLimit)
        var range = Self.range(of: command, points, in: said, atMost: count)
        // Fewer of them are an answer, too.
        var lines = self.lines(of: said[range], in: conversation)
        while count > 1, lines.reduce(0, { $0 + $1.longestLength }) > Self.historyByteLimit {
            count /= 2
            range = Self.range(of: command, points, in: said, atMost: count)
            lines = self.lines(of: said[range], in: conversation)
        }
        send(lines, as: conversation)
    }

    private typealias Past = [(sequence: UInt64, time: Int64)]

    /// All that was said. A message is made only of what is sent: to make thousands for a short command would keep the server busy.
    private func past(of conversation: Conversation) -> Past {
        var past: Past = []
        conversation.records.forEach(from: conversation.records.firstSequence) { record in
            if isHeard(record) { past.append((record.sequence, record.time)) }
            return true
        }
        return past
    }

    private func lines(of past: Past.SubSequence, in conversation: Conversation) -> [IRCLine] {
        guard let first = past.first, let last = past.last else { return [] }
        var lines: [IRCLine] = []
        conversation.records.forEach(from: first.sequence) { record in
            if record.sequence > last.sequence { return false }
            if let line = self.line(forPast: record, in: conversation) { lines.append(line) }
            return true
        }
        return lines
    }

    private static func range(of command: String, _ points: [HistoryPoint], in past: Past, atMost limit: Int) -> Range<Int> {
        /// How many precede a point, and how many precede it or are it.
        func before(_ point: HistoryPoint) -> Int { past.firstIndex { !point.follows($0.sequence, $0.time) } ?? past.count }
        func upTo(_ point: HistoryPoint) -> Int { past.firstIndex { point.precedes($0.sequence, $0.time) } ?? past.count }
        guard let first = points.first else { return max(past.count - limit, 0)..<past.count }
        switch command {
        case "LATEST":
            return max(upTo(first), past.count - limit)..<past.count
        case "BEFORE":
            let end = before(first)
            return max(end - limit, 0)..<end
        case "AFTER":
            let start = upTo(first)
            return start..<min(start + limit, past.count)
        case "AROUND":
            let start = max(before(first) - limit / 2, 0)
            return start..<min(start + limit, past.count)
        default:
            guard points.count > 1 else { return 0..<0 }
            // From the one towards the other, whichever is earlier.
            let (one, other) = (first, points[1])
            let start = upTo(one)
            let end = before(other)
            if start < end { return start..<min(start + limit, end) }
            let (low, high) = (upTo(other), before(one))
            return low < high ? max(low, high - limit)..<high : 0..<0
        }
    }

    /// The rooms in which something was said between two times.
    private func tellTargets(_ message: IRCMessage) {
        guard message.parameters.count >= 4, let one = Int64(timestamp: message.parameters[1]),
            let other = Int64(timestamp: message.parameters[2]), let limit = Int(message.parameters[3]), limit > 0
        else { return fail("CHATHISTORY", "INVALID_PARAMS", "TARGETS", text: "this is CHATHISTORY TARGETS TIME TIME LIMIT") }
        let times = min(one, other)...max(one, other)
        var targets: [(time: Int64, name: ChatName)] = []
        for room in rooms {
            guard let records = room.conversation?.records else { continue }
            records.read(from: records.place(ofLast: 1, where: \.isSaid)) { record in
                if record.kind.isSaid, times.contains(record.time) { targets.append((record.time, room.name)) }
                return !record.kind.isSaid
            }
        }
        targets.sort { $0.time < $1.time }
        let batch = capabilities.contains(.batch) ? makeBatch() : nil
        if let batch { send(IRCLine(network.serverName, "BATCH", ["+\(batch)", "draft/chathistory-targets"])) }
        for target in targets.prefix(min(limit, Self.historyBatchLimit)) {
            var line = IRCLine(network.serverName, "CHATHISTORY", ["TARGETS", "#\(target.name)", Timestamp.rfc3339(target.time)])
            if let batch { line.ownTags.append(("batch", batch)) }
            send(line)
        }
        if let batch { send(IRCLine(network.serverName, "BATCH", ["-\(batch)"])) }
    }
}

/// A place in what was said: a message, or a time.
private enum HistoryPoint {
    case sequence(UInt64)
    case time(Int64)

    init?(_ text: String, in conversation: Conversation) {
        if text.hasPrefix("msgid=") {
            let parts = text.dropFirst("msgid=".count).split(separator: "-")
            guard parts.count == 2, UInt64(parts[0], radix: 36) == conversation.records.epoch, let sequence = UInt64(parts[1])
            else {
                return nil
            }
            self = .sequence(sequence)
        } else if let time = Int64(timestamp: text) {
            self = .time(time)
        } else {
            return nil
        }
    }

    /// Whether what was said then precedes the point.
    func follows(_ sequence: UInt64, _ time: Int64) -> Bool {
        switch self {
        case .sequence(let own): sequence < own
        case .time(let own): time < own
        }
    }

    /// Whether what was said then follows the point.
    func precedes(_ sequence: UInt64, _ time: Int64) -> Bool {
        switch self {
        case .sequence(let own): sequence > own
        case .time(let own): time > own
        }
    }
}

extension Int64 {
    /// A point of time as clients name it: `timestamp=2026-11-27T19:03:05.120Z`.
    init?(timestamp text: String) {
        let prefix = "timestamp="
        guard text.hasPrefix(prefix), let time = Timestamp.parse(rfc3339: String(text.dropFirst(prefix.count))) else {
            return nil
        }
        self = time
    }
}
