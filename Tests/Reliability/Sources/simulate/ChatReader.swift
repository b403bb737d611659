import Broadcast
import ChatReactor
import SimulatedKernel

/// Reads what one person has been sent, and compares it with what has happened in the rooms: by Docs/chat-protocol.md, and every byte.
final class ChatReader {
    private unowned let member: ChatMember
    /// How many bytes are read, up to the end of a line.
    private var offset = 0
    private var isJSON = false
    private var name: String?
    /// How many marks have come, which is how many commands have been answered.
    private(set) var marks = 0
    private var answers = 0
    private var replay: ChatReplay?
    /// What the replay is instead, if a gap of an unknown size precedes it: then there was no record with the number that was named.
    private var replayOfAll: (replay: ChatReplay, next: Int)?
    /// Where the records must have come to that are told as text, with the room.
    private var awaited: (stay: ChatStay, sequence: Int)?
    private(set) var refusals = 0
    /// Whether it has been told that it is closed.
    private(set) var hasFarewell = false
    private(set) var lastWho: (room: String, names: [String])?
    private(set) var lastRooms: [String: Int]?
    private var privateMessages: Set<String> = []
    /// By which command of each writer the last one came.
    private var lastPrivate: [Int: Int] = [:]

    init(_ member: ChatMember) {
        self.member = member
        isJSON = member.isJSON
    }

    func read(in scenario: ChatScenario) throws(Finding) {
        let count = world_sent_count(member.stream)
        while offset < count {
            // Looked up anew: a check may make a system call.
            let sent = unsafe UnsafeBufferPointer(start: world_sent(member.stream), count: count)
            guard let bytes = unsafe try nextLine(of: sent) else { return }
            guard let line = String(validating: bytes, as: UTF8.self) else { throw wrong("a line is not UTF-8") }
            if let irc = member.irc {
                scenario.counts[.chatLines] += 1
                if scenario.isTraced { print("      peer \(member.number) < \(line)") }
                try irc.read(line, in: scenario)
                continue
            }
            if line.unicodeScalars.contains(where: Self.isHarmful) {
                throw wrong("a line has a character that is not harmless", line)
            }
            try read(line, in: scenario)
        }
    }

