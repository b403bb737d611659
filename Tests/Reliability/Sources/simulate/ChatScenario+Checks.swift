import ChatReactor
import Reactor
import SimulatedKernel

/// What must hold in a chat whenever the loop is at rest, when a connection closes, and in the end.
extension ChatScenario {
    // MARK: - At the end of a connection

    func check(_ reason: CloseReason, of member: ChatMember) throws(Finding) {
        let who = "peer \(member.number), \(reason), \(member.farewell ?? "without a word")"
        switch reason {
        case .endOfInput:
            counts[.closedEndOfInput] += 1
            if !world_was_read_to_end(member.stream), member.web?.hasSentClose != true {
                throw Finding("closed for the end of input, which has not come", who)
            }
        case .requested:
            counts[.closedRequested] += 1
            let isBanned = hasBans && member.stays.isEmpty
            if !member.wasRemoved, !member.asksToQuit, !isBanned {
                throw Finding("closed as requested, and nobody requested it", who)
            }
        case .shutdown:
            counts[.closedShutdown] += 1
            if !isLoopClosed, !isShuttingDown { throw Finding("closed for a shutdown that is none", who) }
        case .messageTooLong:
            counts[.closedLineTooLong] += 1
            let count = member.countLines(longerThan: plan.setting.server.maximumMessageLength)
            if count < (member.web?.hasSentLongParts == true ? 1 : 3) {
                throw Finding("closed for a line that was not too long", who)
            }
        case .firstMessageTimedOut:
            if member.irc == nil || !member.stays.isEmpty {
                throw Finding("closed for saying nothing, and it has said who it is", who)
            }
        case .incompleteMessage:
            counts[.closedEndOfInput] += 1
            // A peer that goes within a frame.
            if member.web == nil || !member.hasEnded || !world_was_read_to_end(member.stream) {
                throw Finding("closed within a message, and the peer has not gone within one", who)
            }
        case .idleTimedOut:
            counts[.closedSilent] += 1
            let silence = Duration.nanoseconds(kernel_now() - world_last_received(member.stream))
            // It is asked after one interval, and given another to answer.
            guard member.web != nil, let interval = plan.setting.pingInterval, silence >= interval * 2 else {
                throw Finding("closed as silent, and it is not", who)
            }
        case .tooSlow:
            counts[.closedTooSlow] += 1
            let isFinishing = member.stays.allSatisfy { $0.end != nil }
            if !isFinishing, member.reader.lag < plan.setting.topicCapacity / 4 {
                throw Finding("closed as too slow, and it is not", "\(who), lags by \(member.reader.lag)")
            }
        case .failed(let error):
            counts[.closedFailed] += 1
            if world_failure(member.stream) != error.rawValue { throw Finding("closed for a failure that never was", who) }
        default: throw Finding("closed for a reason that nothing here gives", who)
        }
        if let web = member.web { try check(web, reason, of: member, who) }
        if let farewell = member.farewell, !mayLeave(member, farewell, reason) {
            throw Finding("the others are told another reason than is so", who)
        }
    }

    /// A WebSocket that ends in order ends with a Close frame, which says why.
    private func check(_ web: WebPeer, _ reason: CloseReason, of member: ChatMember, _ who: String) throws(Finding) {
        if web.hasClose {
            counts[.chatCloses] += 1
            if !web.hasRightCode(for: reason, isAnswer: web.hasSentClose && !member.hasOutbox) {
                throw Finding("a Close frame says another reason than is so", "\(who): \(web.closeCode ?? 0)")
            }
            return
        }
        switch reason {
        case .endOfInput, .incompleteMessage, .requested, .messageTooLong:
            if world_failure(member.stream) == 0, !world_is_dead(member.stream), !isLoopClosed {
                throw Finding("a WebSocket ends without a Close frame", who)
            }
        default: break
        }
    }

