/// A long text as several short ones, because a line of IRC has 512 bytes: no character is torn, and words only if they are long.
///
/// The pieces put together are the text again.
enum TextPieces {
    /// What no scalar is longer than, in bytes.
    private static let longestScalar = 4

    /// Calls `body` with each piece, in order. An empty text is one piece. It should be UTF-8; what is not is cut all the same.
    ///
    /// A piece ends behind a space if there is one in its last third, and between two characters otherwise. A character that is longer
    /// than a piece may be is cut between scalars.
    ///
    /// - Parameter limit: How many bytes a piece has at most; 4, so that any scalar fits, if it is less.
    /// - Complexity: O(*n*) for *n* bytes; O(1) for a text that is one piece.
    static func forEach(of text: Span<UInt8>, atMost limit: Int, _ body: (Span<UInt8>) -> Void) {
        let limit = max(limit, longestScalar)
        var start = 0
        while text.count &- start > limit {
            let length = pieceLength(of: text.extracting(start..<text.count), limit: limit)
            body(text.extracting(start..<start &+ length))
            start &+= length
        }
        body(text.extracting(start..<text.count))
    }

    /// Lends `body` the first of the pieces.
    static func firstPiece(of text: Span<UInt8>, atMost limit: Int, _ body: (Span<UInt8>) -> Void) {
        if text.count <= limit { return body(text) }
        body(text.extracting(0..<pieceLength(of: text, limit: limit)))
    }

    /// How long the first piece of a text is that is longer than one.
    private static func pieceLength(of text: Span<UInt8>, limit: Int) -> Int {
        // Whether a character ends at the limit depends on the scalar that follows, and on nothing behind that. So no more is looked at:
        // a character of any length would otherwise be read to its end for each of its pieces.
        let next = endOfScalar(in: text, from: limit)
        guard let window = try? UTF8Span(validating: text.extracting(0..<next)) else { return beginOfScalar(in: text, at: limit) }
        var characters = window.makeCharacterIterator()
        var (end, endOfWord) = (0, 0)
        while characters.skipForward() > 0, characters.currentCodeUnitOffset <= limit {
            let isSpace = characters.currentCodeUnitOffset == end &+ 1 && text[end] == UInt8(ascii: " ")
            end = characters.currentCodeUnitOffset
            if isSpace { endOfWord = end }
        }
        if endOfWord > limit &- limit / 3 { return endOfWord }
        return end > 0 ? end : beginOfScalar(in: text, at: limit)
    }

    /// Where the scalar ends that begins at an index, or that the index is in.
    private static func endOfScalar(in text: Span<UInt8>, from index: Int) -> Int {
        var end = index &+ 1
        while end < text.count, isContinuation(text[end]), end < index &+ longestScalar { end &+= 1 }
        return end
    }

    /// Where the scalar begins that an index is in: the index itself, if one begins there.
    private static func beginOfScalar(in text: Span<UInt8>, at index: Int) -> Int {
        // In what is not UTF-8, no byte before may begin a scalar.
        for begin in (index &- longestScalar &+ 1...index).reversed() where !isContinuation(text[begin]) { return begin }
        return index
    }

    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }
}
