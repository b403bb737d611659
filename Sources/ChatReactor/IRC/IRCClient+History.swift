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
        var count = min(limit, Self.historyBatchLimit)
        var lines: [IRCLine] = []
        repeat {
            lines = self.lines(of: range(of: command, points, in: conversation, atMost: count), in: conversation)
            // Fewer of them are an answer, too.
            count /= 2
        } while count > 0 && lines.reduce(0, { $0 + $1.longestLength }) > Self.historyByteLimit
        send(lines, as: conversation)
    }

    /// Messages from a place on, up to a number or so many.
    private typealias Extent = (start: RecordLog.Place, end: UInt64, limit: Int)

    private func lines(of extent: Extent, in conversation: Conversation) -> [IRCLine] {
        var lines: [IRCLine] = []
        conversation.records.read(from: extent.start) { record in
            if record.sequence >= extent.end { return false }
            if let line = self.line(forPast: record, in: conversation) { lines.append(line) }
            return lines.count < extent.limit
        }
        return lines
    }

    /// What a command asks for. No more records are looked at than it takes to find it: a room may keep a million of them.
    private func range(
        of command: String, _ points: [HistoryPoint], in conversation: Conversation, atMost limit: Int
    ) -> Extent {
        let records = conversation.records
        let end = records.end
        /// The place before the first message that a point does not follow, or that is after it.
        func before(_ point: HistoryPoint) -> RecordLog.Place { point.place(in: records) { !point.follows($0, $1) } }
        func upTo(_ point: HistoryPoint) -> RecordLog.Place { point.place(in: records) { point.precedes($0, $1) } }
        /// The place before the last messages before another one, but not before a third one.
        func last(_ count: Int, before place: RecordLog.Place, notBefore start: RecordLog.Place? = nil) -> RecordLog.Place {
            var left = count
            return records.place(before: place) { record in
                if left == 0 || start.map({ record.sequence < $0.sequence }) == true { return false }
                if isHeard(record) { left -= 1 }
                return true
            }
        }
        guard let first = points.first else { return (last(limit, before: end), end.sequence, limit) }
        switch command {
        case "LATEST": return (last(limit, before: end, notBefore: upTo(first)), end.sequence, limit)
        case "BEFORE":
            let stop = before(first)
            return (last(limit, before: stop), stop.sequence, limit)
        case "AFTER": return (upTo(first), end.sequence, limit)
        case "AROUND": return (last(limit / 2, before: before(first)), end.sequence, limit)
        default:
            guard points.count > 1 else { return (end, end.sequence, limit) }
            // From the one towards the other, whichever is earlier.
            let (one, other) = (first, points[1])
            let (start, stop) = (upTo(one), before(other))
            if start.sequence < stop.sequence { return (start, stop.sequence, limit) }
            let (low, high) = (upTo(other), before(one))
            return (last(limit, before: high, notBefore: low), high.sequence, limit)
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

    /// The place before the first of the records from the point on, or behind it. What a clock that was set back has confused is as it is.
    ///
    /// - Parameter isBehind: Whether a number or a time is on that side of the place.
    func place(in records: RecordLog, _ isBehind: (UInt64, Int64) -> Bool) -> RecordLog.Place {
        if case .sequence(let sequence) = self {
            return records.place(of: isBehind(sequence, 0) ? sequence : sequence &+ 1)
        }
        return records.place(before: records.end) { isBehind($0.sequence, $0.time) }
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
