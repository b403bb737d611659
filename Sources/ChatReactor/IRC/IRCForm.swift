import ChatReactorText
import Reactor

/// How those get what happens who have IRC clients: messages as RFC 1459 has them, in the way that today's clients take them, with the tags of IRCv3.
///
/// A message is made once for all whose clients want the same parts of it.
enum IRCForm {
    /// How long a message may be without its tags, in bytes, with its CR and LF.
    static let lengthLimit = 512

    /// What a message has only for those whose clients ask for it.
    struct Parts: OptionSet, Hashable {
        let rawValue: UInt8

        /// Tags of any kind: the message's identifier, and those that clients have added.
        static let messageTags = Parts(rawValue: 1)
        /// When it happened, as a tag.
        static let time = Parts(rawValue: 2)
        /// The name that the sender has logged in under, as a tag.
        static let account = Parts(rawValue: 4)
        /// That and the sender's description, in what says that somebody has come.
        static let extendedJoin = Parts(rawValue: 8)
        /// That several lines are one message, as a batch.
        static let multiline = Parts(rawValue: 16)
    }

    /// Encodes what all in a room are told.
    static func encode(_ reply: Reply, in room: ChatName, from server: String) -> [UInt8] {
        let text: String
        switch reply {
        case .notice(let line), .error(let line): text = line
        case .gap(_, let missed): text = notice(ofMissed: missed)
        default: return []
        }
        var output: [UInt8] = []
        IRCLine(server, "NOTICE", ["#\(room)"], text: Array(text.utf8)).append(with: [], to: &output)
        return output
    }

    /// Messages in several pieces, each of whole ones: those of a long text, each with the longest of names, may be more than a topic takes at once.
    static func pieces(of messages: [UInt8], atMost limit: Int) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < messages.count {
            var end = min(start + limit, messages.count)
            while end > start, messages[end - 1] != UInt8(ascii: "\n") { end -= 1 }
            if end == start { break }
            pieces.append(Array(messages[start..<end]))
            start = end
        }
        return pieces
    }

    static func notice(ofMissed missed: UInt64?) -> String {
        missed.map { "\($0) messages are missing here" } ?? "messages may be missing here"
    }
}

/// What somebody with an IRC client has sent, where that is more than its text: the other forms, and the history, do not have it.
struct IRCOriginal {
    /// With colours and the like; without what makes it an action. Several lines are joined by newlines.
    var text: [UInt8]
    /// Where in the text the sender's client has gone on in another message, though not in another line.
    var breaks: [Int] = []
    /// Whether no program is to answer it.
    var isNotice = false
    /// Those of the sender's tags that are for the other clients.
    var clientTags: [(key: String, value: String)] = []
}

/// How those hear who have IRC clients that somebody is not in a room any more.
enum IRCDeparture {
    /// It has left the room, and says why.
    case part(String)
    /// It has been sent out of the room.
    case kick(by: IRCClient, String)
    /// They know already that it has left the server.
    case quit
}

/// One message to clients of IRC.
struct IRCLine {
    /// Who has caused it: a server, or `nick!user@host`; empty for nobody.
    var source: String
    var command: String
    /// Those that have no space in them, and do not begin with a colon.
    var parameters: [String]
    /// The last parameter, which may be any text; nil for none. What is said and too long for one message becomes several, as several lines do.
    var text: [UInt8]?
    /// Where in the text there is to be another message in any case.
    var breaks: [Int] = []
    /// When it happened, in milliseconds since the beginning of 1970.
    var time: Int64?
    /// By which the message can be referred to.
    var id: String?
    /// The name that the sender has logged in under.
    var account: String?
    /// Tags that go to everybody whose client takes any.
    var clientTags: [(key: String, value: String)] = []
    /// Tags that belong to the one client that the message is for.
    var ownTags: [(key: String, value: String)] = []
    /// What precedes and follows the text in each message.
    var envelope: (before: String, after: String)?

    init(_ source: String, _ command: String, _ parameters: [String] = [], text: [UInt8]? = nil) {
        self.source = source
        self.command = command
        self.parameters = parameters
        self.text = text
    }

    /// Whether a text that is too long for one message goes on in another one. Two topics are not one long topic, nor do two who leave make one.
    private var goesOn: Bool { command == "PRIVMSG" || command == "NOTICE" || command == IRCNumeric.motd.code }

    /// How many bytes precede and follow the text in each message, besides the tags.
    private var frameLength: Int {
        let words = parameters.reduce(source.utf8.count + command.utf8.count) { $0 + $1.utf8.count + 1 }
        return words + (source.isEmpty ? 2 : 4) + (envelope.map { $0.before.utf8.count + $0.after.utf8.count } ?? 0) + 2
    }

    /// Whether it takes several messages, which are no batch of their own.
    func isSeveral(with parts: IRCForm.Parts) -> Bool {
        guard goesOn, let text, !isBatch(with: parts) else { return false }
        return frameLength + text.count > IRCForm.lengthLimit || !breaks.isEmpty || text.contains(Self.newline)
    }

