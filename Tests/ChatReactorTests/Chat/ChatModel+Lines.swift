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
            case .error: line.isError && !line.text.hasPrefix("goodbye")
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
        let kind: Kind
        let isJSON: Bool
        /// Of which nothing comes any more once this has come.
        let closed: [Stream]
    }

    /// A line that a client has received.
    struct Received {
        let isJSON: Bool
        /// The line, without the time of what is replayed; of JSON the text in it.
        let text: String
        let isReplayed: Bool
        private let object: [String: Any]

        init(_ line: String) throws {
            isJSON = line.hasPrefix("{")
            if isJSON {
                var parser = JSONParser(line)
                guard let object = parser.parse() as? [String: Any] else { throw Broken("'\(line)' is no JSON") }
                self.object = object
                text = object["text"] as? String ?? ""
                isReplayed = object["replayed"] as? String == "true"
            } else {
                object = [:]
                isReplayed = line.hasPrefix("[")
                text = isReplayed ? String(line.drop { $0 != "]" }.dropFirst(2)) : line
            }
        }

        func has(_ expected: [String: String]) -> Bool { expected.allSatisfy { object[$0.key] as? String == $0.value } }

        func list(_ key: String) -> [String] {
            (object[key] as? [Any] ?? []).map { element in
                if let room = element as? [String: Any] { return "\(room["room"] ?? "") \(room["online"] ?? "")" }
                return element as? String ?? ""
            }
        }

        /// A line of text does not say which room it is about, but then there is one.
        func isAbout(_ room: Room) -> Bool { !isJSON || has(["room": room.name]) }

        var isError: Bool { isJSON ? has(["type": "error"]) : text.hasPrefix("! ") && missed == nil && !isUnknownGap }
        var isUnknownGap: Bool { isJSON ? has(["type": "gap"]) && missed == nil : text == "! messages may be missing here" }

        /// Of how many messages this says that they are missing.
        var missed: UInt64? {
            if isJSON { return has(["type": "gap"]) ? (object["missed"] as? String).flatMap { UInt64($0) } : nil }
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

/// Reads JSON as RFC 8259 has it, strictly, with numbers and words as they are written.
struct JSONParser {
    private var rest: Substring.UnicodeScalarView

    init(_ text: String) { rest = Substring(text).unicodeScalars }

    /// The value that is all of the text, or nil.
    mutating func parse() -> Any? {
        let value = value()
        return rest.isEmpty ? value : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func value() -> Any? {
        switch rest.first {
        case "{":
            rest.removeFirst()
            var object: [String: Any] = [:]
            if take("}") { return object }
            repeat {
                guard let key = string(), take(":"), let value = value(), object.updateValue(value, forKey: key) == nil else {
                    return nil
                }
            } while take(",")
            return take("}") ? object : nil
        case "[":
            rest.removeFirst()
            var array: [Any] = []
            if take("]") { return array }
            repeat {
                guard let value = value() else { return nil }
                array.append(value)
            } while take(",")
            return take("]") ? array : nil
        case "\"": return string()
        default:
            let word = rest.prefix { $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-" }
            rest.removeFirst(word.count)
            let text = String(word)
            return ["true", "false", "null"].contains(text) || Int(text) != nil ? text : nil
        }
    }

    private mutating func string() -> String? {
        guard take("\"") else { return nil }
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return String(text)
            case "\\":
                switch rest.popFirst() {
                case "\"": text.append("\"")
                case "\\": text.append("\\")
                case "n": text.append("\n")
                case "t": text.append("\t")
                case "u":
                    let digits = String(rest.prefix(4))
                    guard digits.count == 4, let value = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(value) else {
                        return nil
                    }
                    rest.removeFirst(4)
                    text.append(scalar)
                default: return nil
                }
            default:
                if scalar.value < 0x20 { return nil }
                text.append(scalar)
            }
        }
        return nil
    }
}
