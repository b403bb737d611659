import ReactorWeb

/// How those who are in a room get what happens in it. A room has a topic for each form that somebody in it uses, and a record is encoded
/// once for each of them.
struct WireForm: Hashable {
    /// With the name that an operator is shown.
    enum Kind: String {
        /// Lines for people: see ``TextForm``.
        case text
        /// An object a line for programs: see ``JSONForm``.
        case json
        /// Messages of IRC: see ``IRCForm``.
        case irc
    }

    let kind: Kind
    /// Whether each line is a frame of WebSocket, without its newline.
    var isFramed = false
    /// What the lines of IRC have besides, as the client has asked for it.
    var parts: IRCForm.Parts = []

    static let text = WireForm(kind: .text)
    static let json = WireForm(kind: .json)
    static let textFrames = WireForm(kind: .text, isFramed: true)
    static let jsonFrames = WireForm(kind: .json, isFramed: true)
    static func irc(with parts: IRCForm.Parts) -> WireForm { WireForm(kind: .irc, parts: parts) }

    static let ofLines: [WireForm] = [.text, .json]
    static let ofFrames: [WireForm] = [.textFrames, .jsonFrames]

    var isJSON: Bool { kind == .json }

    /// The form of JSON that goes over the same connection.
    var asJSON: WireForm { isFramed ? .jsonFrames : .json }

    /// Whether somebody may be in several rooms: a program, or a person whose client shows each by itself.
    var allowsSeveralRooms: Bool { kind != .text }

    /// The longest message of any form that is made of a line of so many bytes. Two of them may become the seven of `\u{61C}` by being
    /// made visible, and then the eight of `\\u{61C}` within JSON. Besides there are names, a label, and the keys of an object.
    static func longestMessage(sent: Int) -> Int { 4 &* sent &+ 1_024 }

    /// The longest text that is put down: every line of so many bytes becomes one that is no longer. An embedder's may become twice as long
    /// within JSON, which is as much as a topic takes whose log is eight times the longest message of a line.
    static func longestText(sent: Int) -> Int { max(4 &* sent, 512) }

    /// Encodes a record in any form but that of IRC, which says more than there is in a record.
    ///
    /// - Parameter isReplayed: Whether it was said before the reader came.
    func encode(_ record: borrowing Record, in room: ChatName, isReplayed: Bool, label: TextLabel, to output: inout [UInt8]) {
        let start = output.count
        if isJSON {
            JSONForm.encode(record, in: room, isReplayed: isReplayed, to: &output)
        } else {
            TextForm(label: label).encode(record, isReplayed: isReplayed, to: &output)
        }
        if isFramed { Self.frameLines(of: &output, from: start) }
    }

    /// Makes a frame of each line, of which there is one as a rule.
    private static func frameLines(of output: inout [UInt8], from start: Int) {
        if output[start...].firstIndex(of: UInt8(ascii: "\n")) == output.count - 1 {
            return WebSocketFraming.server.frameLine(of: &output, from: start)
        }
        let lines = Array(output[start...]).dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        output.removeSubrange(start...)
        for line in lines {
            let start = output.count
            output += line + [UInt8(ascii: "\n")]
            WebSocketFraming.server.frameLine(of: &output, from: start)
        }
    }

    /// Encodes what one client is told, in any form but that of IRC.
    func encode(_ reply: Reply) -> [UInt8] {
        let lines = isJSON ? JSONForm.encode(reply) : TextForm.encode(reply)
        if !isFramed { return lines }
        return lines.split(separator: UInt8(ascii: "\n")).reduce(into: []) { frames, line in
            _ = WebSocketFraming.server.appendMessage(Array(line).span, to: &frames)
        }
    }
}
