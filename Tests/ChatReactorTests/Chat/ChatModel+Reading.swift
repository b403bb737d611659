@testable import ChatReactor

extension ChatModel {
    /// What a client is still to get, if what it has got is read in one way: a queue for each room that it hears, one for what it is told
    /// alone, and one for what others say to it alone.
    ///
    /// What comes must be these queues, line by line. Of several queues any may go on, but what enters a room begins with its welcome, then
    /// with what is replayed, and only then comes what is live.
    struct Reading: CustomStringConvertible {
        var own: [Reply] = []
        var privateLines: [Reply] = []
        var live: [Stream] = []
        /// The streams that are over, and are not closed yet.
        private var ended: [Int] = []
        /// The rooms of histories from which something was left out. What was overwritten of that counts as a gap, too.
        private var filtered: [Room] = []
        var allowedErrors = 0
        var allowedUnknownGaps = 0

        // MARK: - What is due

        mutating func reply(_ kind: Kind, isJSON: Bool) {
            var closed: [Int] = []
            if case .welcome = kind { swap(&closed, &ended) }
            own.append(Reply(kind: kind, isJSON: isJSON, closed: closed))
        }

        mutating func hear(_ entry: Entry, in room: Room) {
            guard let index = live.lastIndex(where: { $0.room === room && !$0.hasEnded }) else { return }
            live[index].due.append(Due(entry: entry))
        }

        mutating func close(_ room: Room) {
            for index in live.indices where live[index].room === room && !live[index].hasEnded {
                live[index].hasEnded = true
                ended.append(live[index].number)
            }
        }

        /// What has not come of a room's history does not come any more: somebody was sent out of the room.
        mutating func abandonHistory(of room: Room) {
            for index in own.indices {
                guard case .replay(var replay) = own[index].kind, replay.room === room else { continue }
                replay.isAbandoned = true
                own[index].kind = .replay(replay)
            }
        }

        /// What this one has said may be missing in whatever is read from records: histories, and what follows them until the client
        /// has caught up.
        mutating func makeOptional(from name: String) {
            for index in own.indices {
                guard case .replay(var replay) = own[index].kind else { continue }
                replay.due.makeOptional(from: name)
                own[index].kind = .replay(replay)
            }
            for index in live.indices { live[index].due.makeOptional(from: name) }
        }

        var lacking: String? {
            if let reply = own.first { return "\(reply.kind)" }
            if let line = privateLines.first { return "\(line.kind)" }
            if allowedErrors > 0 { return "\(allowedErrors) errors" }
            return live.first { !$0.hasEnded && !$0.due.areOptional }.map { "\($0)" }
        }

        var description: String {
            let next = [own, privateLines].map { $0.first.map { "\($0.kind)" } ?? "nothing" }
            return "of its own \(next[0]), of others \(next[1]), of rooms \(live)"
        }

        /// The same for two that are due the same. What is due is the end of a queue, so that its length tells.
        var place: [UInt64] {
            var numbers = [own.count, privateLines.count, allowedErrors, allowedUnknownGaps, filtered.count].map(UInt64.init)
            if case .replay(let replay)? = own.first?.kind { numbers += replay.place }
            for stream in live {
                numbers += [UInt64(stream.number), UInt64(stream.due.count), stream.firstPlace, stream.lastSequence]
            }
            return numbers
        }

        // MARK: - What comes

        /// This, and what it is if histories are over of which what is left may be missing.
        var withHistoriesOver: [Reading] {
            var all: [Reading] = []
            var next = self
            while case .replay(let replay)? = next.own.first?.kind, replay.mayBeDone {
                if !replay.isDone { all.append(next) }
                next.own.removeFirst()
                if let index = next.live.firstIndex(where: { $0.number == replay.opened }) {
                    next.live[index].open(after: replay)
                }
                if replay.isFiltered { next.filtered.append(replay.room) }
            }
            return all + [next]
        }

        /// What it is after this line, in each way in which that can be one of those that are due.
        func after(_ line: Received) -> [Reading] {
            var all: [Reading] = []
            func add(_ change: (inout Reading) -> Void) {
                all.append(self)
                change(&all[all.count - 1])
            }
            if let next = own.first, next.isJSON == line.isJSON {
                if case .replay(var replay) = next.kind {
                    if replay.take(line) { add { $0.own[0].kind = .replay(replay) } }
                } else if next.kind.isMatched(by: line) {
                    add { reading in
                        reading.own.removeFirst()
                        reading.live.removeAll { next.closed.contains($0.number) }
                    }
                }
            }
            for (index, stream) in live.enumerated() where stream.isOpen && stream.isJSON == line.isJSON {
                for next in stream.after(line) { add { $0.live[index] = next } }
            }
            if let next = privateLines.first, next.isJSON == line.isJSON, next.kind.isMatched(by: line) {
                add { $0.privateLines.removeFirst() }
            }
            if let missed = line.missed {
                if case .replay(let replay)? = own.first?.kind, line.isAbout(replay.room) {
                    for next in replay.after(gapOf: missed) {
                        add { reading in
                            reading.own[0].kind = .replay(next)
                            if let index = live.firstIndex(where: { $0.number == next.opened }) {
                                reading.live[index].skip(to: next.lastSequence)
                            }
                        }
                    }
                }
                if filtered.contains(where: { line.isAbout($0) }) { add { _ in } }
            }
            if line.isError, allowedErrors > 0 { add { $0.allowedErrors -= 1 } }
            if line.isUnknownGap, allowedUnknownGaps > 0 { add { $0.allowedUnknownGaps -= 1 } }
            return all
        }
    }

    struct Due {
        let entry: Entry
        var isOptional = false
    }

