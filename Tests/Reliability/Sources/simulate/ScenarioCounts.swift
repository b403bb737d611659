import SimulatedKernel

/// What the scenarios of a run went through: scenarios in which nothing ever lags would prove little.
struct ScenarioCounts {
    enum Counter: Int, CaseIterable {
        case scenarios, steps, turns, connections, messagesReceived, messagesPublished, copiesDue, copiesDelivered, privateLines
        case splitMessages, skippedMessages, noticesOfGaps, pressures, historyMessages, rejoined, discardedLines
        case queuedTasks, timersFired
        case closedEndOfInput, closedRequested, closedShutdown, closedLineTooLong, closedTooSlow, closedOutputOverflow
        case closedConnectTimedOut, closedFailed, closedSilent
        case chatRecords, chatLines, chatLive, chatReplayed, chatGaps, chatPrivate, chatCommands, chatStays, chatPrograms
        case chatTexts, chatCloses, chatKicks, chatLabels
    }

    static let size = Counter.allCases.count + Int(KERNEL_COUNTS.rawValue)

    var counts = [UInt64](repeating: 0, count: size)

    subscript(counter: Counter) -> UInt64 {
        get { counts[counter.rawValue] }
        set { counts[counter.rawValue] = newValue }
    }

    subscript(count: kernel_count) -> UInt64 {
        get { counts[Counter.allCases.count + Int(count.rawValue)] }
        set { counts[Counter.allCases.count + Int(count.rawValue)] = newValue }
    }

    mutating func add(_ other: ScenarioCounts) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
    }

    mutating func addKernel() {
        for count in 0..<KERNEL_COUNTS.rawValue {
            self[kernel_count(rawValue: count)] += kernel_counted(kernel_count(rawValue: count))
        }
    }
}

extension ScenarioCounts: CustomStringConvertible {
    var description: String {
        let rows: [(String, UInt64)] = [
            ("scenarios", self[.scenarios]), ("steps", self[.steps]), ("turns of the loop", self[.turns]),
            ("system calls", self[KERNEL_COUNT_CALLS]), ("waits", self[KERNEL_COUNT_WAITS]),
            ("events", self[KERNEL_COUNT_EVENTS]),
            ("connections", self[.connections]), ("accepted", self[KERNEL_COUNT_ACCEPTED]),
            ("descriptors used again", self[KERNEL_COUNT_REUSED_DESCRIPTORS]),
            ("out of descriptors", self[KERNEL_COUNT_DESCRIPTORS_EXHAUSTED]),
            ("messages received", self[.messagesReceived]), ("lines too long", self[.discardedLines]),
            ("messages published", self[.messagesPublished]), ("copies due", self[.copiesDue]),
            ("copies delivered", self[.copiesDelivered]), ("private lines", self[.privateLines]),
            ("split messages", self[.splitMessages]), ("messages skipped", self[.skippedMessages]),
            ("notices of gaps", self[.noticesOfGaps]), ("messages of history", self[.historyMessages]),
            ("rejoined", self[.rejoined]),
            ("pressures", self[.pressures]), ("bytes received", self[KERNEL_COUNT_BYTES_RECEIVED]),
            ("bytes sent", self[KERNEL_COUNT_BYTES_SENT]), ("short receives", self[KERNEL_COUNT_SHORT_RECEIVES]),
            ("short sends", self[KERNEL_COUNT_SHORT_SENDS]), ("full buffers", self[KERNEL_COUNT_FULL_BUFFERS]),
            ("EAGAIN for nothing", self[KERNEL_COUNT_REFUSALS]), ("EINTR", self[KERNEL_COUNT_INTERRUPTIONS]),
            ("other failures", self[KERNEL_COUNT_FAILURES]), ("resets", self[KERNEL_COUNT_RESETS]),
            ("spurious events", self[KERNEL_COUNT_SPURIOUS_EVENTS]), ("stale events", self[KERNEL_COUNT_STALE_EVENTS]),
            ("tasks of other threads", self[.queuedTasks]), ("between system calls", self[KERNEL_COUNT_INTERLEAVINGS]),
            ("wakes", self[KERNEL_COUNT_WAKES]), ("timers fired", self[.timersFired]),
            ("closed: end of input", self[.closedEndOfInput]), ("closed: requested", self[.closedRequested]),
            ("closed: shutdown", self[.closedShutdown]), ("closed: line too long", self[.closedLineTooLong]),
            ("closed: too slow", self[.closedTooSlow]), ("closed: output overflow", self[.closedOutputOverflow]),
            ("closed: connect timed out", self[.closedConnectTimedOut]), ("closed: failed", self[.closedFailed]),
            ("chat: records", self[.chatRecords]), ("chat: lines sent", self[.chatLines]), ("chat: live", self[.chatLive]),
            ("chat: replayed", self[.chatReplayed]), ("chat: gaps", self[.chatGaps]), ("chat: private", self[.chatPrivate]),
            ("chat: commands", self[.chatCommands]), ("chat: rooms entered", self[.chatStays]),
            ("chat: programs", self[.chatPrograms]), ("chat: by WebSocket", self[.chatTexts]),
            ("chat: WebSockets closed", self[.chatCloses]), ("chat: closed as silent", self[.closedSilent]),
            ("chat: kicked from a room", self[.chatKicks]), ("chat: labels answered", self[.chatLabels]),
        ]
        func cell(_ row: (String, UInt64)) -> String {
            let number = "\(row.1)"
            return "  " + row.0 + String(repeating: " ", count: max(1, 40 - row.0.count - number.count)) + number
        }
        let half = (rows.count + 1) / 2
        return (0..<half).map { cell(rows[$0]) + (half + $0 < rows.count ? "  " + cell(rows[half + $0]) : "") }
            .joined(separator: "\n")
    }
}
