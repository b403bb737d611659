@testable import ChatReactor

extension ChatModel {
    /// A message that somebody with an IRC client must get.
    struct Told {
        enum Content {
            /// This one, the last parameter of which may come in several messages if it is something that is said.
            case message(from: String, String, [String])
            case action(from: String, in: String, String)
            /// A numeric, with what stands between the client's name and the text.
            case numeric(String, [String])
            /// Who is in a room, in any number of messages.
            case names(of: String, Set<String>)
            case rooms(Set<String>)
            /// All that somebody is told who is let in.
            case welcome
        }

        enum ID: Equatable {
            case none
            case any
            case record(epoch: UInt64, sequence: UInt64)
        }

        var content: Content
        var id = ID.none
        /// Whether it has a time, for those who take one.
        var hasTime = false
        /// Whether it is of what was said before.
        var isPast = false
        var label: String?
        /// What the client had asked for when it was told.
        var capabilities: Set<String> = []

        init(_ content: Content, id: ID = .none, hasTime: Bool = false) {
            self.content = content
            self.id = id
            self.hasTime = hasTime
        }

        /// Something that somebody does.
        static func done(by source: String, _ command: String, _ parameters: [String], id: ID = .none) -> Told {
            Told(.message(from: source, command, parameters), id: id, hasTime: true)
        }
    }

    /// What somebody with an IRC client is still to get, and whether what comes is that.
    ///
    /// What is live in a room comes in its order, and so does what the client is told alone. Of several of these any may go on, but what
    /// is told of a person in all rooms comes behind all that was told of any room before, and before all that is told later.
    final class IRCReader {
        /// What is live in one room.
        private final class Stream {
            let room: Room
            var due: ArraySlice<Due> = []
            var toldCount = 0
            /// Those that have come, or were told as missing.
            var takenCount = 0
            /// Whether the rest may be missing: the client has left.
            var hasEnded = false
            /// Whether the answer that says that the client is there is still being made.
            var isNew = true

            init(_ room: Room) { self.room = room }
        }

        private struct Due {
            var told: Told
            /// How many messages of rooms must have come before.
            var following: [(stream: Stream, count: Int)] = []
            /// How many that the client is told alone must have come before.
            var ownCount = 0
            /// Whether a part of it has come.
            var hasBegun = false
        }

        private let server: String
        private var own: ArraySlice<Due> = []
        private var ownToldCount = 0
        private var ownTakenCount = 0
        private var streams: [Stream] = []
        /// How many that the client is told alone precede all that is live from now on.
        private var barrier = 0
        /// What the command comes to that is being run; nil between commands.
        private var responses: [Due]?
        private var label: String?
        /// What was told in each room before that command.
        private var before: [(stream: Stream, count: Int)] = []
        /// The batches that have begun and not ended, with the label of each, and whether they are of what was said before.
        private var batches: [String: (label: String?, isPast: Bool)] = [:]
        private(set) var hasGoodbye = false
        private(set) var gaps = 0
        private(set) var pastCount = 0
        private var lastLines: [String] = []

        // What the client has said of itself.
        var wantedName: String?
        var hasUser = false
        var isNegotiating = false
        var isRegistered = false
        var user = ""
        var capabilities: Set<String> = []

        init(server: String) { self.server = server }

        // MARK: - What is due

        /// - Parameter isOrdered: Whether what it comes to follows what was told in the client's rooms before.
        func beginCommand(label: String?, isOrdered: Bool) {
            self.label = capabilities.contains("labeled-response") ? label : nil
            before = isOrdered ? streams.filter { !$0.hasEnded }.map { ($0, $0.toldCount) } : []
            responses = []
        }

        func endCommand() {
            var all = responses ?? []
            responses = nil
            if label != nil, all.isEmpty { all = [Due(told: Told(.message(from: server, "ACK", [])))] }
            for var due in all {
                due.told.label = label
                due.following += before
                append(due)
            }
            label = nil
            for stream in streams where stream.isNew {
                stream.isNew = false
                barrier = ownToldCount
            }
        }

        /// What has been answered so far leaves without a label: the client is closed.
        func endCommandEarly() {
            label = nil
            let all = responses ?? []
            for var due in all {
                due.following += before
                append(due)
            }
            if responses != nil { responses = [] }
        }

        private func append(_ due: Due) {
            var due = due
            due.told.capabilities = capabilities
            own.append(due)
            ownToldCount += 1
        }

