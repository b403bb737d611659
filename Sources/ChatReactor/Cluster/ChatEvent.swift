import Reactor

/// Something that happens in a chat of several servers, as it is written to their order. Every server does it when it reads it there, and not before, so all
/// of them have the same people, rooms, names and records.
///
/// Who does it is not in it: the order has with each event which server has written it, and the number of the person there.
enum ChatEvent: Equatable {
    // MARK: What a person does

    /// Comes, and is a guest unless it can have the name that it wants: in any case if it has logged in.
    case arrive(name: String?, origin: SocketAddress?, isLoggedIn: Bool)
    /// Has proved to have a name. Whoever has it gives way.
    case logIn(String)
    /// Leaves the chat.
    case depart(reason: String)
    /// Takes a name, if nobody else has it.
    case rename(String)
    /// Enters a room: in place of the one that it is in, if `isMove`.
    case enter(room: String, Replay.Extent, key: String, isMove: Bool)
    /// Leaves a room for another one that it is in, or for the lobby.
    case leave(room: String)

    // MARK: What happens in a room

    /// Somebody says something there, or sets its topic. `from` is the name of a bot or of the server, if it is not a person.
    case record(room: String, kind: UInt8, from: String, text: [UInt8])
    /// Those of a crowd who came and went are counted.
    case countCrowd(room: String)
    /// A person may come in without the key.
    case invite(PersonKey, room: String)
    /// Everybody is sent out of it.
    case close(room: String)

    // MARK: What is about one person, who may be at another server

    case tell(PersonKey, Telling)
    /// Its server closes its connection.
    case remove(PersonKey, farewell: String)

    // MARK: What an operator has laid down

    case ban(Ban)
    case unban(Ban.Subject)
    /// Milliseconds; nil for good.
    case mute(String, for: UInt64?)
    case unmute(String)

    // MARK: Servers

    /// A server wants to be one of them, for the so-manieth time. `former` is what it was called before it lost the others, or 0.
    case hello(attempt: UInt32, former: UInt64)
    /// No other server has answered: the chat begins with this one.
    case begin
    /// A server has nothing to say, and is there.
    case alive
    /// A server has not been heard of for too long.
    case lost(server: UInt64)
    /// The server ends.
    case end
    /// A part of what a server needs to know that has said hello.
    case snapshot(for: UInt64, attempt: UInt32, ChatSnapshot.Part)

    /// What is told to one person alone.
    enum Telling: Equatable {
        case privateMessage(from: String, to: String, text: [UInt8])
        case notice(String)
        case error(String)
        case invitation(room: String, from: String)
    }
}

/// A person among those of all servers.
struct PersonKey: Hashable, Comparable {
    var server: UInt64
    /// Its number at that server.
    var number: UInt64

    static func < (one: PersonKey, other: PersonKey) -> Bool { (one.server, one.number) < (other.server, other.number) }
}

// MARK: - In the order

/// Writes the fields of events: numbers of a fixed size, little-endian, and texts with their length before them.
struct EventWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write<Number: FixedWidthInteger>(_ number: Number) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }

    mutating func write(_ flag: Bool) { write(flag ? 1 : 0 as UInt8) }

    mutating func write(_ bytes: [UInt8]) {
        write(UInt32(truncatingIfNeeded: bytes.count))
        self.bytes += bytes
    }

    mutating func write(_ text: String) { write(Array(text.utf8)) }

    mutating func write(_ text: String?) {
        write(text != nil)
        if let text { write(text) }
    }

    mutating func write(_ address: SocketAddress?) {
        switch address {
        case nil: write(0 as UInt8)
        case .ipv4(let number, let port):
            write(4 as UInt8)
            write(number)
            write(port)
        case .ipv6(let high, let low, let port, let scope):
            write(6 as UInt8)
            write(high)
            write(low)
            write(port)
            write(scope)
        case .unix(let path):
            write(1 as UInt8)
            write(path)
        }
    }

    mutating func write(_ ban: Ban) {
        write("\(ban.subject)")
        write(ban.end)
        write(ban.reason)
    }

    mutating func write<Number: FixedWidthInteger>(_ number: Number?) {
        write(number != nil)
        if let number { write(number) }
    }

    mutating func write(_ key: PersonKey) {
        write(key.server)
        write(key.number)
    }
}