    /// What is live in one room.
    struct Stream: CustomStringConvertible {
        let number: Int
        let room: Room
        let isJSON: Bool
        /// Whether what comes before it has come.
        var isOpen = false
        var hasEnded = false
        var due: ArraySlice<Due> = []
        private(set) var lastSequence: UInt64
        /// The first record that the server may be at, if it has told nothing of what came behind that: the client ignores who said it.
        private(set) var firstPlace: UInt64

        init(_ number: Int, of room: Room, isJSON: Bool) {
            self.number = number
            self.room = room
            self.isJSON = isJSON
            lastSequence = room.lastSequence
            firstPlace = lastSequence
        }

        mutating func open(after replay: Replay) {
            isOpen = true
            if replay.isFiltered { firstPlace = min(firstPlace, replay.lastSequence) }
        }

        var description: String {
            "\(room.name)\(hasEnded ? ", left" : "")\(isOpen ? "" : ", closed"): \(due.first.map { "\($0.entry)" } ?? "nothing") of \(due.count)"
        }

        func after(_ line: Received) -> [Stream] {
            if let missed = line.missed { return line.isAbout(room) ? after(gapOf: missed) : [] }
            guard let index = due.index(of: line, in: room, isReplayed: false) else { return [] }
            var next = self
            next.skip(to: due[index].entry.sequence)
            return [next]
        }

        /// A gap is of so many lines that were due, or of so many records that are overwritten.
        private func after(gapOf missed: UInt64) -> [Stream] {
            var all: [Stream] = []
            if missed > 0, due.count >= missed {
                var next = self
                next.due = due.dropFirst(Int(missed))
                all.append(next)
            }
            for last in due.lastRecords(ofGapOf: missed, behind: firstPlace, or: lastSequence, in: room) {
                var next = self
                next.skip(to: last)
                all.append(next)
            }
            return all
        }

        mutating func skip(to sequence: UInt64) {
            due = due.drop { $0.entry.sequence <= sequence }
            lastSequence = max(lastSequence, sequence)
            firstPlace = lastSequence
        }
    }

    /// What of the past one client is told.
    struct Replay: CustomStringConvertible {
        let room: Room
        var due: ArraySlice<Due>
        /// The last record that the server has passed.
        private(set) var lastSequence: UInt64
        /// The stream that follows it.
        var opened: Int?
        /// The last record that it has, if what is live is not sent in its place.
        var end: UInt64?
        /// Whether something is left out because the client ignores who said it.
        var isFiltered = false
        /// Whether its end is told also if there was nothing: it was asked for.
        var alwaysEnds = false
        /// Whether the rest of it may be missing.
        var isAbandoned = false
        private var beginsWithGap: Bool
        private var count = 0
        private var hasMark = true

        init(_ entries: some Sequence<Entry>, in room: Room, after sequence: UInt64, beginsWithGap: Bool = false) {
            self.room = room
            due = entries.map { Due(entry: $0) }[...]
            self.beginsWithGap = beginsWithGap
            lastSequence = sequence
        }

        private var lacksMark: Bool { hasMark && (count > 0 || alwaysEnds) }
        var isDone: Bool { !beginsWithGap && due.isEmpty && !lacksMark }
        var mayBeDone: Bool { isAbandoned || !beginsWithGap && due.areOptional && !lacksMark }

        /// See `Reading.place`.
        var place: [UInt64] { [UInt64(due.count), lastSequence, UInt64(count), hasMark ? 1 : 0, beginsWithGap ? 1 : 0] }

        var description: String {
            "\(due.count) of the history of \(room.name) after \(lastSequence), of which \(count) have come"
                + (due.first.map { ", next \($0.entry)" } ?? "")
        }

        mutating func take(_ line: Received) -> Bool {
            if beginsWithGap {
                beginsWithGap = !line.isUnknownGap
                return !beginsWithGap
            }
            if line.isMark {
                guard hasMark, due.areOptional, line.isMark(count: count, in: room) else { return false }
                hasMark = false
                due = []
                return true
            }
            guard let index = due.index(of: line, in: room, isReplayed: true) else { return false }
            lastSequence = due[index].entry.sequence
            due = due[(index + 1)...]
            count += 1
            return true
        }

        /// This behind so many records, if they are overwritten.
        func after(gapOf missed: UInt64) -> [Replay] {
            due.lastRecords(ofGapOf: missed, behind: lastSequence, or: lastSequence, in: room).filter { $0 <= end ?? $0 }.map {
                last in
                var next = self
                next.due = due.drop { $0.entry.sequence <= last }
                next.lastSequence = last
                return next
            }
        }
    }
}

extension ArraySlice<ChatModel.Due> {
    fileprivate var areOptional: Bool { allSatisfy(\.isOptional) }

    /// Which of them this line is: the next one, after any that may be missing.
    fileprivate func index(of line: ChatModel.Received, in room: ChatModel.Room, isReplayed: Bool) -> Int? {
        for index in indices {
            if line.isEntry(self[index].entry, in: room, isReplayed: isReplayed) { return index }
            if !self[index].isOptional { return nil }
        }
        return nil
    }

    /// The last records that so many may be which are overwritten. Where they begin is not known: what the client ignores is passed without
    /// a word.
    fileprivate func lastRecords(
        ofGapOf missed: UInt64, behind first: UInt64, or last: UInt64, in room: ChatModel.Room
    ) -> [UInt64] {
        let next = self.first { !$0.isOptional }?.entry.sequence ?? room.lastSequence + 1
        return (first...Swift.max(first, last, next - 1)).map { $0 + missed }.filter { $0 < room.firstSequence }
    }

    fileprivate mutating func makeOptional(from name: String) {
        for index in indices where ChatModel.key(self[index].entry.from) == name { self[index].isOptional = true }
    }
}
