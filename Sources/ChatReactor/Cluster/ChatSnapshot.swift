import Reactor

/// What a chat of several servers is at one place in their order: all that decides what later events come to, and the newest records of its rooms. A server
/// that becomes one of them gets it from one that is.
enum ChatSnapshot {
    /// How many bytes of records there are at most, of all rooms together.
    static let recordLimit = 4 << 20
    /// How many bytes of records are in one part, about.
    static let partSize = 32_768
    /// How large a time or a count may be. No clock gets there, and no sum of what is less overflows.
    static let limit: Int64 = 1 << 53

    /// A piece of a snapshot that is one event.
    enum Part: Equatable {
        case start(Start)
        case room(Room)
        /// Those that follow what there is of the room's records.
        case records(room: String, [RecordImage])
        case person(PersonKey, Person)
        /// One who may enter a room without its key, whatever it is called.
        case invitation(PersonKey, room: String)
        /// One that is empty, and kept for those who come back.
        case keptRoom(String, until: Int64)
        case ban(Ban)
        case mute(String, until: Int64?)
        case end
    }

    struct Person: Equatable {
        var name: String
        var guestNumber: UInt64
        var origin: SocketAddress?
        var isLoggedIn: Bool
        var rooms: [String]
    }

    struct Start: Equatable {
        /// What all servers have to be set up with alike.
        var settings: UInt64
        var guestCount: UInt64
        var time: Int64
        /// The servers, in the order in which they were last heard.
        var servers: [Server]
    }

    struct Server: Equatable {
        var name: UInt64
        /// The number of its next event.
        var nextNumber: UInt64
    }

    struct Room: Equatable {
        var name: String
        var epoch: UInt64
        /// The number of the first record that follows.
        var nextSequence: UInt64
        var topic: String
        var topicSetter: String
        var topicTime: Int64
        var key: String?
        var crowd: Presence.Crowd
        /// Those who may enter it without its key when they have logged in.
        var invitedNames: [String]
    }

    struct RecordImage: Equatable {
        var kind: UInt8
        var time: Int64
        var online: Int32
        var from: [UInt8]
        var text: [UInt8]

        var size: Int { from.count &+ text.count &+ 21 }
    }
}

extension ChatSnapshot.Part {
    func write(to writer: inout EventWriter) {
        switch self {
        case .start(let start):
            writer.write(1 as UInt8)
            writer.write(start.settings)
            writer.write(start.guestCount)
            writer.write(start.time)
            writer.write(UInt32(start.servers.count))
            for server in start.servers {
                writer.write(server.name)
                writer.write(server.nextNumber)
            }
        case .room(let room):
            writer.write(2 as UInt8)
            writer.write(room.name)
            writer.write(room.epoch)
            writer.write(room.nextSequence)
            writer.write(room.topic)
            writer.write(room.topicSetter)
            writer.write(room.topicTime)
            writer.write(room.key)
            writer.write(room.crowd.windowEnd)
            for count in [room.crowd.told, room.crowd.joined, room.crowd.left] { writer.write(UInt32(clamping: count)) }
            writer.write(room.invitedNames)
        case .records(let room, let records):
            writer.write(3 as UInt8)
            writer.write(room)
            writer.write(UInt32(records.count))
            for record in records {
                writer.write(record.kind)
                writer.write(record.time)
                writer.write(record.online)
                writer.write(record.from)
                writer.write(record.text)
            }
        case .person(let key, let person):
            writer.write(4 as UInt8)
            writer.write(key)
            writer.write(person.name)
            writer.write(person.guestNumber)
            writer.write(person.origin)
            writer.write(person.isLoggedIn)
            writer.write(person.rooms)
        case .invitation(let key, let room):
            writer.write(5 as UInt8)
            writer.write(key)
            writer.write(room)
        case .end: writer.write(6 as UInt8)
        case .keptRoom(let name, let end):
            writer.write(9 as UInt8)
            writer.write(name)
            writer.write(end)
        case .ban(let ban):
            writer.write(7 as UInt8)
            writer.write(ban)
        case .mute(let name, let end):
            writer.write(8 as UInt8)
            writer.write(name)
            writer.write(end)
        }
    }

