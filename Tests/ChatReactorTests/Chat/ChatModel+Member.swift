import Testing

@testable import ChatReactor

extension ChatModel {
    /// What one client is to get: a queue for each room that it hears, one for what it is told alone, and one for what others say to it alone.
    ///
    /// What comes must be these queues, line by line. Of several queues any may go on, but what enters a room begins with its welcome, then
    /// with what is replayed, and only then comes what is live.
    final class Member {
        let number: Int
        var name: String
        var isJSON = false
        var rooms: [Room] = []
        var ignored: Set<String> = []
        var lastWriter: Member?
        var hasVanished = false
        var hasQuit = false
        var isClosed = false
        /// How many errors may come that the model does not expect: for lines that are no commands.
        var errorAllowance = 0
        /// How many gaps of unknown size may come: a program is told so if what it was told as text ends with one.
        var unknownGapAllowance = 0
        /// Whether it has been told that it is too slow, and is closed: nothing comes afterwards.
        private(set) var hasGoodbye = false
        private(set) var checkedLines = 0
        private(set) var replayedLines = 0
        private(set) var gaps = 0

        /// The newest ones, for the report of what is wrong.
        private var lastLines: [String] = []
        private var own: [Reply] = []
        private var privateLines: [Reply] = []
        private var live: [Stream] = []
        private var ended: [Stream] = []
        /// The rooms of histories from which something was left out. What was overwritten of that counts as a gap, too.
        private var filtered: [Room] = []
        /// The last gap did not say whether it is of a history or of what is live beside that. It was taken for the former; this
        /// takes it for the latter, if what comes next does not fit.
        private var otherWay: (() -> Bool)?

        init(_ number: Int) {
            self.number = number
            name = "guest\(number)"
        }

        var key: String { ChatModel.key(name) }

        // MARK: - What is due

        func reply(_ reply: Kind) {
            var closed: [Stream] = []
            if case .welcome = reply { swap(&closed, &ended) }
            own.append(Reply(kind: reply, isJSON: isJSON, closed: closed))
        }

        func hearPrivately(from: String, to: String, _ text: String) {
            privateLines.append(Reply(kind: .private(from: from, to: to, text), isJSON: isJSON, closed: []))
        }

        func hear(_ entry: Entry, in room: Room) {
            live.last { $0.room === room && !$0.hasEnded }?.append(entry)
        }

        func open(_ room: Room, _ replay: Replay) {
            let stream = Stream(of: room, isJSON: isJSON)
            live.append(stream)
            replay.opened = stream
            self.replay(replay, of: room)
        }

        /// The client is told of the past; unless something is opened by that, beside what is live.
        func replay(_ replay: Replay, of room: Room) {
            if replay.opened == nil { replay.end = room.lastSequence }
            own.append(Reply(kind: .replay(replay), isJSON: isJSON, closed: []))
        }

        /// The room is left: what of it has not come yet may be missing, and must not come once the answer has.
        func close(_ room: Room) {
            for stream in live where stream.room === room && !stream.hasEnded {
                stream.hasEnded = true
                ended.append(stream)
            }
        }

        /// Somebody who is ignored has this name now. Whether what is being replayed has it left out is not known.
        func goOnToIgnore(_ name: String) {
            guard ignored.insert(name).inserted else { return }
            for case .replay(let replay) in own.map(\.kind) {
                for index in replay.entries.indices where ChatModel.key(replay.entries[index].entry.from) == name {
                    replay.entries[index].isOptional = true
                }
                replay.opened?.makeOptional(from: name)
            }
        }

        /// What has not come yet, though nothing keeps it from coming; nil if all has.
        var lacking: String? {
            popReplays()
            if let reply = own.first { return "\(reply.kind)" }
            if let line = privateLines.first { return "\(line.kind)" }
            if errorAllowance > 0 { return "\(errorAllowance) errors" }
            if let stream = live.first(where: { !$0.hasEnded && !$0.isDone }) {
                return "\(stream.lacking) of \(stream.room.name)"
            }
            return nil
        }

        // MARK: - What comes

