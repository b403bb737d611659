import Reactor

/// What one person is sent of a room's history: in the person's form, as fast as it is taken, and followed by what is said live without a
/// gap or an overlap.
///
///      records   … │ said before the person came │ what happens meanwhile │ live, by the topic
///                  └──── replayed ───────────────┴──── as if live ────────┴───────────────────>
///                                  "end of history" ┘                     └ subscribed in the turn in which this is reached
///
/// A piece is sent when the connection has drained, so nothing else of its own waits then, and the last piece leaves before what the
/// topic has from then on.
struct Replay {
    /// How many bytes are sent at a time.
    static let pieceLength = 32_768

    /// What of the past is told.
    enum Extent: Equatable {
        /// The newest messages of people, so many.
        case last(Int)
        /// Everything after a number.
        case after(epoch: UInt64, sequence: UInt64)
    }

    let room: ChatServer.Room
    /// Whether the person is not subscribed yet: then what happens meanwhile is told as well. Otherwise the person gets that already.
    let precedesLive: Bool
    private let conversation: Conversation
    private let label: TextLabel
    /// Whether only what people have said is told of the past.
    private let onlySaid: Bool
    /// Whether the end is told even if there was nothing: who has asked for the past waits for it.
    private let alwaysEnds: Bool
    /// The first record that counts as live.
    private let liveFrom: UInt64
    private var place: RecordLog.Place
    private var count = 0
    private var hasToldEnd = false
    /// What to say before the first piece.
    private var opening: [Reply] = []

    init?(_ extent: Extent, of room: ChatServer.Room, precedesLive: Bool, isAfterGap: Bool) {
        guard let conversation = room.conversation, let chat = conversation.chat else { return nil }
        let liveFrom = conversation.records.nextSequence
        label = chat.label
        self.precedesLive = precedesLive
        self.room = room
        self.conversation = conversation
        self.liveFrom = liveFrom
        let records = conversation.records
        if isAfterGap { opening = [.gap(room: room.name, missed: nil)] }
        switch extent {
        case .last(let count):
            onlySaid = true
            alwaysEnds = !precedesLive
            let last = count > 0 ? records.place(ofLast: count, where: \.isSaid) : records.end
            place = last
        case .after(let epoch, let sequence):
            onlySaid = false
            alwaysEnds = true
            if epoch == records.epoch, sequence < records.nextSequence {
                place = records.place(of: sequence &+ 1)
            } else {
                // Another log, or one that has lost its end: nobody knows how much is missing. All that is left is told.
                opening = [.gap(room: room.name, missed: nil)]
                place = records.place(of: records.firstSequence)
            }
        }
    }

    /// Makes the next piece. The second result is whether it was the last one.
    mutating func next(for person: Person) -> (piece: [UInt8], isLast: Bool) {
        let form = person.form
        var piece: [UInt8] = []
        var (count, hasToldEnd) = (count, hasToldEnd)
        let (room, onlySaid, liveFrom, label, precedesLive) = (room, onlySaid, liveFrom, label, precedesLive)
        let alwaysEnds = alwaysEnds
        let ignored = person.ignored
        let (next, missed) = conversation.records.read(from: place) { record in
            let isReplayed = record.sequence < liveFrom
            if !isReplayed, !precedesLive { return false }
            if !isReplayed, !hasToldEnd {
                hasToldEnd = true
                if count > 0 || alwaysEnds { piece += form.encode(.historyEnd(room: room.name, count: count)) }
            }
            if isReplayed, onlySaid, !record.kind.isSaid { return true }
            // A guest's name is one that nobody may ask for, but anybody may ignore it.
            if !ignored.isEmpty, record.kind.isSaid, ignored.contains(ChatName(unchecked: record.from)) { return true }
            form.encode(record, in: room.name, isReplayed: isReplayed, label: label, to: &piece)
            if isReplayed { count += 1 }
            return piece.count < Self.pieceLength
        }
        // Somebody who is subscribed has got what was said live, also if it is overwritten.
        let missing = precedesLive ? missed : min(missed, liveFrom &- min(place.sequence, liveFrom))
        if missing > 0 { opening.append(.gap(room: room.name, missed: missing)) }
        piece = opening.flatMap(form.encode) + piece
        opening = []
        place = next
        let isLast = next.sequence >= (precedesLive ? conversation.records.nextSequence : liveFrom)
        if isLast, !hasToldEnd, count > 0 || alwaysEnds {
            hasToldEnd = true
            piece += form.encode(.historyEnd(room: room.name, count: count))
        }
        (self.count, self.hasToldEnd) = (count, hasToldEnd)
        return (piece, isLast)
    }
}