    init(from reader: inout EventReader) throws(EventReader.Malformed) {
        switch try reader.number(UInt8.self) {
        case 1:
            let (settings, guestCount): (UInt64, UInt64) = (try reader.number(), try reader.number())
            let (time, count): (Int64, UInt32) = (try reader.time(), try reader.number())
            guard guestCount <= ChatSnapshot.limit else { throw EventReader.Malformed() }
            var servers: [ChatSnapshot.Server] = []
            for _ in 0..<count { servers.append(.init(name: try reader.number(), nextNumber: try reader.number())) }
            self = .start(.init(settings: settings, guestCount: guestCount, time: time, servers: servers))
        case 2:
            let name = try reader.text()
            let (epoch, nextSequence): (UInt64, UInt64) = (try reader.number(), try reader.number())
            let (topic, setter) = (try reader.text(), try reader.text())
            let (time, key): (Int64, String?) = (try reader.time(), try reader.optionalText())
            let windowEnd: Int64 = try reader.time()
            let (told, joined, left): (UInt32, UInt32, UInt32) = (
                try reader.number(), try reader.number(), try reader.number()
            )
            let names = try reader.texts()
            // So that no number of a record overflows.
            guard (1...UInt64.max / 2).contains(nextSequence) else { throw EventReader.Malformed() }
            self = .room(
                .init(
                    name: name, epoch: epoch, nextSequence: nextSequence, topic: topic, topicSetter: setter, topicTime: time,
                    key: key,
                    crowd: .init(windowEnd: windowEnd, told: Int(told), joined: Int(joined), left: Int(left)),
                    invitedNames: names))
        case 3:
            let (room, count): (String, UInt32) = (try reader.text(), try reader.number())
            var records: [ChatSnapshot.RecordImage] = []
            for _ in 0..<count {
                let (kind, time, online): (UInt8, Int64, Int32) = (
                    try reader.number(), try reader.time(), try reader.number()
                )
                let (from, text) = (try reader.byteArray(), try reader.byteArray())
                guard Record.Kind(rawValue: kind) != nil, String(validating: from, as: UTF8.self) != nil,
                    String(validating: text, as: UTF8.self) != nil
                else { throw EventReader.Malformed() }
                records.append(.init(kind: kind, time: time, online: online, from: from, text: text))
            }
            self = .records(room: room, records)
        case 4:
            let (key, name) = (try reader.key(), try reader.text())
            let (guestNumber, origin): (UInt64, SocketAddress?) = (try reader.number(), try reader.address())
            let isLoggedIn = try reader.flag()
            guard guestNumber <= ChatSnapshot.limit else { throw EventReader.Malformed() }
            self = .person(
                key,
                .init(
                    name: name, guestNumber: guestNumber, origin: origin, isLoggedIn: isLoggedIn, rooms: try reader.texts()))
        case 5: self = .invitation(try reader.key(), room: try reader.text())
        case 6: self = .end
        case 9: self = .keptRoom(try reader.text(), until: try reader.time())
        case 7: self = .ban(try reader.ban())
        case 8: self = .mute(try reader.text(), until: try reader.flag() ? try reader.time() : nil)
        default: throw EventReader.Malformed()
        }
    }
}

extension EventWriter {
    fileprivate mutating func write(_ texts: [String]) {
        write(UInt32(texts.count))
        for text in texts { write(text) }
    }
}

extension EventReader {
    fileprivate mutating func texts() throws(Malformed) -> [String] {
        let count: UInt32 = try number()
        var texts: [String] = []
        for _ in 0..<count { texts.append(try text()) }
        return texts
    }

    /// Milliseconds since the beginning of 1970.
    fileprivate mutating func time() throws(Malformed) -> Int64 {
        let time: Int64 = try number()
        // A minute more is when what happens at that time is over.
        guard (0...ChatSnapshot.limit + 60_000).contains(time) else { throw Malformed() }
        return time
    }
}
