/// Cuts what a server sends into lines, for people to read.
///
/// A line comes in pieces if it is longer than `maximumPieceLength`, so that a server cannot make the client keep more than that,
/// and if the server pauses within it: people see what it has begun to say. A piece is cut between two characters, as long as the
/// text is UTF-8.
final class LineSplitter {
    /// As long as the longest line of a chat server can be in JSON: a byte of a line, of which there are 1 MiB at most, becomes six.
    static let longestObject = 8 << 20

    /// How many bytes of an unfinished line are kept.
    var maximumPieceLength = 65_536

    private var unfinished: [UInt8] = []
    /// Whether any newline has come. Before the first one, the server may be one that sends none.
    private(set) var hasSeenNewline = false
    /// Whether the beginning of the line was shown, as a piece.
    private var hasShownPiece = false
    /// Whether a pause has ended the latest line. A newline right after it belongs to that line.
    private var isEndedByPause = false

    /// Whether a line has begun whose newline has not come.
    var isUnfinished: Bool { hasShownPiece || !unfinished.isEmpty }

    /// Whether such a line has begun with this.
    func hasBegun(with beginning: String) -> Bool { !hasShownPiece && unfinished.starts(with: beginning.utf8) }

    /// Takes bytes as they come, and calls `show` with each line, without its newline, or with a piece of one.
    ///
    /// - Complexity: O(n) of the bytes.
    func receive(_ bytes: Span<UInt8>, show: (_ text: Span<UInt8>, _ endsLine: Bool) -> Void) {
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "\n") {
                hasSeenNewline = true
                if unfinished.last == UInt8(ascii: "\r") { unfinished.removeLast() }
                if isEndedByPause, !isUnfinished { isEndedByPause = false } else { finishLine(show: show) }
            } else {
                unfinished.append(bytes[index])
                if unfinished.count == maximumPieceLength { showPiece(show) }
            }
        }
    }

    /// Takes what is unfinished for a line.
    func finishLine(show: (_ text: Span<UInt8>, _ endsLine: Bool) -> Void) {
        show(unfinished.span, true)
        unfinished.removeAll(keepingCapacity: true)
        (hasShownPiece, isEndedByPause) = (false, false)
    }

    /// Shows what is unfinished, because nothing has come for a while. It is taken for a line if no newline has ever come. A pause
    /// within a character changes nothing.
    func pause(show: (_ text: Span<UInt8>, _ endsLine: Bool) -> Void) {
        if hasSeenNewline { return showPiece(show) }
        let carriageReturn = UInt8(ascii: "\r")
        if !isUnfinished || unfinished == [carriageReturn] { return }
        if unfinished.last == carriageReturn {
            unfinished.removeLast()
        } else if Self.lengthOfCutCharacter(in: unfinished) > 0 {
            return
        }
        finishLine(show: show)
        isEndedByPause = true
    }

    private func showPiece(_ show: (_ text: Span<UInt8>, _ endsLine: Bool) -> Void) {
        let end = unfinished.count - Self.lengthOfCutCharacter(in: unfinished)
        if end == 0 { return }
        show(unfinished.span.extracting(0..<end), false)
        unfinished.removeFirst(end)
        (hasShownPiece, isEndedByPause) = (true, false)
    }

    /// How many bytes at the end begin a character of UTF-8 that is not whole: three at most. A carriage return counts as one, too:
    /// a newline may follow it.
    private static func lengthOfCutCharacter(in bytes: [UInt8]) -> Int {
        for (length, byte) in zip(1...3, bytes.reversed()) {
            switch byte {
            case UInt8(ascii: "\r") where length == 1: return 1
            case 0x80..<0xC0: continue
            case 0xC2..<0xE0: return length < 2 ? length : 0
            case 0xE0..<0xF0: return length < 3 ? length : 0
            case 0xF0...0xF4: return length
            default: return 0
            }
        }
        return 0
    }
}