        /// An answer to the command that is being run, or something that the client is told alone; in a room that it leaves behind all
        /// that was told of that.
        func answer(_ told: Told, leaving room: Room? = nil) {
            var due = Due(told: told)
            if let room, let index = streams.firstIndex(where: { $0.room === room && !$0.hasEnded }) {
                let stream = streams[index]
                due.following = [(stream, stream.toldCount)]
                stream.hasEnded = true
            }
            if responses == nil { append(due) } else { responses?.append(due) }
        }

        /// Something that others have the client told alone.
        func tellAside(_ told: Told) { append(Due(told: told)) }

        /// Something about a person, in however many rooms.
        func tellOnce(_ told: Told) {
            let following = streams.filter { !$0.hasEnded }.map { ($0, $0.toldCount) }
            append(Due(told: told, following: following))
            barrier = ownToldCount
        }

        func open(_ room: Room) { streams.append(Stream(room)) }

        func hear(_ told: Told, in room: Room) {
            guard let stream = streams.last(where: { $0.room === room && !$0.hasEnded }) else { return }
            var due = Due(told: told, ownCount: barrier)
            due.told.capabilities = capabilities
            stream.due.append(due)
            stream.toldCount += 1
        }

        /// The client is gone from all rooms: what has not been sent may be missing.
        func end() { for stream in streams { stream.hasEnded = true } }

        /// What has not come; nil if all has.
        var lacking: String? {
            if let due = own.first { return "\(due.told.content)" }
            if let batch = batches.first { return "the end of the batch \(batch)" }
            return streams.first { !$0.hasEnded && !$0.due.isEmpty }.map { "\($0.due[$0.due.startIndex].told.content)" }
        }

        var description: String {
            let rooms = streams.filter { !$0.due.isEmpty }.map { stream in
                "of \(stream.room.name) \(stream.due.count), next \(stream.due[stream.due.startIndex].told.content)"
            }
            return "\(own.count) of its own, next \(own.first.map { "\($0.told.content)" } ?? "nothing"); \(rooms)"
        }

        // MARK: - What comes

        func check(_ line: String) throws {
            lastLines = lastLines.suffix(9) + [line]
            let message = try IRCMessage(line.utf8.span)
            func broken(_ what: String) -> Broken {
                Broken("\(what): '\(line)'; it should get \(description); the last lines are \(lastLines)")
            }
            if line.utf8.count - message.tagByteCount > 510 { throw broken("a message is too long") }
            if message.command == "BATCH" { return try take(batch: message) { broken($0) } }
            if message.command == "NOTICE", message.source == server, let text = message.parameters.last {
                if text.hasPrefix("goodbye: ") {
                    hasGoodbye = true
                    return
                }
                if text.hasSuffix(" messages are missing here"), let missed = Int(text.prefix { $0 != " " }) {
                    return try skip(missed, in: message.parameters[0]) { broken($0) }
                }
            }
            // What has begun goes on before anything else comes.
            if let stream = streams.first(where: { $0.due.first?.hasBegun == true }) {
                guard try takeLive(message, of: stream) else { throw broken("a text does not go on") }
                return
            }
            if try takeOwn(message) { return }
            if own.first?.hasBegun == true { throw broken("a text does not go on") }
            for stream in streams where try takeLive(message, of: stream) { return }
            throw broken("that is not what should come")
        }

        private func takeOwn(_ message: IRCMessage) throws -> Bool {
            guard var due = own.first, due.following.allSatisfy({ $0.stream.takenCount >= $0.count }) else { return false }
            switch try match(message, with: &due) {
            case .none: return false
            case .partly: own[own.startIndex] = due
            case .wholly:
                own.removeFirst()
                ownTakenCount += 1
            }
            if due.told.isPast { pastCount += 1 }
            return true
        }

        private func takeLive(_ message: IRCMessage, of stream: Stream) throws -> Bool {
            guard var due = stream.due.first, due.ownCount <= ownTakenCount, !stream.isNew else { return false }
            switch try match(message, with: &due) {
            case .none: return false
            case .partly: stream.due[stream.due.startIndex] = due
            case .wholly:
                stream.due.removeFirst()
                stream.takenCount += 1
            }
            return true
        }

        private func skip(_ missed: Int, in name: String, _ broken: (String) -> Broken) throws {
            gaps += 1
            guard let stream = streams.first(where: { "#\($0.room.name)" == name && !$0.due.isEmpty }), missed > 0,
                stream.due.count >= missed, stream.due.first?.hasBegun == false
            else { throw broken("more is told as missing than there was") }
            stream.due.removeFirst(missed)
            stream.takenCount += missed
        }

