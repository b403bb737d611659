/// A text of IRC that is not what somebody says, but what their client asks or says: `␁ACTION waves␁` is `/me waves`.
struct CTCP: Equatable {
    private static let delimiter: UInt8 = 0x01

    /// In upper case, without spaces, and never empty.
    let command: String
    /// What follows the command and one space, with U+FFFD in place of what is not UTF-8.
    let argument: String

    /// Nil for a text that is said. Some clients leave out the byte at the end, most of all when a text was cut.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    init?(_ text: Span<UInt8>) {
        guard text.count > 1, text[0] == Self.delimiter else { return nil }
        let end = text[text.count &- 1] == Self.delimiter ? text.count &- 1 : text.count
        var endOfCommand = 1
        while endOfCommand < end, text[endOfCommand] != UInt8(ascii: " ") { endOfCommand &+= 1 }
        if endOfCommand == 1 { return nil }
        command = String(upperCasing: text.extracting(1..<endOfCommand))
        argument = String(text.extracting(min(endOfCommand &+ 1, end)..<end))
    }

    /// Appends the text of IRC by which somebody does something.
    static func append(action: Span<UInt8>, to output: inout [UInt8]) {
        output.append(delimiter)
        output.append("ACTION ")
        output.append(action)
        output.append(delimiter)
    }
}
