import ChatReactor
import Reactor
import SimulatedKernel

/// What must hold of a chat of several loops.
extension ChatLoopsScenario {
    /// Nobody is closed without a reason of the plan.
    func check(_ reason: CloseReason, of member: Member) throws(Finding) {
        if member.hasHungUp || member.node?.isClosing == true { return }
        let isSentAway = reason == .requested && !member.names.isDisjoint(with: sentAway)
        if !isSentAway { throw Finding("somebody is closed", "\(member.name), \(reason)") }
    }

    /// Has everybody read everything, until nothing more happens. Then all must be of one mind.
    func rest() throws {
        for member in members where member.isOpen { world_widen(member.stream) }
        try settle(rounds: 3, pump: pump, describe: describeUnwritten)
        try doing(without: plan.setting.faults) {
            // Longer than any timer: who came and went in a crowd is counted after a second, and a connection that fails while it
            // is owed something is given up after a while.
            try settle(rounds: 30, pump: pump, describe: describeUnwritten)
            try check()
        }
    }

    private func check() throws {
        for member in members where member.isOpen {
            if !member.unwritten.isEmpty || world_unreceived_count(member.stream) > 0 {
                throw Finding("somebody is not heard any more", member.name)
            }
        }
        for node in nodes where node.isOpen && node.server?.chat?.isReachable != true {
            throw Finding("a server does not become one of the chat", "loop \(node.number)")
        }
        try checkIdle()
        try compareEvents()
        try compareStates()
        let probes = try askAll()
        try checkHearings(besides: probes)
        for probe in probes { probe.hangUp() }
        try settle(rounds: 30, pump: pump, describe: describeUnwritten)
    }

    private func describeUnwritten() -> [String] {
        members.filter { $0.isOpen && !$0.unwritten.isEmpty }.map { "\($0.name) has \($0.unwritten.count) bytes left" }
    }

    private func pump() -> Int {
        var count = 0
        for member in members where member.isOpen { count += member.write() + world_read(member.stream, .max) }
        if count == 0 { kernel_advance(2_500_000_000) }
        return count
    }

    // MARK: - The servers

    /// In each room all servers have done the same in the same order: each from when it became one of them until it was closed.
    private func compareEvents() throws {
        for room in Set(nodes.flatMap(\.events.keys)).sorted() {
            func events(_ node: Node) -> [String] { node.events[room] ?? [] }
            let all = nodes.filter(\.isOpen).max { events($0).count < events($1).count }!
            for node in nodes {
                let (own, others) = (events(node), events(all))
                if node.isOpen ? own.elementsEqual(others.suffix(own.count)) : isPart(own, of: others) { continue }
                let index = zip(own.reversed(), others.reversed()).prefix { $0 == $1 }.count
                let (here, there) = (own.dropLast(index).last ?? "nothing", others.dropLast(index).last ?? "nothing")
                throw Finding(
                    "servers do not do the same",
                    "loop \(node.number) \(here.prefix(60)), loop \(all.number) \(there.prefix(60)), in \(room)")
            }
            counts[.chatRecords] += UInt64(events(all).count)
        }
    }

    /// Whether events are the same as others where both overlap.
    private func isPart(_ events: [String], of all: [String]) -> Bool {
        (-events.count...all.count).contains { offset in
            zip(all.dropFirst(max(offset, 0)), events.dropFirst(max(-offset, 0))).allSatisfy { $0 == $1 }
        }
    }

    /// What an embedder, and an operator, see of the chat.
    private func state(of node: Node) -> [String] {
        guard let server = node.server, let chat = server.chat, let operators = node.operators else { return [] }
        let people = chat.people.map { "person \($0.name.text)" }
        let rooms = chat.rooms.map { room in "room \(room.name.text): \(room.clientCount)" }
        // Of two that ban one name at the same moment, each keeps its own spelling.
        let bans = operators.run("bans").lines.map { $0.lowercased() }
        return (people + rooms + bans).sorted()
    }

