/// Where the client is in each of its rooms, so that it can go on there after a break of the connection.
struct RoomPlaces {
    struct Place: Equatable {
        var epoch: UInt64
        /// The number of the last record that has come.
        var sequence: UInt64
        /// Numbers of what the client itself has said, which the server sends only if it resumes. Those at or below `sequence` are gone.
        var own: Set<UInt64> = []
    }

    /// More rooms than a server admits are forgotten, not kept.
    private static let limit = 64
    /// How many of its own numbers are kept for a room: somebody may talk where nobody answers.
    private static let ownLimit = 1_000

    private(set) var places: [String: Place] = [:]
    /// In the order in which they were entered; the last is the one that is spoken to.
    private(set) var rooms: [String] = []

    var current: String? { rooms.last }

    /// The server has said that the client is in a room, or speaks to it now.
    ///
    /// - Parameter isResumed: Whether that answers `/resume`: then what came before the break is still to come.
    mutating func enter(_ room: String, epoch: UInt64, sequence: UInt64, isResumed: Bool) {
        // After a break the rooms are resumed in their order, and what is missing of one belongs to it, not to the one that is spoken to.
        if !isResumed || !rooms.contains(room) {
            rooms.removeAll { $0 == room }
            rooms.append(room)
        }
        if places[room]?.epoch == epoch { return }
        // Another log of a room of that name. All that it has is new if the client was in the one before.
        places[room] = Place(epoch: epoch, sequence: isResumed ? 0 : sequence)
        if rooms.count > Self.limit { leave(rooms[0]) }
    }

    mutating func leave(_ room: String) {
        places[room] = nil
        rooms.removeAll { $0 == room }
    }

    /// Takes the number of a record. Returns whether it is new: it is not if it is one of the client's own, or was there before.
    mutating func receive(_ sequence: UInt64, in room: String) -> Bool {
        guard var place = places[room] else { return true }
        if sequence <= place.sequence { return false }
        let isOwn = place.own.contains(sequence)
        place.sequence = sequence
        if !place.own.isEmpty { place.own = place.own.filter { $0 > sequence } }
        places[room] = place
        return !isOwn
    }

    /// The server has given a number to what the client said.
    mutating func didSay(_ sequence: UInt64, in room: String) {
        guard let place = places[room], sequence > place.sequence, place.own.count < Self.ownLimit else { return }
        places[room]?.own.insert(sequence)
    }
}
