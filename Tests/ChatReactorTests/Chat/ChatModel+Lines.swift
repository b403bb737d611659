import TestSupport

@testable import ChatReactor

extension ChatModel {
    /// What a client is told alone.
    enum Kind {
        case welcome(room: String, name: String, online: Int, sequence: UInt64, epoch: UInt64, isFirst: Bool)
        /// One that says this.
        case notice(String)
        case error
        case sent(room: String, sequence: UInt64)
        case `private`(from: String, to: String, String)
        case saidPrivately(to: String, String)
        case who(room: String, names: [String])
        case rooms([(name: String, online: Int)])
        case pong
        case replay(Replay)

        func isMatched(by line: Received) -> Bool {
            switch self {
            case .welcome(let room, let name, let online, let sequence, let epoch, let isFirst):
                line.isJSON
                    ? line.has([
                        "type": "welcome", "room": room, "name": name, "online": "\(online)", "seq": "\(sequence)",
                        "epoch": "\(epoch)",
                    ])
                    : line.text == "* \(isFirst ? "welcome to tea; you are \(name)" : "you are in \(room)"); \(online) online"
            case .notice(let text):
                line.isJSON
                    ? line.has(["type": "notice"]) && line.text.contains(text)
                    : line.text.hasPrefix("* ") && line.text.contains(text)
            case .error: line.isError && !line.isGoodbye
            case .sent(let room, let sequence): line.has(["type": "sent", "room": room, "seq": "\(sequence)"])
            case .private(let from, let to, let text):
                line.isJSON
                    ? line.has(["type": "private", "from": from, "to": to, "text": text]) : line.text == "\(from) to you: \(text)"
            case .saidPrivately(let to, let text):
                line.isJSON ? line.has(["type": "sent", "to": to]) : line.text == "you to \(to): \(text)"
            case .who(let room, let names):
                line.isJSON
                    ? line.has(["type": "who", "room": room]) && line.list("names").sorted() == names.sorted()
                    : names.isEmpty
                        ? line.text == "* nobody is in \(room)"
                        : line.text.hasPrefix("* in \(room): ")
                            && line.text.dropFirst("* in \(room): ".count).split(separator: ", ").map(String.init).sorted()
                                == names.sorted()
            case .rooms(let rooms):
                line.isJSON
                    ? line.has(["type": "rooms"])
                        && line.list("rooms").sorted() == rooms.map { "\($0.name) \($0.online)" }.sorted()
                    : rooms.contains { line.text == "* \($0.name) (\($0.online) online)" }
            case .pong: line.isJSON ? line.has(["type": "pong"]) : line.text == "* pong"
            case .replay: false
            }
        }
    }

    struct Reply {
        var kind: Kind
        let isJSON: Bool
        /// The streams of which nothing comes any more once this has come.
        let closed: [Int]
    }

    /// A line that a client has received.
    struct Received {
        let isJSON: Bool
        /// The line, without the time of what is replayed; of JSON the text in it.
        let text: String
        let isReplayed: Bool
        private let object: [String: JSONValue]

        init(_ line: String) throws {
            isJSON = line.hasPrefix("{")
            if isJSON {
                guard let object = (try? JSONValue(line, isCompact: true))?.object else { throw Broken("'\(line)' is no JSON") }
                self.object = object
                text = object["text"]?.string ?? ""
                isReplayed = object["replayed"] == .bool(true)
            } else {
                object = [:]
                isReplayed = line.hasPrefix("[")
                text = isReplayed ? String(line.drop { $0 != "]" }.dropFirst(2)) : line
            }
        }

        func has(_ expected: [String: String]) -> Bool { expected.allSatisfy { Self.written(object[$0.key]) == $0.value } }

        /// A string as it is, and a number or a word as it is written.
        private static func written(_ value: JSONValue?) -> String? {
            switch value {
            case .string(let text): text
            case .integer(let number): "\(number)"
            case .bool(let value): "\(value)"
            case .null, .array, .object, nil: nil
            }
        }

        func list(_ key: String) -> [String] {
            (object[key]?.array ?? []).map { element in
                if element.object == nil { return Self.written(element) ?? "" }
                return "\(Self.written(element["room"]) ?? "") \(Self.written(element["online"]) ?? "")"
            }
        }

        /// A line of text does not say which room it is about, but then there is one.
        func isAbout(_ room: Room) -> Bool { !isJSON || has(["room": room.name]) }

        var isError: Bool { isJSON ? has(["type": "error"]) : text.hasPrefix("! ") && missed == nil && !isUnknownGap }
        var isGoodbye: Bool { isJSON ? isError && text.hasPrefix("goodbye") : text.hasPrefix("! goodbye") }
        var isUnknownGap: Bool { isJSON ? has(["type": "gap"]) && missed == nil : text == "! messages may be missing here" }

        /// Of how many messages this says that they are missing.
        var missed: UInt64? {
            if isJSON { return has(["type": "gap"]) ? object["missed"]?.integer.map(UInt64.init) : nil }
            guard text.hasPrefix("! "), text.hasSuffix(" messages are missing here") else { return nil }
            return UInt64(text.dropFirst(2).prefix { $0 != " " })
        }

        var isMark: Bool { isJSON ? has(["type": "history-end"]) : !isReplayed && text.hasPrefix("* end of history (") }

        func isMark(count: Int, in room: Room) -> Bool {
            isJSON ? has(["room": room.name, "count": "\(count)"]) : text == "* end of history (\(count))"
        }

        func isEntry(_ entry: Entry, in room: Room, isReplayed: Bool) -> Bool {
            if isReplayed != self.isReplayed { return false }
            if isJSON {
                guard has(["type": "\(entry.kind)", "seq": "\(entry.sequence)", "room": room.name]) else { return false }
                switch entry.kind {
                case .message, .action, .topic: return has(["from": entry.from, "text": entry.text])
                case .join: return has(["from": entry.from, "online": "\(entry.online)"])
                case .leave: return has(["from": entry.from, "text": entry.text, "online": "\(entry.online)"])
                case .rename: return has(["from": entry.from, "to": entry.text])
                case .notice: return has(["text": entry.text])
                }
            }
            switch entry.kind {
            case .message: return text == "\(entry.from): \(entry.text)"
            case .action: return text == "\(entry.from): *\(entry.text)*"
            case .join: return text == "* \(entry.from) joined (\(entry.online) online)"
            case .leave: return text == "* \(entry.from) left: \(entry.text) (\(entry.online) online)"
            case .rename: return text == "* \(entry.from) is now \(entry.text)"
            case .topic:
                return text == "* \(entry.from) \(entry.text.isEmpty ? "removed the topic" : "set the topic: \(entry.text)")"
            case .notice: return text == "* \(entry.text)"
            }
        }
    }
}