    private func compareStates() throws {
        let open = nodes.filter(\.isOpen)
        let first = state(of: open[0])
        for node in open.dropFirst() where state(of: node) != first {
            let changes = state(of: node).difference(from: first)
            throw Finding("servers have other people or rooms", "loop \(node.number) and loop \(open[0].number): \(changes)")
        }
        let those = members.filter(\.isOpen)
        let people = open[0].server?.chat?.people.count ?? 0
        if people != those.count { throw Finding("others are in the chat than have come", "\(people), not \(those.count)") }
        if group.clientCount != those.count {
            throw Finding("a group counts others than are there", "\(group.clientCount), not \(those.count)")
        }
    }

    /// Somebody comes to each server, and asks what it knows of each room.
    private func askAll() throws -> [Member] {
        let rooms = nodes.first(where: \.isOpen)?.server?.chat?.rooms.map(\.name.text).sorted() ?? []
        var probes: [Member] = []
        let open = nodes.filter(\.isOpen)
        // Each that comes is passed to the next server.
        for _ in open {
            guard let probe = come(to: 0, isProgram: true, outputCapacity: 65_536, isEager: true) else {
                throw Finding("nobody listens")
            }
            probes.append(probe)
            try settle(rounds: 2, pump: pump, describe: describeUnwritten)
        }
        if Set(probes.map { $0.node?.number }).count < open.count { throw Finding("a server gets no callers") }
        for probe in probes {
            for room in rooms { probe.ask(.resume(room: room, epoch: 0, sequence: 0), "/resume \(room) 0 0") }
        }
        try settle(rounds: 12, pump: pump, describe: describeUnwritten)
        for probe in probes {
            for room in rooms { probe.ask(.other, "/who \(room)") }
        }
        try settle(rounds: 2, pump: pump, describe: describeUnwritten)
        let hearings = try probes.map { probe throws(Finding) in try probe.hearing() }
        for room in rooms {
            // Those who enter later get more.
            let limit = hearings.map { $0.stays.last { $0.room == room }?.start ?? 0 }.min() ?? 0
            let all = try probes.map { probe in
                try ChatKnowledge(
                    of: room, at: "loop \(probe.node?.number ?? -1)",
                    in: probe.sentText.split(separator: "\n").map(String.init))
            }
            let size = room == "lobby" ? plan.setting.server.chat?.lobbySize : plan.setting.server.chat?.roomSize
            try ChatKnowledge.compare(all, upTo: limit, areRecordsFew: size! > 4_096)
            counts[.chatReplayed] += UInt64(all.reduce(0) { $0 + $1.records.count })
        }
        return probes
    }

    // MARK: - People

    private func checkHearings(besides probes: [Member]) throws {
        let programs = members.filter(\.isProgram)
        var hearings: [(member: Member, hearing: ProgramHearing)] = []
        for member in programs {
            let hearing = try member.hearing()
            hearings.append((member, hearing))
            for (place, record) in hearing.records { try learn(record, at: place, from: member) }
            for stay in hearing.stays { note(stay.start, of: stay) }
            for place in hearing.sent { note(place.number, room: place.room, epoch: place.epoch) }
        }
        for (member, hearing) in hearings { try check(hearing, of: member) }
        for member in members where !member.isProgram { try checkLines(of: member) }
        try checkPrivates(hearings)
    }

    private func note(_ number: Int, of stay: ProgramHearing.Stay) { note(number, room: stay.room, epoch: stay.epoch) }

    private func note(_ number: Int, room: String, epoch: UInt64) {
        newest[.init(room: room, epoch: epoch, number: 0), default: 0].raise(to: number)
    }

    /// What programs get under one number is the same for all.
    private func learn(_ record: WireLine.Numbered, at place: ProgramHearing.Place, from member: Member) throws(Finding) {
        note(place.number, room: place.room, epoch: place.epoch)
        guard let other = known.updateValue(record, forKey: place) else { return }
        if other.content != record.content || other.time != record.time {
            throw Finding(
                "a record is not the same for all",
                "\(place) is \(other.content.line.prefix(40)), and for \(member.name) \(record.content.line.prefix(40))")
        }
    }