    private static let newline = UInt8(ascii: "\n")

    /// Whether it is a batch for those who take several lines as one message, if it takes several.
    private func isBatch(with parts: IRCForm.Parts) -> Bool {
        parts.contains(.multiline) && command == "PRIVMSG" && id != nil && envelope == nil
    }

    /// How many bytes it takes at most.
    var longestLength: Int {
        let tags = (clientTags + ownTags).reduce(200) { $0 + 2 * ($1.key.utf8.count + $1.value.utf8.count) }
        guard goesOn, let text else { return tags + IRCForm.lengthLimit }
        // A piece may be as short as two thirds of what there is room for.
        let lineCount = text.count { $0 == Self.newline } + breaks.count
        // With the two that begin and end a batch.
        let count = 3 * text.count / (2 * max(IRCForm.lengthLimit - frameLength, 32)) + lineCount + 3
        return text.count + count * (tags + frameLength)
    }

    /// Appends the message, or several if it says what does not fit into one.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    func append(with parts: IRCForm.Parts, to output: inout [UInt8]) {
        var head: [UInt8] = []
        if !source.isEmpty { head.append(":\(source) ") }
        head.append(command)
        for parameter in parameters {
            head.append(UInt8(ascii: " "))
            head.append(parameter)
        }
        let opening = " :\(envelope?.before ?? "")"
        let room = IRCForm.lengthLimit - 2 - head.count - opening.utf8.count - (envelope?.after.utf8.count ?? 0)
        // A text that there is no room for at all is left out: several of the longest names are in the message already.
        guard let text, room >= 4 else {
            appendTags(with: parts, hasID: true, to: &output)
            TextPieces.firstPiece(of: head.span, atMost: IRCForm.lengthLimit - 2) { output.append($0) }
            output.append("\r\n")
            return
        }
        head.append(opening)
        if goesOn, text.count > room && isBatch(with: parts) || !breaks.isEmpty || text.contains(Self.newline) {
            return appendLines(of: text, head, atMost: room, with: parts, to: &output)
        }
        var isFirst = true
        func appendPiece(_ piece: Span<UInt8>) {
            if !isFirst, !goesOn { return }
            appendTags(with: parts, hasID: isFirst, to: &output)
            output.append(contentsOf: head)
            output.append(piece)
            if let envelope { output.append(envelope.after) }
            output.append("\r\n")
            isFirst = false
        }
        if text.isEmpty { return appendPiece([UInt8]().span) }
        TextPieces.forEach(of: text.span, atMost: room) { appendPiece($0) }
    }

    /// Appends several lines: a batch to those who take one, to others the lines that are not empty.
    private func appendLines(
        of text: [UInt8], _ head: [UInt8], atMost room: Int, with parts: IRCForm.Parts, to output: inout [UInt8]
    ) {
        let batch = isBatch(with: parts) ? id : nil
        if let batch {
            var start = IRCLine(source, "BATCH", ["+\(batch)", "draft/multiline"] + parameters)
            (start.time, start.id, start.account) = (time, id, account)
            (start.clientTags, start.ownTags) = (clientTags, ownTags)
            start.append(with: parts, to: &output)
        }
        var isFirst = true
        func append(_ piece: Span<UInt8>, goesOn: Bool) {
            if let batch {
                IRCMessage.append(tags: [("batch", batch)] + (goesOn ? [("draft/multiline-concat", "")] : []), to: &output)
            } else {
                if piece.isEmpty { return }
                appendTags(with: parts, hasID: isFirst, to: &output)
            }
            isFirst = false
            output.append(contentsOf: head)
            output.append(piece)
            if let envelope { output.append(envelope.after) }
            output.append("\r\n")
        }
        var start = 0
        for line in text.split(separator: Self.newline, omittingEmptySubsequences: false) {
            let end = start + line.count
            var isBegin = true
            for stop in breaks.filter({ start < $0 && $0 < end }) + [end] {
                TextPieces.forEach(of: text.span.extracting(start..<stop), atMost: room) { piece in
                    append(piece, goesOn: !isBegin)
                    isBegin = false
                }
                start = stop
            }
            start = end + 1
        }
        guard let batch else { return }
        var end = IRCLine("", "BATCH", ["-\(batch)"])
        // It may be in another batch itself.
        end.ownTags = ownTags.filter { $0.key == "batch" }
        end.append(with: parts, to: &output)
    }

    /// - Parameter hasID: Whether it is the first message of its text: an identifier is of one message.
    private func appendTags(with parts: IRCForm.Parts, hasID: Bool, to output: inout [UInt8]) {
        var tags = ownTags
        if parts.contains(.messageTags) {
            if let id, hasID { tags.append(("msgid", id)) }
            tags += clientTags
        }
        if parts.contains(.time), let time { tags.append(("time", Timestamp.rfc3339(time))) }
        if parts.contains(.account), let account { tags.append(("account", account)) }
        IRCMessage.append(tags: tags, to: &output)
    }
}
