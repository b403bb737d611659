import TestSupport
import Testing

@testable import chat

/// The client goes on in its rooms after any break: nothing is shown twice, and nothing is left out.
struct RoomPlacesTests {
    @Test func `rooms are in the order in which they were entered, the one spoken to last`() {
        var places = RoomPlaces()
        for room in ["lobby", "tea", "kitchen", "tea"] { places.enter(room, epoch: 1, sequence: 5, isResumed: false) }
        #expect(places.rooms == ["lobby", "kitchen", "tea"])
        #expect(places.current == "tea")
        places.leave("tea")
        #expect(places.current == "kitchen")
        #expect(places.places["tea"] == nil)
        for room in ["kitchen", "lobby"] { places.leave(room) }
        #expect(places.current == nil)
    }

    @Test func `what is there when a room is entered is not new, and entering it again changes nothing`() {
        var places = RoomPlaces()
        places.enter("lobby", epoch: 1, sequence: 5, isResumed: false)
        expectNew(false, places.receive(5, in: "lobby"))
        // The welcome that answers another /join may come before records that it counts.
        places.enter("lobby", epoch: 1, sequence: 8, isResumed: false)
        for number in 6...8 as ClosedRange<UInt64> { expectNew(true, places.receive(number, in: "lobby")) }
        expectNew(false, places.receive(8, in: "lobby"))
    }

    @Test func `another log of the room is all new to one who was in the old one`() {
        var places = RoomPlaces()
        places.enter("lobby", epoch: 1, sequence: 5, isResumed: false)
        places.didSay(6, in: "lobby")
        places.enter("lobby", epoch: 2, sequence: 9, isResumed: true)
        for number in 1...9 as ClosedRange<UInt64> { expectNew(true, places.receive(number, in: "lobby")) }
    }

    @Test func `a room that the client is not in is no reason to leave something out`() {
        var places = RoomPlaces()
        places.didSay(1, in: "tea")
        expectNew(true, places.receive(1, in: "tea"))
        places.leave("tea")
        #expect(places.places.isEmpty)
    }

    @Test func `a server may name rooms and numbers without end`() {
        var places = RoomPlaces()
        for number in 0..<1_000 as Range<UInt64> {
            places.enter("room\(number)", epoch: .max, sequence: .max, isResumed: number % 2 == 0)
            places.enter("room\(number)", epoch: number, sequence: 0, isResumed: false)
        }
        #expect(places.rooms.count <= 64 && places.places.count <= 64)
        #expect(places.current == "room999")
        for number in 1..<100_000 as Range<UInt64> { places.didSay(number, in: "room999") }
        #expect((places.places["room999"]?.own.count ?? .max) <= 1_000)
        expectNew(true, places.receive(.max, in: "room999"))
        #expect(places.places["room999"]?.own.isEmpty == true)
    }

    private func expectNew(_ expected: Bool, _ isNew: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(isNew == expected, sourceLocation: sourceLocation)
    }

    /// A room as the server has it, and what the client has been shown of it.
    private struct Room {
        var epoch: UInt64 = 1
        /// Who has said each record: the client itself or somebody else. The first one has the number 1.
        var isOwn: [Bool] = []
        /// Records, and confirmations of what the client has said, that are on their way. Each keeps its order; between them is none.
        var records: [UInt64] = []
        var confirmations: [UInt64] = []
        /// The number of the last record that has reached the client.
        var last: UInt64 = 0
        /// What the client knows to be its own, and what it has shown, since this log was begun.
        var confirmed: Set<UInt64> = []
        var shown: [UInt64] = []
        /// The number of the first record that is the client's to see.
        var first: UInt64 = 1
    }

    @Test func `a random talk with breaks anywhere shows each record once, and none that the client knows as its own`() {
        var generator = SeededGenerator()
        for _ in 0..<300 {
            var places = RoomPlaces()
            var rooms: [String: Room] = [:]
            for name in ["lobby", "tea", "kitchen"] {
                var room = Room()
                room.isOwn = Array(repeating: false, count: .random(in: 0..<5, using: &generator))
                room.last = UInt64(room.isOwn.count)
                room.first = room.last + 1
                rooms[name] = room
                places.enter(name, epoch: room.epoch, sequence: UInt64(room.isOwn.count), isResumed: false)
            }
            for _ in 0..<200 {
                guard let name = ["lobby", "tea", "kitchen"].randomElement(using: &generator), var room = rooms[name] else {
                    return
                }
                switch Int.random(in: 0..<20, using: &generator) {
                case 0..<6:
                    room.isOwn.append(false)
                    room.records.append(UInt64(room.isOwn.count))
                case 6..<9:
                    room.isOwn.append(true)
                    room.confirmations.append(UInt64(room.isOwn.count))
                case 9..<14 where !room.records.isEmpty:
                    let number = room.records.removeFirst()
                    room.last = number
                    if places.receive(number, in: name) { room.shown.append(number) }
                case 14..<19 where !room.confirmations.isEmpty:
                    let number = room.confirmations.removeFirst()
                    room.confirmed.insert(number)
                    places.didSay(number, in: name)
                case 19: rooms[name] = room; breakConnection(&rooms, &places, &generator); continue
                default: break
                }
                rooms[name] = room
            }
            breakConnection(&rooms, &places, &generator)
            for (name, room) in rooms {
                let numbers = (room.first...).prefix(while: { $0 <= room.isOwn.count })
                let expected = numbers.filter { !room.isOwn[Int($0) - 1] || !room.confirmed.contains($0) }
                #expect(room.shown == expected, "\(name), \(generator.seed)")
            }
        }
    }

    /// What is on its way is lost; the client comes back, and gets all that has happened since its place.
    private func breakConnection(_ rooms: inout [String: Room], _ places: inout RoomPlaces, _ generator: inout SeededGenerator) {
        for (name, old) in rooms.sorted(by: { $0.key < $1.key }) {
            var room = old
            (room.records, room.confirmations) = ([], [])
            // Others talk meanwhile.
            for _ in 0..<Int.random(in: 0..<5, using: &generator) { room.isOwn.append(false) }
            // A program goes on behind the last record that has come, so the server does not tell of its own before that.
            for number in room.first..<max(room.first, room.last + 1)
            where room.isOwn[Int(number) - 1] && !room.shown.contains(number) {
                room.confirmed.insert(number)
            }
            #expect(places.places[name]?.sequence == room.last)
            if Int.random(in: 0..<10, using: &generator) == 0 {
                // The room was gone, and is another one now.
                room = Room(epoch: room.epoch + 1, isOwn: Array(repeating: false, count: .random(in: 0..<5, using: &generator)))
            }
            places.enter(name, epoch: room.epoch, sequence: UInt64(room.isOwn.count), isResumed: true)
            for number in ((room.last + 1)...).prefix(while: { $0 <= room.isOwn.count }) {
                room.last = number
                if places.receive(number, in: name) { room.shown.append(number) }
            }
            rooms[name] = room
        }
    }
}