    private func check(_ hearing: ProgramHearing, of member: Member) throws(Finding) {
        let sent = Set(hearing.sent)
        if isTraced { print(member.name, member.asked, "\n" + member.sentText) }
        if sent.count < hearing.sent.count { throw Finding("something is said twice", member.name) }
        for (place, _) in hearing.records where sent.contains(place) {
            // A replay tells all.
            if hearing.records.contains(where: { $0.place == place && !$0.record.isReplayed }) {
                throw Finding("somebody gets its own", "\(member.name): \(place)")
            }
        }
        for (index, stay) in hearing.stays.enumerated() {
            let isCurrent = member.isOpen && isInside(member, stay.room)
            let isLast = !hearing.stays[(index + 1)...].contains { $0.room == stay.room }
            try check(stay, isWhole: isCurrent && isLast, of: member, hearing, sent)
        }
        counts[.chatLive] += UInt64(hearing.stays.reduce(0) { $0 + $1.live.count })
        counts[.chatGaps] += UInt64(hearing.stays.count { $0.missed > 0 })
        counts[.chatStays] += UInt64(hearing.stays.count)
        guard member.isOpen else { return }
        if hearing.stays.isEmpty { throw Finding("somebody is not let in", member.name) }
        if hearing.answerCount != member.asked.count {
            throw Finding("somebody is not answered", "\(member.name): \(hearing.answerCount) of \(member.asked.count)")
        }
        for room in hearing.inside where !isInside(member, room) {
            throw Finding("somebody is not in the room in which it was told to be", "\(member.name): \(room)")
        }
        try checkSaid(hearing, of: member)
    }

    private func isInside(_ member: Member, _ room: String) -> Bool {
        guard let person = member.person else { return false }
        let there = member.node?.server?.chat?.rooms.first { $0.name.text == room }
        return there?.clients.contains { $0 === person } == true
    }

    /// A contiguous run of the room's order, less what it has done itself, and what it was told is missing.
    private func check(
        _ stay: ProgramHearing.Stay, isWhole: Bool, of member: Member, _ hearing: ProgramHearing,
        _ sent: Set<ProgramHearing.Place>
    ) throws(Finding) {
        if stay.mustMiss, !stay.mayMissAnything, isWhole {
            throw Finding("nobody says that something may be missing", "\(member.name) in \(stay.room)")
        }
        // Of one that has gone it is not known how much has left.
        let newest = isWhole ? newest[.init(room: stay.room, epoch: stay.epoch, number: 0)] : nil
        let last = newest ?? stay.live.last ?? stay.replayed.last ?? 0
        let got = Set(stay.live).union(stay.replayed)
        var renames = hearing.renames
        var missing: [Int] = []
        let first = (stay.from ?? stay.start) + 1
        for number in first..<max(last + 1, first) where !got.contains(number) {
            let place = ProgramHearing.Place(room: stay.room, epoch: stay.epoch, number: number)
            if sent.contains(place) { continue }
            let content = known[place]?.content
            // What it was told of its own may not have left before it was gone.
            if !member.isOpen, let content {
                let names = [content.name.lowercased(), content.text.lowercased()]
                if content.kind == .rename ? member.names.isSuperset(of: names) : member.said.contains(content.text) { continue }
            }
            // Nobody else need have been there to hear of a new name.
            let index = renames.firstIndex { rename in
                content.map { $0.kind == .rename && rename.from == $0.name && rename.to == $0.text } ?? true
            }
            if let index {
                renames.remove(at: index)
                continue
            }
            missing.append(number)
        }
        // A history that was overwritten before it was read may be missing as well.
        let isLive = stay.replayed.isEmpty && stay.from == nil && plan.setting.server.slowClients == .skip
        if stay.mayMissAnything || (isLive ? missing.count == stay.missed : missing.count <= stay.missed) { return }
        throw Finding(
            "records are missing",
            "\(member.name) lacks \(missing.prefix(5)) of \(stay.room) from \(first) to \(last), and was told of \(stay.missed)")
    }

