import ChatReactorText

/// What a chat server tells a program: one object a line. Docs/chat-protocol.md has all of them.
struct ChatEvent {
    enum Kind: String {
        case message, action, join, leave, rename, topic, notice
        case login, invitation
        case welcome, sent, error, who, rooms, pong, gap, closed
        case `private`
        case historyEnd = "history-end"
    }

    let kind: Kind
    private let object: JSON

    /// Nil for what is no object, or of a kind that is not known: a later server may send more of them.
    init?(_ line: String) {
        guard let object = try? JSON(parsing: line), let kind = object["type"]?.text.flatMap(Kind.init) else { return nil }
        self.kind = kind
        self.object = object
    }

    var room: String? { object["room"]?.text }
    var from: String? { object["from"]?.text }
    var to: String? { object["to"]?.text }
    var text: String? { object["text"]?.text }
    /// The lines of a message of several.
    var lines: [String]? { object["lines"]?.elements?.compactMap(\.text) }
    var name: String? { object["name"]?.text }
    /// Of an answer to a login, whether the user has logged in; nil of anything else.
    var login: Bool? { object["login"]?.bool }
    var sequence: UInt64? { object["seq"]?.count }
    var epoch: UInt64? { object["epoch"]?.count }
    var online: UInt64? { object["online"]?.count }
    var missed: UInt64? { object["missed"]?.count }
    var count: UInt64? { object["count"]?.count }
    var isReplayed: Bool { object["replayed"]?.bool ?? false }
    /// In milliseconds since the beginning of 1970.
    var time: Int64? { object["time"]?.text.flatMap(Timestamp.parse(rfc3339:)) }
    /// The people in a room.
    var names: [String] { object["names"]?.elements?.compactMap(\.text) ?? [] }
    /// Whether these are not all of the people.
    var isPartial: Bool { object["more"]?.bool ?? false }
    var rooms: [(name: String, online: UInt64)] {
        object["rooms"]?.elements?.compactMap { room in
            guard let name = room["room"]?.text, let online = room["online"]?.count else { return nil }
            return (name, online)
        } ?? []
    }

    /// Whether this is something that has happened in a room, with a number there.
    var isRecord: Bool { sequence != nil && kind != .welcome && kind != .sent }
    /// Whether somebody says something.
    var isMessage: Bool { kind == .message || kind == .action || kind == .private }
}
