import ChatReactorText

/// Remembers the last line of a stream, in which a server may have said why it closes the connection.
struct LastLine {
    /// How many bytes are kept. A longer line is no sentence for people.
    private static let capacity = 1_024

    private var tail: [UInt8] = []

    /// Takes bytes as they come.
    ///
    /// - Complexity: O(1): only the last of them are looked at.
    mutating func receive(_ bytes: Span<UInt8>) {
        for index in max(0, bytes.count - Self.capacity)..<bytes.count { tail.append(bytes[index]) }
        tail.removeFirst(max(0, tail.count - Self.capacity))
    }

    /// How a last line begins that says why the connection is closed, and how much of that is no part of the reason.
    private static let beginnings = [("! goodbye: ", 11), ("! the server is full", 2)]

    /// The reason that the server has given in its last line, as chatd does: `! goodbye: you are reading too slowly`. Nil if that line is
    /// another one, or has no newline. It is harmless for a terminal, because anybody may have sent such a line.
    var reason: String? {
        guard tail.last == UInt8(ascii: "\n") else { return nil }
        let lines = tail.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // Of a line that fills the tail, the beginning may be lost.
        guard let line = lines.last, lines.count > 1 || tail.count < Self.capacity else { return nil }
        for (beginning, length) in Self.beginnings where line.starts(with: beginning.utf8) {
            var text: [UInt8] = []
            VisibleText.append(Array(line.dropFirst(length)).span, to: &text, invalidUTF8: .hexadecimal)
            return String(decoding: text, as: UTF8.self)
        }
        return nil
    }
}
