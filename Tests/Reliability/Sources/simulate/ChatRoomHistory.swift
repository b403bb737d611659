import ChatReactor

/// One thing that has happened in a room, as the server's observer has heard of it.
struct ChatRecord {
    enum Kind: String {
        case message, action, join, leave, rename, topic, notice

        var isSaid: Bool { self == .message || self == .action }
    }

    /// What everybody who is told of it must be told.
    struct Content: Equatable {
        var kind: Kind
        var name: String
        var text: String
        /// 0 for those kinds that do not say it.
        var online: Int

        /// As people see it.
        var line: String {
            switch kind {
            case .message: "\(name): \(text)"
            case .action: "\(name): *\(text)*"
            case .join: "* \(name) joined (\(online) online)"
            case .leave: "* \(name) left: \(text) (\(online) online)"
            case .rename: "* \(name) is now \(text)"
            case .topic: text.isEmpty ? "* \(name) removed the topic" : "* \(name) set the topic: \(text)"
            case .notice: "* \(text)"
            }
        }
    }

    let content: Content
    /// The number of the peer who did it.
    let author: Int?
    /// The peers who ignored the speaker then, and those of whom it is not known.
    let ignorers: Set<Int>
    let unsure: Set<Int>
    /// When, as programs are told; nil until one has been.
    var time: String?
    /// How many bytes of records the room had up to this one.
    let endPosition: Int
}

/// All that has happened in a room from the time that it was opened. The record with the number 1 is the first.
final class ChatRoomHistory {
    let name: String
    weak var room: ChatServer.Room?
    /// What programs are told that the log's epoch is.
    var epoch: UInt64?
    private let capacity: Int
    private(set) var records: [ChatRecord] = []
    /// How many have come and left, and the others have not been told of.
    var untoldJoins = 0
    var untoldLeaves = 0
    /// How many besides may have come and left within one turn, without being seen.
    var unseenVisits = 0

    init(_ name: String, _ room: ChatServer.Room, capacity: Int) {
        self.name = name
        self.room = room
        self.capacity = capacity
    }

    var count: Int { records.count }

    func append(_ content: ChatRecord.Content, author: Int?, ignorers: Set<Int>, unsure: Set<Int>) {
        let size = (36 + content.name.utf8.count + content.text.utf8.count + 7) & ~7
        records.append(
            ChatRecord(
                content: content, author: author, ignorers: ignorers, unsure: unsure, time: nil,
                endPosition: (records.last?.endPosition ?? 0) + size))
    }

    /// Notes when a record was made, and returns whether everybody is told the same, and no earlier time than that of a record before.
    func agrees(on time: String, of index: Int) -> Bool {
        if records[index].time == nil { records[index].time = time }
        // All times have one shape, so their order is that of their text.
        let isInOrder = records[..<index].last { $0.time != nil }.map { $0.time! <= time } ?? true
        return records[index].time == time && isInOrder
    }

    /// What the room talked about after so many records; nil if that was nothing.
    func topic(after count: Int) -> String? {
        let text = records.prefix(count).last { $0.content.kind == .topic }?.content.text
        return text?.isEmpty == true ? nil : text
    }

    /// Whether a record may have made way for others: the newest half of what a room keeps certainly has not.
    func mayBeOverwritten(_ index: Int) -> Bool {
        let start = index > 0 ? records[index - 1].endPosition : 0
        return (records.last?.endPosition ?? 0) - start > capacity / 2
    }

    /// Where the last `count` messages before an index begin.
    func start(ofLast count: Int, before end: Int) -> Int {
        var left = count
        var index = end
        while left > 0, index > 0 {
            index -= 1
            if records[index].content.kind.isSaid { left -= 1 }
        }
        return left == 0 ? index : 0
    }
}