    private func mayLeave(_ member: ChatMember, _ farewell: String, _ reason: CloseReason) -> Bool {
        switch farewell {
        case "quit": member.asksToQuit
        case _ where farewell.hasPrefix("quit: "): mayLeave(member, saying: String(farewell.dropFirst(6)))
        case "kicked": member.wasRemoved || reason == .messageTooLong
        case "shutdown": reason == .shutdown
        case "too slow": reason == .tooSlow
        case "timed out": reason == .failed(.timedOut) || reason == .idleTimedOut
        case "closed":
            switch reason {
            case .endOfInput, .incompleteMessage, .failed: true
            default: false
            }
        default: false
        }
    }

    private func mayLeave(_ member: ChatMember, saying words: String) -> Bool {
        if member.irc != nil { return member.asksToQuit && (words == "bye" || member.isTorn && "bye".hasPrefix(words)) }
        return member.partingWords.contains { said in
            if !plan.setting.isModerated { return isSaid(words, said, member) }
            if said.contains("spam") { return member.isTorn && said.hasPrefix(words) && !words.contains("spam") }
            // The last word may be that of the beginning alone.
            if said.contains("wine"), words.hasPrefix("water for ") { return said.contains(words.dropFirst("water for ".count)) }
            return isSaid(words, said, member)
        }
    }

    /// Whether words are all of what somebody has said, or the beginning of more than is shown of it, or than has come.
    private func isSaid(_ words: String, _ said: String, _ member: ChatMember) -> Bool {
        words == said || said.hasPrefix(words) && (member.isTorn || words.count == 300 || words.utf8.count > 256)
    }

    // MARK: - At rest

    /// The loop has found nothing to do: then nothing may be left to be done.
    func checkRest() throws {
        if world_waiting_callers_are_watched() { throw Finding("callers wait, and the loop rests") }
        try lookAround()
        for (key, history) in histories where key != "lobby" && history.room?.clientCount == 0 {
            throw Finding("a room stays when the last one has left", history.name)
        }
        for member in members where member.isOpen {
            guard let connection = member.connection, world_failure(member.stream) == 0, !connection.isFinishing else { continue }
            guard world_is_writable(member.stream) else { continue }
            if connection.pendingOutput > 0 {
                throw Finding("a peer is owed something, and the loop rests", "peer \(member.number)")
            }
            if let lacking = lackingAtRest(member) {
                throw Finding("a peer is owed something, and the loop rests", "peer \(member.number): \(lacking)")
            }
            // Otherwise another one may be waited for.
            guard case .backpressure = plan.setting.server.slowClients else {
                if world_unreceived_count(member.stream) > 0 {
                    throw Finding("a peer has written, and the loop rests", "peer \(member.number)")
                }
                continue
            }
        }
        try throwFinding()
    }

    private func lackingAtRest(_ member: ChatMember) -> String? { member.reader.lacking }

    // MARK: - In the end

    func end() throws {
        kernel_seed(plan.seed)
        liftLimit()
        var none = kernel_faults()
        if plan.seed & 2 == 0 { unsafe kernel_set_faults(&none) }
        // Everybody takes everything: nothing may be missing.
        try drain()
        try pass(1_500)
        try drain()
        // Under backpressure, one that has long read nothing may have held up all others.
        try pass(8_000)
        try drain()
        // A crowd that has just come or gone is counted at the end of the second.
        for _ in 0..<3 where !untoldHistories.isEmpty {
            try pass(1_100)
            try drain()
        }
        try checkAll()
        unsafe kernel_set_faults(&none)
        if plan.seed & 1 == 0 {
            try askAll()
            try closeByPeers()
        } else if plan.seed & 4 == 0 {
            try shutDownAll()
        }
        isLoopClosed = true
        loop.close()
        try throwFinding()
        for member in members where member.isAccepted {
            if member.connection != nil { throw Finding("a closed connection is kept", "peer \(member.number)") }
            if member.reason == nil { throw Finding("a connection does not close", "peer \(member.number)") }
        }
    }

    private func drain() throws {
        for member in members {
            member.isEager = true
            world_widen(member.stream)
        }
        try rest()
    }