        private func take(batch message: IRCMessage, _ broken: (String) -> Broken) throws {
            let (label, _) = try place(of: message)
            let name = String(message.parameters[0].dropFirst())
            if message.parameters[0].hasPrefix("+") {
                guard batches[name] == nil else { throw broken("a batch begins twice") }
                batches[name] = (label, message.parameters[1] == "chathistory")
            } else {
                guard batches.removeValue(forKey: name) != nil else { throw broken("a batch ends that has not begun") }
            }
        }

        /// To which command a message belongs, and whether it is of what was said before.
        private func place(of message: IRCMessage) throws -> (label: String?, isPast: Bool) {
            let label = message.tags.first { $0.key == "label" }?.value
            guard let name = message.tags.first(where: { $0.key == "batch" })?.value else { return (label, false) }
            guard let batch = batches[name], label == nil else { throw Broken("a message is in a batch that has not begun") }
            return batch
        }

        private enum Match {
            case none
            case partly
            case wholly
        }

        private func match(_ message: IRCMessage, with due: inout Due) throws -> Match {
            let (label, isPast) = try place(of: message)
            let told = due.told
            guard label == told.label, isPast == (told.isPast && told.capabilities.contains("batch")),
                hasRightTags(message, told, isFirst: !due.hasBegun)
            else { return .none }
            let match = Self.match(message, &due.told.content, server)
            if case .partly = match { due.hasBegun = true }
            return match
        }

        private func hasRightTags(_ message: IRCMessage, _ told: Told, isFirst: Bool) -> Bool {
            var keys = Set(message.tags.map(\.key)).subtracting(["label", "batch"])
            let id = message.tags.first { $0.key == "msgid" }?.value
            let takesID = told.capabilities.contains("message-tags") && isFirst
            switch told.id {
            case .none: if id != nil { return false }
            case .any: if (id != nil) != takesID { return false }
            case .record(let epoch, let sequence):
                if id != (takesID ? "\(String(epoch, radix: 36))-\(sequence)" : nil) { return false }
            }
            keys.remove("msgid")
            return keys == (told.hasTime && told.capabilities.contains("server-time") ? ["time"] : [])
        }

        private static func match(_ message: IRCMessage, _ content: inout Told.Content, _ server: String) -> Match {
            let parameters = message.parameters
            switch content {
            case .message(let from, let command, var expected):
                guard message.source ?? "" == from, message.command == command, parameters.count == expected.count,
                    parameters.dropLast() == expected.dropLast()
                else { return .none }
                guard let text = parameters.last, let whole = expected.last else { return .wholly }
                if Array(text.utf8) == Array(whole.utf8) { return .wholly }
                guard command == "PRIVMSG" || command == "NOTICE", let rest = Self.rest(of: whole, after: text) else {
                    return .none
                }
                expected[expected.count - 1] = rest
                content = .message(from: from, command, expected)
                return .partly
            case .action(let from, let target, let whole):
                guard message.source == from, message.command == "PRIVMSG", parameters.count == 2, parameters[0] == target,
                    parameters[1].hasPrefix("\u{1}ACTION "), parameters[1].utf8.last == 1
                else { return .none }
                let text = String(decoding: parameters[1].utf8.dropFirst(8).dropLast(), as: UTF8.self)
                if Array(text.utf8) == Array(whole.utf8) { return .wholly }
                guard let rest = Self.rest(of: whole, after: text) else { return .none }
                content = .action(from: from, in: target, rest)
                return .partly
            case .numeric(let code, let expected):
                guard message.source == server, message.command == code, parameters.dropFirst().starts(with: expected) else {
                    return .none
                }
                return .wholly
            case .names(let room, var left):
                if message.source == server, message.command == "366", parameters[1] == room {
                    return left.isEmpty ? .wholly : .none
                }
                guard message.source == server, message.command == "353", parameters[2] == room else { return .none }
                for name in parameters[3].split(separator: " ") where left.remove(String(name)) == nil { return .none }
                content = .names(of: room, left)
                return .partly
            case .rooms(var left):
                if message.command == "323" { return left.isEmpty ? .wholly : .none }
                if message.command == "321" { return .partly }
                guard message.command == "322", left.remove(parameters.dropFirst().joined(separator: " ")) != nil else {
                    return .none
                }
                content = .rooms(left)
                return .partly
            case .welcome:
                guard message.source == server, message.command.count == 3, Int(message.command) != nil else { return .none }
                return message.command == "422" ? .wholly : .partly
            }
        }

        /// What of a text is still to come; nil if this does not begin it.
        private static func rest(of whole: String, after piece: String) -> String? {
            guard !piece.isEmpty, whole.utf8.starts(with: piece.utf8) else { return nil }
            return String(decoding: whole.utf8.dropFirst(piece.utf8.count), as: UTF8.self)
        }
    }
}
