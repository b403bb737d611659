import CommandLineSupport

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

    /// The reason that a server has given in its last line, as chatd does: `! goodbye: you are reading too slowly`. Nil if the last line
    /// has no newline or is another one. It is made harmless for a terminal.
    var reason: String? {
        guard tail.last == UInt8(ascii: "\n") else { return nil }
        let lines = tail.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // Of a line that fills the tail, the beginning may be lost.
        guard let line = lines.last, lines.count > 1 || tail.count < Self.capacity else { return nil }
        guard line.starts(with: "! ".utf8) else { return nil }
        let goodbye = "! goodbye: ".utf8
        var text: [UInt8] = []
        TerminalText.append(Array(line.dropFirst(line.starts(with: goodbye) ? goodbye.count : 2)).span, to: &text)
        return String(decoding: text, as: UTF8.self)
    }
}