    /// The next line that is whole, without its newline, or the text of the next frame.
    private func nextLine(of sent: UnsafeBufferPointer<UInt8>) throws(Finding) -> [UInt8]? {
        if let web = member.web {
            do throws(Finding) { return unsafe try web.nextText(of: sent) } catch { throw wrong(error.kind, error.detail) }
        }
        guard let end = unsafe sent[offset...].firstIndex(of: 10) else { return nil }
        defer { offset = end + 1 }
        return unsafe Array(sent[offset..<end])
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 9: false
        case 0..<32, 127..<160, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private func wrong(_ kind: String, _ detail: String = "") -> Finding {
        Finding(kind, "peer \(member.number)\(detail.isEmpty ? "" : ": \(detail)")")
    }

    private func read(_ line: String, in scenario: ChatScenario) throws(Finding) {
        scenario.counts[.chatLines] += 1
        if member.web != nil { scenario.counts[.chatTexts] += 1 }
        if scenario.isTraced { print("      peer \(member.number) < \(line)") }
        if line.hasPrefix("{") {
            let object = try WireLine.json(line)
            if !isJSON {
                guard case .welcome = object, asked == .json else {
                    throw wrong("a person is sent JSON", line)
                }
                isJSON = true
                scenario.counts[.chatPrograms] += 1
            }
            return try take(object, line, in: scenario)
        }
        if isJSON { throw wrong("a program is sent a line for people", line) }
        if let place = line.without(prefix: "["), let end = place.utf8.firstIndex(of: UInt8(ascii: "]")) {
            let time = String(place[..<end])
            guard let rest = String(place[end...]).without(prefix: "] "), Self.isTime(time) else {
                throw wrong("a line that begins like one of history", line)
            }
            return try takeReplayed(line, in: scenario) { $0.content.line == rest }
        }
        if !isForNewcomer(line), let stay = current, takeLive(stay, { stay.history.records[$0].content.line == line }) {
            scenario.counts[.chatLive] += 1
            return try didTakeLive(stay)
        }
        guard let known = WireLine.text(line) else {
            throw wrong("a person is told what was not due to it", "\(line); \(describe(current))")
        }
        try take(known, line, in: scenario)
    }

    /// Whether it is what a newcomer is told of a shutdown, before its history. The room may have been told the same since.
    private func isForNewcomer(_ line: String) -> Bool {
        guard line.hasPrefix("* the server shuts down "), member.isToHearOfShutdown else { return false }
        member.isToHearOfShutdown = false
        return true
    }

    private static func isTime(_ text: String) -> Bool {
        let shape = String(text.map { $0.isASCII && $0.isNumber ? "0" : $0 })
        return shape == "00:00" || shape == "0000-00-00 00:00"
    }

    // MARK: - Rooms

    /// Where the person is, by what it has been told last.
    private var current: ChatStay? { member.stays.last { $0.isTold } }

    private func stay(in room: String?) -> ChatStay? {
        guard let room else { return current }
        return member.stays.last { $0.isTold && $0.history.name == room }
    }

    /// What may come next, for somebody who looks for what is wrong.
    private func describe(_ stay: ChatStay?) -> String {
        guard let stay else { return "it is in no room" }
        let range = stay.next..<max(stay.next, min(stay.next + 4, stay.history.count))
        let next = range.map { "\($0 + 1) \(duty(of: $0, in: stay)): \(stay.history.records[$0].content.line)" }
        let end = stay.end.map { ", left at \($0)" } ?? ""
        return
            "in \(stay.history.name) of \(stay.history.count)\(end)\(stay.isLive ? ", live" : ""), gap \(stay.gap.map { "\($0)" } ?? "none"), next \(next)"
    }

    private enum Duty {
        case due
        case possible
        case wrong
    }

    private func duty(of index: Int, in stay: ChatStay) -> Duty {
        let record = stay.history.records[index]
        if record.author == member.number || record.ignorers.contains(member.number) { return .wrong }
        if record.unsure.contains(member.number) { return .possible }
        if !stay.isLive, record.content.kind.isSaid, member.changedNames.contains(ChatMember.key(record.content.name)) {
            return .possible
        }
        return .due
    }

    /// Whether the records from where the stay is to an index may be left out.
    private func mayPass(_ stay: ChatStay, to index: Int) -> Bool {
        var (due, possible) = (0, 0)
        for passed in stay.next..<max(index, stay.next) {
            switch duty(of: passed, in: stay) {
            case .due: due += 1
            case .possible: possible += 1
            case .wrong: break
            }
        }
        guard let gap = stay.gap else { return due == 0 }
        return gap.isUnknown || due <= gap.missed && gap.missed <= (gap.isExact ? due + possible : index - stay.next + gap.slack)
    }

    private func takeLive(_ stay: ChatStay, _ isMatch: (Int) -> Bool) -> Bool {
        for index in stay.next..<max(stay.end ?? stay.history.count, stay.next) {
            let duty = duty(of: index, in: stay)
            if duty != .wrong, isMatch(index), mayPass(stay, to: index) {
                stay.next = index + 1
                stay.gap = nil
                return true
            }
            // Only what is told as missing may be passed over.
            if duty == .due, stay.gap == nil { return false }
        }
        return false
    }

    private func didTakeLive(_ stay: ChatStay) throws(Finding) {
        try checkAwaited()
        guard let replay, replay.precedesLive, !replay.hasEnded, replay.history === stay.history else { return }
        try endReplay(told: nil)
    }

    /// What is still due to the person in the rooms that it is in; nil if it has all of it.
    var lacking: String? {
        if let irc = member.irc {
            return irc.lacking ?? (member.privateDue.isSubset(of: privateMessages) ? nil : "a private message")
        }
        for stay in member.stays where stay.end == nil {
            if !stay.isTold { return "the welcome to \(stay.history.name)" }
            // The same room may have been entered anew.
            if let last = self.stay(in: stay.history.name), last !== stay { continue }
            if !mayPass(stay, to: stay.history.count) { return "records; \(describe(stay))" }
        }
        if let replay, !replay.hasEnded, replay.count > 0, !replay.isLoose { return "the end of a history" }
        if name != nil, member.isToHearOfShutdown { return "the shutdown that was announced" }
        if member.web?.lacksPong(after: member.marksHeard) == true { return "a pong" }
        if member.marksHeard > marks { return "the answer to \(member.script[marks])" }
        if isJSON, !member.untold.isEmpty { return "the number of what it has said" }
        if !member.privateDue.isSubset(of: privateMessages) { return "a private message" }
        return nil
    }

    /// How many bytes at least it has not been sent that are in the topics of its rooms.
    var lag: Int {
        // Of messages about people it is not known how many there are.
        if member.irc != nil { return .max }
        return member.stays.filter { $0.end == nil && $0.isTold }.map { stay in
            stay.history.records[min(stay.next, stay.history.count)...].reduce(0) {
                $0 + $1.content.line.utf8.count + (isJSON ? 200 : 1)
            }
        }.max() ?? 0
    }

    private func checkAwaited() throws(Finding) {
        guard let (stay, sequence) = awaited else { return }
        awaited = nil
        if !mayPass(stay, to: sequence) { throw wrong("something is lost on the way to JSON") }
        stay.next = max(stay.next, sequence)
        stay.gap = nil
    }

    private func enter(_ welcome: WireLine.Welcome, in scenario: ChatScenario) throws(Finding) {
        guard let room = welcome.room else { throw wrong("a welcome to no room") }
        // A program is not told whether it is the first.
        let isFirst = isJSON ? name == nil : welcome.isFirst
        if isFirst != (name == nil) { throw wrong("somebody is welcomed twice, or not at first") }
        if let told = welcome.name {
            if let name, name != told { throw wrong("somebody is told another name than it has", told) }
            name = told
        }
        let next = member.stays.first { !$0.isTold && (!isJSON || $0.history.name == room) }
        let isNext = next.map { $0.afterMark <= marks } ?? false
        if let sequence = welcome.sequence, let history = (isNext ? next : stay(in: room))?.history,
            welcome.topic != history.topic(after: sequence)
        {
            throw wrong("a welcome has another topic than the room", welcome.topic ?? "none")
        }
        if let next, isNext {
            if next.history.name != room { throw wrong("somebody is told of another room than the one it is in", room) }
            if let sequence = welcome.sequence, sequence != next.start {
                throw wrong("a welcome has another number than the room", "\(sequence)")
            }
            if let online = next.online, online != welcome.online { throw wrong("a welcome counts others than are there") }
            return try enter(next, welcome, isFirst: isFirst, after: 0, in: scenario)
        }
        guard let stay = stay(in: room) else {
            // It may have come and gone within one turn.
            if member.reason != nil { return }
            throw wrong("somebody is told of a room that it is not in", room)
        }
        let isAsked = if case .resume(ChatMember.key(room), _, _)? = asked { true } else { false }
        if isAsked {
            let again = ChatStay(stay.history, start: welcome.sequence, afterMark: marks, ignored: snapshot?.ignored ?? [])
            again.end = stay.end
            member.stays.insert(again, at: member.stays.firstIndex { $0 === stay }! + 1)
            return try enter(again, welcome, isFirst: isFirst, after: stay.next, in: scenario)
        }
        guard isJSON else { throw wrong("somebody is told once more where it is", room) }
        try check(welcome.epoch, of: stay)
        guard let sequence = welcome.sequence, sequence <= stay.history.count else {
            throw wrong("a welcome has a number that is none")
        }
        // The one that answers `/json`: what came before it has come as text.
        if asked == .json {
            awaited = (stay, sequence)
            // What happens until that has left is told from the records.
            stay.isLive = false
        }
    }

    private func enter(
        _ stay: ChatStay, _ welcome: WireLine.Welcome, isFirst: Bool, after told: Int, in scenario: ChatScenario
    ) throws(Finding) {
        scenario.counts[.chatStays] += 1
        stay.isTold = true
        if isJSON { try check(welcome.epoch, of: stay) }
        let history = stay.history
        var extent = ChatReplay.Extent.last(scenario.plan.setting.chat.history)
        let before = max(snapshot?.counts[ObjectIdentifier(history)] ?? 0, told)
        let isLoose = member.movedDuring.contains(marks)
        var earliestEnd = before
        replayOfAll = nil
        if case .resume(ChatMember.key(history.name), let epoch, let sequence)? = asked, !isFirst {
            extent = epoch == history.epoch && sequence <= stay.start ?? count(after: history) ? .after(sequence) : .all
            // Whether there was a record with that number is not known.
            if case .after = extent, stay.start == nil, sequence > before {
                earliestEnd = sequence
                let all = ChatReplay(
                    .all, of: history, ends: before...max(before, count(after: history)), ignored: stay.ignored,
                    precedesLive: true)
                replayOfAll = (all, before)
            }
        }
        stay.next = before
        if case .after(let sequence) = extent { stay.next = sequence }
        if let start = stay.start { stay.next = start } else if isLoose { stay.gap = .init(missed: 0, isUnknown: true) }
        let end = stay.start.map { $0...$0 } ?? earliestEnd...max(earliestEnd, count(after: history))
        replay = ChatReplay(extent, of: history, ends: end, ignored: stay.ignored, precedesLive: true)
        replay?.isLoose = isLoose
    }

    /// The command that is being answered.
    private var asked: ChatMember.Asked? { marks < member.script.count ? member.script[marks] : nil }

    private var snapshot: ChatMember.Snapshot? { marks > 0 ? member.snapshots[marks - 1] : nil }

    /// How many records a room had once the present command was done.
    private func count(after history: ChatRoomHistory) -> Int {
        marks < member.snapshots.count
            ? member.snapshots[marks].counts[ObjectIdentifier(history)] ?? history.count : history.count
    }

    private func check(_ epoch: UInt64?, of stay: ChatStay) throws(Finding) {
        if stay.history.epoch == nil { stay.history.epoch = epoch }
        if stay.history.epoch != epoch { throw wrong("a room has two epochs", stay.history.name) }
    }

    // MARK: - Records

    private func takeReplayed(_ line: String, in scenario: ChatScenario, _ isMatch: (ChatRecord) -> Bool) throws(Finding) {
        try checkAwaited()
        guard var replay else { throw wrong("something is told of the past, and nobody has asked", line) }
        let records = replay.history.records
        let isNext = replay.take(member) { isMatch(records[$0]) }
        self.replay = replay
        if !isNext, !replay.isLoose { throw wrong("a history tells what was not due", line) }
        // Where a loose one begins is not known: what has been told by it may be missing live.
        if !replay.isLoose, let stay = member.stays.last(where: { $0.isTold && $0.history === replay.history }), !stay.isLive {
            stay.gap = nil
        }
        scenario.counts[.chatReplayed] += 1
    }

    private func endReplay(told: Int?) throws(Finding) {
        guard var replay else { throw wrong("the end of a history that has not begun") }
        if replay.hasEnded, told != nil { throw wrong("a history ends twice") }
        if replay.hasEnded { return }
        let problem = replay.end(member, told: told)
        if replay.precedesLive, let stay = member.stays.last(where: { $0.isTold && $0.history === replay.history }),
            stay.start == nil
        {
            if replay.count > 0 { stay.next = replay.place }
            // What it has left out before its end, as ignored, does not come live.
            if !replay.isLoose, replay.gap == nil { stay.next = max(stay.next, replay.lowerEnd) }
        }
        self.replay = replay
        if let problem { throw wrong("a history is not whole", "\(problem), in \(replay.history.name)") }
    }

    private func take(_ record: WireLine.Numbered, _ line: String, in scenario: ChatScenario) throws(Finding) {
        guard let history = record.isReplayed ? replay?.history : stay(in: record.room)?.history, history.name == record.room
        else {
            throw wrong("a program is told of a room that it is not in", line)
        }
        let index = record.sequence - 1
        guard history.records.indices.contains(index) else { throw wrong("a record with a number that there is not", line) }
        if history.records[index].content != record.content { throw wrong("one number says two things", line) }
        if !history.agrees(on: record.time, of: index) { throw wrong("one record has two times", line) }
        if record.isReplayed {
            return try takeReplayed(line, in: scenario) { $0.endPosition == history.records[index].endPosition }
        }
        try checkAwaited()
        guard let stay = stay(in: record.room), takeLive(stay, { $0 == index }) else {
            throw wrong("a program is told what was not due to it", "\(line); \(describe(stay(in: record.room)))")
        }
        scenario.counts[.chatLive] += 1
        try didTakeLive(stay)
    }

    private func takeGap(_ room: String?, _ missed: Int?, in scenario: ChatScenario) throws(Finding) {
        guard let stay = stay(in: room) else { throw wrong("a gap in a room that somebody is not in") }
        scenario.counts[.chatGaps] += 1
        if missed == 0 { throw wrong("a gap of nothing") }
        if let awaited, awaited.stay === stay, missed == nil {
            self.awaited = nil
            stay.next = awaited.sequence
            stay.gap = nil
            return
        }
        try checkAwaited()
        let rest = replay.flatMap { !$0.hasEnded && $0.history === stay.history ? $0.rest : nil }
        guard let missed else {
            if let replayOfAll, replay?.count == 0, replay?.hasEnded == false {
                replay = replayOfAll.replay
                stay.next = replayOfAll.next
            }
            replayOfAll = nil
            guard case .resume? = asked, replay?.isAnchored == false else { throw wrong("a gap of which nobody knows the size") }
            replay?.hasToldGap = true
            // Of those that were kept then, all may have made way for others by now.
            if stay.start == nil { stay.gap = .init(missed: 0, isUnknown: true) }
            return
        }
        let passed = replay?.gap?.missed ?? 0
        if rest != nil { replay?.gap = .init(missed: missed + passed) }
        if scenario.plan.setting.server.slowClients != .skip, rest != nil, replay?.precedesLive == false { return }
        if stay.isLive, scenario.plan.setting.server.slowClients != .skip { throw wrong("a gap, under another policy than skip") }
        let before = stay.gap
        stay.gap = .init(
            missed: missed + (before?.missed ?? 0), isUnknown: before?.isUnknown == true,
            isExact: stay.isLive && rest == nil && before?.isExact != false, slack: rest ?? before?.slack ?? 0)
    }

    // MARK: - Answers

    private func take(_ line: WireLine, _ text: String, in scenario: ChatScenario) throws(Finding) {
        if case .record(let record) = line { return try take(record, text, in: scenario) }
        if case .gap(let room, let missed) = line { return try takeGap(room, missed, in: scenario) }
        if case .welcome(let welcome) = line {
            answers += 1
            try checkAwaited()
            return try enter(welcome, in: scenario)
        }
        try checkAwaited()
        if case .error(let error) = line {
            answers += 1
            return try take(error: error)
        }
        if name == nil { throw wrong("something comes before the welcome", text) }
        switch line {
        case .historyEnd(_, let count): try endReplay(told: count)
        case .notice(let notice): try take(notice: notice, in: scenario)
        case .privateMessage(let from, let said): try takePrivate(from, said, in: scenario)
        case .privateSent(let to, let said):
            answers += 1
            if case .message(let receiver, let id)? = asked {
                if ChatMember.key(receiver) != ChatMember.key(to), !receiver.isEmpty {
                    throw wrong("a private message goes to another", text)
                }
                if let said, !member.privateMessages(saying: said).contains(where: { $0.id == id }) {
                    throw wrong("a private message says something else", text)
                }
            } else {
                throw wrong("a private message that was not asked for", text)
            }
        case .sent(let room, let sequence):
            answers += 1
            guard let (history, expected) = member.untold.first, expected == sequence,
                stay(in: room).map({ ObjectIdentifier($0.history) }) == history
            else { throw wrong("a program is told another number than what it has said has", text) }
            member.untold.removeFirst()
        case .who(let room, let names):
            answers += 1
            lastWho = (room, names)
        case .rooms(let rooms):
            answers += 1
            lastRooms = rooms
        default: answers += 1
        }
    }

    func takePrivate(_ from: String, _ said: String, in scenario: ChatScenario) throws(Finding) {
        scenario.counts[.chatPrivate] += 1
        let writers = scenario.members.filter { $0.names.contains(ChatMember.key(from)) }
        let written = writers.flatMap { $0.privateMessages(saying: said) }
        if written.isEmpty { throw wrong("a private message that nobody has written", "\(from): \(said)") }
        let due = written.filter { $0.to.isEmpty || member.names.contains(ChatMember.key($0.to)) }
        if due.isEmpty { throw wrong("a private message reaches somebody else", said) }
        guard let next = due.first(where: { $0.command > lastPrivate[$0.writer, default: -1] }) else {
            throw wrong("a private message comes twice, or out of order", said)
        }
        lastPrivate[next.writer] = next.command
        privateMessages.insert(next.id)
    }

    private func take(notice: String, in scenario: ChatScenario) throws(Finding) {
        if let mark = notice.without(prefix: "mark ") {
            if mark != "\(marks)" { throw wrong("a command is answered out of order", "mark \(mark) in place of \(marks)") }
            if answers == 0, member.script[marks].isAnswered {
                throw wrong("a command is not answered", "\(member.script[marks])")
            }
            // A history ends before anything more is heard.
            if replay != nil { try endReplay(told: nil) }
            replay = nil
            for stay in member.stays where stay.isTold { stay.isLive = true }
            if member.snapshots[marks].name != name {
                throw wrong("somebody does not know its name", member.snapshots[marks].name)
            }
            marks += 1
            answers = 0
            scenario.counts[.chatCommands] += 1
            return
        }
        answers += 1
        if let name = notice.without(prefix: "you are now ") { self.name = name }
        if let room = notice.without(prefix: "history of "), case .history(let count)? = asked,
            let stay = stay(in: room.dropLast().description)
        {
            // No more is known than between which commands it was asked for.
            let before = snapshot?.counts[ObjectIdentifier(stay.history)] ?? 0
            replay = ChatReplay(
                .last(count), of: stay.history, ends: before...max(before, self.count(after: stay.history)),
                ignored: snapshot?.ignored ?? [], precedesLive: false)
            replay?.isLoose = member.movedDuring.contains(marks)
            return
        }
        if notice.hasPrefix("the server shuts down ") { member.isToHearOfShutdown = false }
        if let topic = notice.without(prefix: "the topic is: "), !isTopic(topic) {
            throw wrong("a topic that nobody has set", topic)
        }
        let isKnown =
            Self.noticeBeginnings.contains { notice.hasPrefix($0) } || Self.noticeEnds.contains { notice.hasSuffix($0) }
        if !isKnown { throw wrong("a notice that was not due", "\(notice); \(describe(current))") }
    }

    /// Whether a room has that topic, or had it, in which the person has been.
    private func isTopic(_ text: String) -> Bool {
        member.stays.contains { $0.history.records.contains { $0.content.kind == .topic && $0.content.text == text } }
    }

    private static let noticeBeginnings = [
        "motd ", "the topic is", "nobody is in ", "in ", "you are now ", "you ignore ", "you do not ignore ", "/",
        "this is JSON already",
        "the server shuts down ", "you are not muted any more",
    ]
    private static let noticeEnds = [" has no topic", " was closed by the operator", " online)"]

    private func take(error: String) throws(Finding) {
        let isKnown =
            Self.errors.contains { error.hasPrefix($0) } || error.hasSuffix(" is not reading") || error.hasSuffix(" has left")
            || error.split(at: " has sent you out of ") != nil
        if !isKnown, member.isAccepted { throw wrong("an error that is none", error) }
        if ["that is too long for this room", "line too long", "not here", "there is nothing to say"].contains(
            where: error.hasPrefix)
        {
            refusals += 1
        }
        if error.hasPrefix("goodbye: ") || error.hasPrefix("kicked") || error.hasPrefix("banned") || error == "not you" {
            hasFarewell = true
        } else if name == nil, member.isAccepted {
            throw wrong("an error comes before the welcome", error)
        }
    }

    private static let errors = [
        "there is no /", "this command is ", "somebody else has that name", "that name is ", "nobody is called ",
        "nobody who is still here",
        "you cannot ignore yourself", "you are ", "you do not ignore ", "there is no room ", "there are too many rooms already",
        "line too long: the limit is ", "goodbye: ", "kicked", "banned", "that is too long for this room",
        "there is nothing to say",
        "not here", "not you", "this name is reserved", "a name has letters", "a topic has at most",
    ]
}
