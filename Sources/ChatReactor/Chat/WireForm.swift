/// How those who are in a room get what happens in it. A room has a topic for each form that somebody in it uses, and a record is encoded
/// once for each of them.
enum WireForm: Int, CaseIterable {
    /// Lines for people: see ``TextForm``.
    case text
    /// An object a line for programs: see ``JSONForm``.
    case json

    /// The longest message of any form that is made of a line of so many bytes. Two of them may become the seven of `\u{61C}` by being
    /// made visible, and then the eight of `\\u{61C}` within JSON. Besides there are names, a label, and the keys of an object.
    static func longestMessage(sent: Int) -> Int { 4 &* sent &+ 1_024 }

    /// The longest text that is put down: every line of so many bytes becomes one that is no longer. An embedder's may become twice as long
    /// within JSON, which is as much as a topic takes whose log is eight times the longest message of a line.
    static func longestText(sent: Int) -> Int { max(4 &* sent, 512) }

    /// Encodes a record.
    ///
    /// - Parameter isReplayed: Whether it was said before the reader came.
    func encode(_ record: borrowing Record, in room: ChatName, isReplayed: Bool, label: TextLabel, to output: inout [UInt8]) {
        switch self {
        case .text: TextForm(label: label).encode(record, isReplayed: isReplayed, to: &output)
        case .json: JSONForm.encode(record, in: room, isReplayed: isReplayed, to: &output)
        }
    }

    /// Encodes what one client is told.
    func encode(_ reply: Reply) -> [UInt8] {
        switch self {
        case .text: TextForm.encode(reply)
        case .json: JSONForm.encode(reply)
        }
    }
}