/// Reads them. What is no event throws: whoever may write to the order may write anything.
struct EventReader {
    struct Malformed: Error {}

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(Malformed) -> Number {
        let size = Number.bitWidth / 8
        guard bytes.count &- position >= size else { throw Malformed() }
        var number: Number = 0
        for index in 0..<size { number |= Number(truncatingIfNeeded: bytes[position &+ index]) << Number(8 &* index) }
        position &+= size
        return number
    }

    mutating func flag() throws(Malformed) -> Bool {
        let byte: UInt8 = try number()
        if byte > 1 { throw Malformed() }
        return byte == 1
    }

    mutating func byteArray() throws(Malformed) -> [UInt8] {
        let count = Int(try number(UInt32.self))
        guard bytes.count &- position >= count else { throw Malformed() }
        defer { position &+= count }
        return Array(bytes[position..<position &+ count])
    }

    /// A text of one line at most, as all texts are but for what is said.
    mutating func text() throws(Malformed) -> String {
        guard let text = String(validating: try byteArray(), as: UTF8.self), !text.utf8.contains(0x0A) else { throw Malformed() }
        return text
    }

    mutating func optionalText() throws(Malformed) -> String? { try flag() ? try text() : nil }

    mutating func address() throws(Malformed) -> SocketAddress? {
        switch try number(UInt8.self) {
        case 0: return nil
        case 1:
            let path = try text()
            // No longer than the kernel has it.
            guard path.utf8.count < 108 else { throw Malformed() }
            return .unix(path: path)
        case 4: return .ipv4(address: try number(), port: try number())
        case 6: return .ipv6(high: try number(), low: try number(), port: try number(), scope: try number())
        default: throw Malformed()
        }
    }

    mutating func subject() throws(Malformed) -> Ban.Subject {
        let text = try text()
        if let subject = try? Ban.Subject(text) { return subject }
        // A name that nobody can ask for may be banned as well.
        do throws(ChatName.Invalid) { _ = try ChatName(text) } catch {
            if error == .reserved { return .name(ChatName(unchecked: text)) }
        }
        throw Malformed()
    }

    mutating func ban() throws(Malformed) -> Ban {
        let subject = try subject()
        let end: Int64? = try flag() ? try number() : nil
        // Of four digits is the year that a file of bans has.
        guard (0...253_402_300_799_999).contains(end ?? 0) else { throw Malformed() }
        return Ban(subject, end: end, reason: try text())
    }

    mutating func key() throws(Malformed) -> PersonKey { PersonKey(server: try number(), number: try number()) }
}

extension ChatEvent {
    private enum Code: UInt8 {
        case arrive = 1
        case depart, rename, enter, leave, record, countCrowd, invite, close, tell, remove, hello, begin, alive, lost, end,
            snapshot, ban, unban, mute, unmute, logIn
    }

    var encoded: [UInt8] {
        var writer = EventWriter()
        func write(_ code: Code) { writer.write(code.rawValue) }
        switch self {
        case .arrive(let name, let origin, let isLoggedIn):
            write(.arrive)
            writer.write(name)
            writer.write(origin)
            writer.write(isLoggedIn)
        case .logIn(let name):
            write(.logIn)
            writer.write(name)
        case .depart(let reason):
            write(.depart)
            writer.write(reason)
        case .rename(let name):
            write(.rename)
            writer.write(name)
        case .enter(let room, let extent, let key, let isMove):
            write(.enter)
            writer.write(room)
            switch extent {
            case .last(let count):
                writer.write(0 as UInt8)
                writer.write(UInt64(count))
                writer.write(0 as UInt64)
            case .after(let epoch, let sequence):
                writer.write(1 as UInt8)
                writer.write(epoch)
                writer.write(sequence)
            }
            writer.write(key)
            writer.write(isMove)
        case .leave(let room):
            write(.leave)
            writer.write(room)
        case .record(let room, let kind, let from, let text):
            write(.record)
            writer.write(room)
            writer.write(kind)
            writer.write(from)
            writer.write(text)
        case .countCrowd(let room):
            write(.countCrowd)
            writer.write(room)
        case .invite(let person, let room):
            write(.invite)
            writer.write(person)
            writer.write(room)
        case .close(let room):
            write(.close)
            writer.write(room)
        case .tell(let person, let telling):
            write(.tell)
            writer.write(person)
            telling.write(to: &writer)
        case .remove(let person, let farewell):
            write(.remove)
            writer.write(person)
            writer.write(farewell)
        case .ban(let ban):
            write(.ban)
            writer.write(ban)
        case .unban(let subject):
            write(.unban)
            writer.write("\(subject)")
        case .mute(let name, let duration):
            write(.mute)
            writer.write(name)
            writer.write(duration)
        case .unmute(let name):
            write(.unmute)
            writer.write(name)
        case .hello(let attempt, let former):
            write(.hello)
            writer.write(attempt)
            writer.write(former)
        case .begin: write(.begin)
        case .alive: write(.alive)
        case .lost(let server):
            write(.lost)
            writer.write(server)
        case .end: write(.end)
        case .snapshot(let server, let attempt, let part):
            write(.snapshot)
            writer.write(server)
            writer.write(attempt)
            part.write(to: &writer)
        }
        return writer.bytes
    }

