/// What a program of a chat has been told, in order: where it has been, and what it got of each room.
///
/// After each of its commands the program sends `/ping`, so it is known which of them is being answered.
struct ProgramHearing {
    /// What it may ask for that changes where it is.
    enum Asked {
        case resume(room: String, epoch: Int, sequence: Int)
        case leave
        case other
    }

    /// The records of one room's history by their numbers.
    struct Place: Hashable, CustomStringConvertible {
        let room: String
        let epoch: UInt64
        let number: Int

        var description: String { "\(room) \(epoch) \(number)" }
    }

    /// The time from one entering of a room to the next.
    struct Stay {
        let room: String
        let epoch: UInt64
        /// The number of the newest record when it entered. What follows is live.
        let start: Int
        /// After which number it was to get what is kept; nil if it did not ask for that, or nobody can know.
        var from: Int?
        var mustMiss = false
        var live: [Int] = []
        var replayed: [Int] = []
        /// How many it was told are missing.
        var missed = 0
        var mayMissAnything = false

        var last: Int { max(live.last ?? 0, start) }
    }

    private(set) var name: String?
    private(set) var stays: [Stay] = []
    private(set) var records: [(place: Place, record: WireLine.Numbered)] = []
    /// What it has said itself.
    private(set) var sent: [Place] = []
    private(set) var renames: [(from: String, to: String)] = []
    private(set) var names: Set<String> = []
    private(set) var privates: [(from: String, text: String)] = []
    private(set) var privateSentCount = 0
    private(set) var errors: [String] = []
    private(set) var answerCount = 0
    /// The rooms that it is in, of which the last is the one to which it speaks.
    private(set) var inside: [String] = []
    private var closedCount = 0

    init(_ text: String, asked: [Asked]) throws(Finding) {
        // What does not end with a newline is not whole.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) {
            if line.hasPrefix("{") {
                try take(try WireLine.json(line), answerCount < asked.count ? asked[answerCount] : .other)
            } else if let (from, text) = line.split(at: " to you: ") {
                // Before it got JSON.
                privates.append((from, text))
            }
        }
    }

    private mutating func take(_ line: WireLine, _ asked: Asked) throws(Finding) {
        switch line {
        case .welcome(let welcome): try enter(welcome, asked)
        case .record(let record): try take(record)
        case .gap(let room, let missed):
            guard let index = stays.lastIndex(where: { $0.room == room }) else { throw Finding("a gap where it is not") }
            if let missed { stays[index].missed += missed } else { stays[index].mayMissAnything = true }
        case .sent(let room, let number):
            guard let stay = stays.last(where: { $0.room == room }) else { throw Finding("something is said where it is not") }
            sent.append(Place(room: room, epoch: stay.epoch, number: number))
        case .privateMessage(let from, let text): privates.append((from, text))
        case .privateSent: privateSentCount += 1
        case .error(let error): errors.append(error)
        case .pong: answerCount += 1
        case .closed(let room):
            if inside.last == room { closedCount += 1 }
            inside.removeAll { $0 == room }
        case .notice(let notice):
            if let new = notice.without(prefix: "you are now ") {
                renames.append((name ?? "", new))
                take(name: new)
            }
        case .who, .rooms, .historyEnd: break
        }
    }

    private mutating func take(name: String) {
        self.name = name
        names.insert(name.lowercased())
    }

    private mutating func enter(_ welcome: WireLine.Welcome, _ asked: Asked) throws(Finding) {
        guard let room = welcome.room, let epoch = welcome.epoch, let start = welcome.sequence else {
            throw Finding("a welcome to no room")
        }
        if let name = welcome.name { take(name: name) }
        var stay = Stay(room: room, epoch: epoch, start: start)
        var isEntered = !inside.contains(room)
        if case .resume(room, let known, let number) = asked {
            isEntered = true
            if UInt64(known) == epoch, number <= start { stay.from = number } else { stay.mustMiss = true }
        }
        if closedCount > 0, !isEntered {
            closedCount -= 1
        } else if case .leave = asked, let left = inside.last, left != room {
            inside.removeLast()
        }
        inside.removeAll { $0 == room }
        inside.append(room)
        if isEntered { stays.append(stay) }
    }

    private mutating func take(_ record: WireLine.Numbered) throws(Finding) {
        guard let index = stays.lastIndex(where: { $0.room == record.room }) else {
            throw Finding("a record of a room in which it is not", record.room)
        }
        let place = Place(room: record.room, epoch: stays[index].epoch, number: record.sequence)
        records.append((place, record))
        if record.isReplayed {
            if let last = stays[index].replayed.last, last >= record.sequence {
                throw Finding("a history is not in order", "\(place) after \(last)")
            }
            if record.sequence > stays[index].start { throw Finding("a history tells what is live", "\(place)") }
            stays[index].replayed.append(record.sequence)
        } else {
            if stays[index].last >= record.sequence {
                throw Finding("a record comes twice, or out of order", "\(place) after \(stays[index].last)")
            }
            stays[index].live.append(record.sequence)
        }
    }
}