    /// What somebody says is in the room, or it was told that it is not.
    private func checkSaid(_ hearing: ProgramHearing, of member: Member) throws(Finding) {
        let refusals = hearing.errors.count { error in
            ["you are not in ", "you are muted", "that is too long for this room"].contains(where: error.hasPrefix)
        }
        if hearing.sent.count > member.said.count || hearing.sent.count + refusals < member.said.count {
            throw Finding(
                "what somebody says is lost",
                "\(member.name) has said \(member.said.count) lines, sent \(hearing.sent.count), and was refused \(refusals)")
        }
        // In the order in which it was said.
        var left = member.said[...]
        for place in hearing.sent {
            guard let text = known[place]?.content.text else { continue }
            guard let index = left.firstIndex(of: text) else {
                throw Finding("what somebody says is out of order", "\(member.name): \(text.prefix(20))")
            }
            left = left[(index + 1)...]
        }
    }

    /// Those who get lines, and stay in the lobby, get all that others say there.
    private func checkLines(of member: Member) throws(Finding) {
        var order: [String: (place: ProgramHearing.Place, line: String)] = [:]
        for (place, record) in known where place.room == "lobby" && record.content.kind == .message {
            order[record.content.text] = (place, record.content.line)
        }
        var last: ProgramHearing.Place?
        var missed = 0
        var got: Set<Int> = []
        for line in member.sentText.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            if let count = String(line).without(prefix: "! ")?.number(before: " messages are missing here") { missed += count }
            guard !line.hasPrefix("["), !line.hasPrefix("* "), !line.hasPrefix("! "),
                let text = String(line).split(at: ": ")?.1, let (place, due) = order[text], due == line
            else { continue }
            if text.hasPrefix(member.name + ":") { throw Finding("somebody gets its own", "\(member.name): \(text.prefix(20))") }
            if let last, last.epoch != place.epoch || last.number >= place.number {
                throw Finding("a line comes twice, or out of order", "\(member.name): \(text.prefix(20))")
            }
            got.insert(place.number)
            last = place
        }
        guard let last, let first = got.min() else { return }
        let end = member.isOpen ? Int.max : last.number
        let missing = order.values.count { place, line in
            place.epoch == last.epoch && (first...end).contains(place.number) && !got.contains(place.number)
                && !known[place]!.content.text.hasPrefix(member.name + ":")
        }
        if missing > missed { throw Finding("lines are missing", "\(member.name) lacks \(missing), and was told of \(missed)") }
    }

    /// What is said to one person alone comes once, to who has that name, in the order in which one writes.
    private func checkPrivates(_ hearings: [(member: Member, hearing: ProgramHearing)]) throws(Finding) {
        var arrived: [String: Int] = [:]
        for (member, hearing) in hearings {
            var last: [Substring: Int] = [:]
            for (_, text) in hearing.privates {
                let parts = text.split(separator: " ")
                let number = Int(parts[1]) ?? 0
                if number <= last[parts[0], default: 0] {
                    throw Finding("a private message comes twice", "\(member.name): \(text)")
                }
                last[parts[0]] = number
                arrived[text, default: 0] += 1
            }
            counts[.chatPrivate] += UInt64(hearing.privates.count)
        }
        if let twice = arrived.first(where: { $0.value > 1 }) { throw Finding("a private message reaches two", twice.key) }
        // Who has gone may have got it, or not; and of those who get lines nothing is counted here.
        guard members.allSatisfy({ $0.isProgram && $0.isOpen }) else { return }
        for (member, hearing) in hearings {
            let count = arrived.keys.count { $0.hasPrefix(member.name + " ") }
            let refused = hearing.errors.count { $0.hasSuffix(" has left") || $0.hasSuffix(" is not reading") }
            if count + refused < hearing.privateSentCount {
                throw Finding("a private message is lost", "\(member.name): \(count) of \(hearing.privateSentCount) have come")
            }
        }
    }
}

extension Int {
    fileprivate mutating func raise(to other: Int) { self = Swift.max(self, other) }
}