    /// Nil for what is none.
    init?(_ encoded: [UInt8]) {
        var reader = EventReader(encoded)
        do throws(EventReader.Malformed) {
            self = try Self.read(from: &reader)
        } catch {
            return nil
        }
        if !reader.isAtEnd { return nil }
    }

    private static func read(from reader: inout EventReader) throws(EventReader.Malformed) -> ChatEvent {
        guard let code = Code(rawValue: try reader.number()) else { throw EventReader.Malformed() }
        switch code {
        case .arrive:
            return .arrive(name: try reader.optionalText(), origin: try reader.address(), isLoggedIn: try reader.flag())
        case .logIn: return .logIn(try reader.text())
        case .depart: return .depart(reason: try reader.text())
        case .rename: return .rename(try reader.text())
        case .enter:
            let room = try reader.text()
            let isAfter = try reader.flag()
            let (first, second): (UInt64, UInt64) = (try reader.number(), try reader.number())
            let extent = isAfter ? Replay.Extent.after(epoch: first, sequence: second) : .last(Int(min(first, 10_000)))
            return .enter(room: room, extent, key: try reader.text(), isMove: try reader.flag())
        case .leave: return .leave(room: try reader.text())
        case .record:
            let (room, kind) = (try reader.text(), try reader.number(UInt8.self))
            let (from, text) = (try reader.text(), try reader.byteArray())
            guard Record.Kind(rawValue: kind) != nil, String(validating: text, as: UTF8.self) != nil else {
                throw EventReader.Malformed()
            }
            return .record(room: room, kind: kind, from: from, text: text)
        case .countCrowd: return .countCrowd(room: try reader.text())
        case .invite: return .invite(try reader.key(), room: try reader.text())
        case .close: return .close(room: try reader.text())
        case .tell: return .tell(try reader.key(), try Telling(from: &reader))
        case .remove: return .remove(try reader.key(), farewell: try reader.text())
        case .ban: return .ban(try reader.ban())
        case .unban: return .unban(try reader.subject())
        case .mute: return .mute(try reader.text(), for: try reader.flag() ? try reader.number() : nil)
        case .unmute: return .unmute(try reader.text())
        case .hello: return .hello(attempt: try reader.number(), former: try reader.number())
        case .begin: return .begin
        case .alive: return .alive
        case .lost: return .lost(server: try reader.number())
        case .end: return .end
        case .snapshot:
            return .snapshot(
                for: try reader.number(), attempt: try reader.number(), try ChatSnapshot.Part(from: &reader))
        }
    }
}

extension ChatEvent.Telling {
    fileprivate func write(to writer: inout EventWriter) {
        switch self {
        case .privateMessage(let from, let to, let text):
            writer.write(1 as UInt8)
            writer.write(from)
            writer.write(to)
            writer.write(text)
        case .notice(let line):
            writer.write(2 as UInt8)
            writer.write(line)
        case .error(let line):
            writer.write(3 as UInt8)
            writer.write(line)
        case .invitation(let room, let from):
            writer.write(4 as UInt8)
            writer.write(room)
            writer.write(from)
        }
    }

    fileprivate init(from reader: inout EventReader) throws(EventReader.Malformed) {
        switch try reader.number(UInt8.self) {
        case 1:
            let (from, to, text) = (try reader.text(), try reader.text(), try reader.byteArray())
            guard String(validating: text, as: UTF8.self) != nil, !text.contains(0x0A) else { throw EventReader.Malformed() }
            self = .privateMessage(from: from, to: to, text: text)
        case 2: self = .notice(try reader.text())
        case 3: self = .error(try reader.text())
        case 4: self = .invitation(room: try reader.text(), from: try reader.text())
        default: throw EventReader.Malformed()
        }
    }
}
