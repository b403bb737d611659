import ChatReactorText

/// Remembers the last line of a stream, in which a server may have said why it closes the connection.
struct LastLine {
    /// How many bytes are kept. A longer line is no sentence for people.
    private static let capacity = 1_024

    private var tail: [UInt8] = []
    /// Whether the tail is all that has come.
    private var isWhole = true

    /// Takes bytes as they come.
    ///
    /// - Complexity: O(1): only the last of them are looked at.
    mutating func receive(_ bytes: Span<UInt8>) {
        for index in max(0, bytes.count - Self.capacity)..<bytes.count { tail.append(bytes[index]) }
        if bytes.count > Self.capacity || tail.count > Self.capacity { isWhole = false }
        tail.removeFirst(max(0, tail.count - Self.capacity))
    }

    /// What a server says about the end of a connection.
    enum Explanation {
        /// Why it ends: `! goodbye: you are reading too slowly`.
        case goodbye(String)
        /// Why it has not begun. That is all that has come: `! the server is full, try again later`.
        case refusal(String)

        var words: String {
            switch self {
            case .goodbye(let words), .refusal(let words): words
            }
        }

        /// Whether the server has thrown the user out, or does not let the user in any more.
        var isFinal: Bool { LastLine.finalWords.contains { words.hasPrefix($0) } }
    }

    /// Whether nothing has come.
    var isEmpty: Bool { tail.isEmpty }

    /// Whether an alert of TLS is all that has come: what a server of TLS says to one who speaks something else.
    var isAlertOfTLS: Bool { isWhole && tail.count == 7 && tail.starts(with: [0x15, 3]) && tail[3...4] == [0, 2] }

    private static let expulsions = ["kicked", "banned"]
    // Who comes back after the last of these throws out the user's other client, which comes back in turn.
    private static let finalWords = expulsions + ["you are banned", "you have logged in again"]

    /// What the last line says about the end of the connection, if it does and has its newline. It is harmless for a terminal, because
    /// anybody may have sent such a line.
    var explanation: Explanation? {
        guard tail.last == UInt8(ascii: "\n") else { return nil }
        let lines = tail.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // Of a line that fills the tail, the beginning may be lost.
        guard let line = lines.last, lines.count > 1 || isWhole else { return nil }
        if let reason = Self.text(line, after: "! goodbye: ") { return .goodbye(reason) }
        // The same in JSON, with its end: a program may be told more keys.
        let text = String(decoding: line, as: UTF8.self)
        if text.utf8.first == UInt8(ascii: "{"), let event = ChatEvent(text), event.kind == .error, let reason = event.text {
            // One who is thrown out is not told goodbye.
            let isThrownOut = Self.expulsions.contains { reason == $0 || reason.hasPrefix("\($0): ") }
            if let goodbye = Self.text(ArraySlice(reason.utf8), after: isThrownOut ? "" : "goodbye: ") {
                return .goodbye(goodbye)
            }
        }
        return lines.count == 1 && isWhole ? Self.text(line, after: "! ").map { .refusal($0) } : nil
    }

    private static func text(_ line: ArraySlice<UInt8>, after beginning: String) -> String? {
        guard line.starts(with: beginning.utf8) else { return nil }
        var text: [UInt8] = []
        VisibleText.append(Array(line.dropFirst(beginning.utf8.count)).span, to: &text, invalidUTF8: .hexadecimal)
        return String(decoding: text, as: UTF8.self)
    }
}
