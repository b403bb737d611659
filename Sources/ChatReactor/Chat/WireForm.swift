/// How those who are in a room get what happens in it. A room has a topic for each form that somebody in it uses, and a record is encoded
/// once for each of them.
enum WireForm: Int, CaseIterable {
    /// Lines for people: see ``TextForm``.
    case text
    /// An object a line for programs: see ``JSONForm``.
    case json

    /// The longest message of any form that is made of a text of so many bytes. Each byte of it may have become three by being made
    /// visible, and then no form makes more than that of it.
    static func longestMessage(text: Int) -> Int { 3 &* text &+ 1_024 }

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