        func check(_ line: String) throws {
            checkedLines += 1
            // Of one room; what has been said in the others until then still comes.
            if hasGoodbye, !isJSON { throw Broken("'\(line)' comes after the goodbye") }
            let received = try Received(line)
            lastLines = lastLines.suffix(9) + [line]
            popReplays()
            if take(received) { return }
            if let takeOtherWay = otherWay.take(), takeOtherWay(), take(received) { return }
            if received.isError, received.text.hasPrefix("goodbye") {
                hasGoodbye = true
            } else if received.isUnknownGap, unknownGapAllowance > 0 {
                unknownGapAllowance -= 1
            } else if received.isError, errorAllowance > 0 {
                errorAllowance -= 1
            } else {
                let next = own.first.map { "\($0.kind)" } ?? "nothing"
                let heard = live.map {
                    "\($0.room.name)\($0.hasEnded ? ", left" : "")\($0.isOpen ? "" : ", closed"): \($0.lacking)"
                }
                throw Broken(
                    "\(name), who ignores \(ignored), gets '\(line)'; of its own it should get \(next); of rooms: \(heard); the last lines are \(lastLines)"
                )
            }
        }

        private func take(_ line: Received) -> Bool {
            takeOwn(line) || takeLive(line) || takePrivate(line) || takeGap(line)
        }

        /// What has been replayed is over, and what is live follows.
        private func popReplays(evenOptional: Bool = false) {
            while case .replay(let replay)? = own.first?.kind, evenOptional ? replay.mayBeDone : replay.isDone {
                replay.opened?.isOpen = true
                own.removeFirst()
                if replay.isFiltered { filtered.append(replay.room) }
            }
        }

        private func takeOwn(_ line: Received) -> Bool {
            guard let next = own.first, next.isJSON == line.isJSON else { return false }
            if case .replay(let replay) = next.kind {
                if replay.take(line) {
                    otherWay = nil
                    replayedLines += 1
                    popReplays()
                    return true
                }
                guard replay.mayBeDone, !line.isReplayed, line.missed == nil else { return false }
                // What is live comes beside a history that was asked for.
                if takeLive(line) || takePrivate(line) { return true }
                popReplays(evenOptional: true)
                return takeOwn(line)
            }
            guard next.kind.isMatched(by: line) else { return false }
            own.removeFirst()
            live.removeAll { stream in next.closed.contains { $0 === stream } }
            popReplays()
            return true
        }

        private func takePrivate(_ line: Received) -> Bool {
            guard let next = privateLines.first, next.isJSON == line.isJSON, next.kind.isMatched(by: line) else { return false }
            privateLines.removeFirst()
            return true
        }

        private func takeLive(_ line: Received) -> Bool {
            live.contains { $0.isOpen && $0.isJSON == line.isJSON && $0.take(line) }
        }

        private func takeGap(_ line: Received) -> Bool {
            guard let missed = line.missed else { return false }
            gaps += 1
            if case .replay(let replay)? = own.first?.kind, line.isAbout(replay.room) {
                let last = replay.lastSequence + missed
                if last < replay.room.firstSequence, last <= replay.end ?? last {
                    let before = replay.place
                    let takeForLive = { [unowned self] in
                        replay.place = before
                        return takeLiveGap(line, missed)
                    }
                    otherWay = replay.opened == nil ? takeForLive : nil
                    replay.skip(to: last)
                    return true
                }
            }
            // All that is left of it may be what somebody says who is ignored.
            popReplays(evenOptional: true)
            return takeLiveGap(line, missed)
        }

        private func takeLiveGap(_ line: Received, _ missed: UInt64) -> Bool {
            let mayBeFiltered = filtered.contains { line.isAbout($0) }
            let isLive = live.contains {
                $0.isOpen && $0.isJSON == line.isJSON && line.isAbout($0.room)
                    && $0.skip(missed, evictedBefore: $0.room.firstSequence, orNot: mayBeFiltered)
            }
            return isLive || mayBeFiltered
        }
    }

    /// What is live in one room.
    final class Stream {
        struct Due {
            let entry: Entry
            var isOptional = false
        }

        let room: Room
        let isJSON: Bool
        /// Whether what comes before it has come.
        var isOpen = false
        var hasEnded = false
        /// What is due, in each of the ways in which a gap may be understood until a line tells.
        private var due: [ArraySlice<Due>] = [[]]
        fileprivate var lastSequence: UInt64

        init(of room: Room, isJSON: Bool) {
            self.room = room
            self.isJSON = isJSON
            lastSequence = room.lastSequence
        }

        var isDone: Bool { due.contains { $0.allSatisfy(\.isOptional) } }
        var lacking: String {
            due.map { "\($0.first.map { "\($0.entry)" } ?? "nothing") of \($0.count)" }.joined(separator: ", or ")
        }