    /// Everybody who is still there knows all that there is to know.
    private func checkAll() throws {
        for member in members where member.isOpen && member.connection?.isFinishing == false && world_failure(member.stream) == 0
        {
            if let lacking = member.reader.lacking {
                throw Finding("a peer lacks something in the end", "peer \(member.number): \(lacking)")
            }
            if member.hasOutbox || world_unreceived_count(member.stream) > 0 {
                throw Finding("a peer is not heard any more", "peer \(member.number)")
            }
            if member.web?.hasSentClose == true { throw Finding("a Close frame is not answered", "peer \(member.number)") }
            if let label = member.irc?.unanswered {
                throw Finding("a command with a label is not answered", "peer \(member.number): \(label)")
            }
            if member.irc != nil { continue }
            if member.hasUnsaid, !member.hasEnded {
                throw Finding("something that was sent is not said", "peer \(member.number)")
            }
            if member.reader.refusals > member.refusals || (!member.wasMuted && member.reader.refusals < member.refusals) {
                throw Finding(
                    "what is not said is not refused", "peer \(member.number): \(member.refusals), \(member.reader.refusals) told"
                )
            }
        }
        for history in untoldHistories {
            throw Finding("those who come and go in a crowd are not counted", history.name)
        }
    }

    /// The rooms in which not everybody has been told or counted who has come or gone.
    private var untoldHistories: [ChatRoomHistory] {
        histories.values.filter { $0.untoldJoins != 0 || $0.untoldLeaves != 0 }
    }

    /// Everybody asks who is there.
    private func askAll() throws {
        guard let chat = server?.chat, !isShuttingDown else { return }
        let asking = members.filter { $0.irc == nil && $0.isOpen && !$0.hasEnded && $0.connection?.isFinishing == false }
        for member in asking { member.ask(.other, "/who") }
        try drain()
        for member in asking { member.ask(.other, "/rooms") }
        try drain()
        for member in asking where member.isOpen && member.isJSON && !member.asksToQuit {
            guard let who = member.reader.lastWho, let room = member.person?.room else { continue }
            let there = members.filter { $0.isOpen && $0.stays.contains { $0.end == nil && $0.history.room === room } }
            let names = there.compactMap { $0.person?.name.text }.sorted()
            if who.names.sorted() != names {
                throw Finding("somebody is told of others than are there", "\(who.names) in place of \(names)")
            }
            // `/join a b` has given the room a key, so it is listed to those alone who are in it.
            let listed = chat.rooms.filter { room in
                room.name.text != "a" || member.stays.contains { $0.end == nil && $0.history.room === room }
            }
            let online = Dictionary(uniqueKeysWithValues: listed.map { ($0.name.text, $0.clientCount) })
            if let told = member.reader.lastRooms, told != online {
                throw Finding("somebody is told of other rooms than there are")
            }
        }
    }

    /// Every peer hangs up; then the loop has nothing to do but to listen, and nothing is left of them.
    private func closeByPeers() throws {
        let closing = members.filter { $0.web != nil && $0.isOpen && !$0.hasEnded && random.oneIn(2) }
        for member in closing { member.closeSocket() }
        try drain()
        for member in closing where member.isOpen && member.connection?.isFinishing == false {
            throw Finding("a Close frame is not answered", "peer \(member.number)")
        }
        for member in members {
            member.end()
            if random.oneIn(3) { world_reset(member.stream) } else { world_close(member.stream) }
        }
        try pass(1)
        try drain()
        try pass(70_000)
        try rest()
        for member in members where member.isAccepted && member.reason == nil {
            throw Finding("a peer has hung up, and its connection does not close", "peer \(member.number)")
        }
        guard let chat = server?.chat else { return }
        if chat.online != 0 || !chat.people.isEmpty || chat.rooms.count != 1 || server?.clientCount != 0 {
            throw Finding("somebody is counted who is not there", "\(chat.online) people, \(chat.rooms.count) rooms")
        }
        if isShuttingDown { return }
        // The three listeners, and what wakes the loop.
        if kernel_watched_descriptors() != 4 { throw Finding("a registration is left over") }
    }

    private func shutDownAll() throws {
        hasShutDown = false
        shutDown()
        try pass(40_000)
        if !hasShutDown { throw Finding("a shutdown does not end") }
        for member in members where member.isAccepted && member.reason == nil {
            throw Finding("a shutdown leaves somebody", "peer \(member.number)")
        }
    }
}