        func append(_ entry: Entry) {
            for index in due.indices { due[index].append(Due(entry: entry)) }
        }

        func makeOptional(from name: String) {
            for way in due.indices {
                for index in due[way].indices where ChatModel.key(due[way][index].entry.from) == name {
                    due[way][index].isOptional = true
                }
            }
        }

        fileprivate func take(_ line: Received) -> Bool {
            let next = due.compactMap { way -> ArraySlice<Due>? in
                guard let index = way.firstIndex(where: { !$0.isOptional || line.isEntry($0.entry, in: room, isReplayed: false) })
                else {
                    return nil
                }
                guard line.isEntry(way[index].entry, in: room, isReplayed: false) else { return nil }
                lastSequence = way[index].entry.sequence
                return way[(index + 1)...]
            }
            if next.isEmpty { return false }
            due = next
            return true
        }

        /// A gap is of so many records that are overwritten, or of so many lines that were due.
        fileprivate func skip(_ missed: UInt64, evictedBefore first: UInt64, orNot: Bool) -> Bool {
            var ways: [ArraySlice<Due>] = orNot ? due : []
            let last = lastSequence + missed
            for way in due {
                if way.count >= missed, missed > 0 { ways.append(way.dropFirst(Int(missed))) }
                if last < first {
                    let rest = way.drop { $0.entry.sequence <= last }
                    if ways.last.map({ $0.count != rest.count }) ?? true { ways.append(rest) }
                }
            }
            if ways.isEmpty { return false }
            due = ways
            return true
        }

        fileprivate func skip(to sequence: UInt64) {
            for index in due.indices { due[index] = due[index].drop { $0.entry.sequence <= sequence } }
            lastSequence = max(lastSequence, sequence)
        }
    }

    /// What of the past one client is told.
    final class Replay: CustomStringConvertible {
        let room: Room
        fileprivate var entries: ArraySlice<Stream.Due>
        /// The last record that the server has passed.
        fileprivate var lastSequence: UInt64
        fileprivate var opened: Stream?
        /// The last record that it has, if what is live is not sent in its place.
        var end: UInt64?
        /// Whether something is left out because the client ignores who said it.
        var isFiltered = false
        /// Whether its end is told also if there was nothing: it was asked for.
        var alwaysEnds = false
        private var beginsWithGap: Bool
        private var count = 0
        private var hasMark = true

        init(_ entries: some Sequence<Entry>, in room: Room, after sequence: UInt64, beginsWithGap: Bool = false) {
            self.room = room
            self.entries = entries.map { Stream.Due(entry: $0) }[...]
            self.beginsWithGap = beginsWithGap
            lastSequence = sequence
        }

        private var lacksMark: Bool { hasMark && (count > 0 || alwaysEnds) }
        fileprivate var isDone: Bool { !beginsWithGap && entries.isEmpty && !lacksMark }
        fileprivate var mayBeDone: Bool { !beginsWithGap && entries.allSatisfy(\.isOptional) && !lacksMark }

        var description: String {
            "\(entries.count) of the history of \(room.name) after \(lastSequence), of which \(count) have come"
                + (entries.first.map { ", next \($0.entry)" } ?? "")
        }

        fileprivate func take(_ line: Received) -> Bool {
            if beginsWithGap {
                beginsWithGap = !line.isUnknownGap
                return !beginsWithGap
            }
            if line.isMark {
                guard hasMark, entries.allSatisfy(\.isOptional), line.isMark(count: count, in: room) else { return false }
                hasMark = false
                entries = []
                return true
            }
            guard let index = entries.firstIndex(where: { !$0.isOptional || line.isEntry($0.entry, in: room, isReplayed: true) }),
                line.isEntry(entries[index].entry, in: room, isReplayed: true)
            else { return false }
            lastSequence = entries[index].entry.sequence
            entries = entries[(index + 1)...]
            count += 1
            return true
        }

        fileprivate var place: (ArraySlice<Stream.Due>, UInt64) {
            get { (entries, lastSequence) }
            set { (entries, lastSequence) = newValue }
        }

        fileprivate func skip(to sequence: UInt64) {
            entries = entries.drop { $0.entry.sequence <= sequence }
            lastSequence = sequence
            opened?.skip(to: sequence)
        }
    }
}
