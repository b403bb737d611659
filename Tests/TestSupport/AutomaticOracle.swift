/// The automatic framing in the simplest way: it takes one byte after the other, and keeps the whole line.
public struct AutomaticOracle {
    public enum Input: Sendable {
        case read([UInt8])
        /// Nothing comes for `idle`, or for `letterIdle` if the pause is long.
        case pause(isLong: Bool)
    }

    public private(set) var events: [FramingOracle.Event] = []
    /// What the peer is answered about telnet's options.
    public private(set) var answers: [UInt8] = []
    private let limit: Int
    private var line: [UInt8] = []
    private var last: UInt8 = 0
    private var hasSeenNewline = false
    private var hasEndedLineAtPause = false
    private var isTyped = false
    /// The text of this read that follows what was taken out last.
    private var text: [UInt8] = []
    /// Whether the peer has sent what is no text: nothing is taken out any more.
    private var isBinary = false
    /// What has come of a command, of a subnegotiation without its content.
    private var command: [UInt8] = []
    private var subnegotiationLength = 0

    public init(limit: Int) {
        self.limit = limit
    }

    /// What becomes of input up to its end.
    public static func events(of input: [Input], limit: Int) -> [FramingOracle.Event] {
        var oracle = Self(limit: limit)
        for part in input { oracle.take(part) }
        oracle.end()
        return oracle.events
    }

    public mutating func take(_ input: Input) {
        switch input {
        case .read(let bytes):
            let begins = line.isEmpty
            text = []
            for byte in bytes { take(byte) }
            if begins { isTyped = isLetter }
        case .pause(let isLong):
            if hasSeenNewline || line.isEmpty || (isTyped && !isLong) { return }
            if !isTooLong, (1...3).contains(where: { $0 <= line.count && isInsideLetter(from: line.count - $0) }) { return }
            let isReturnAlone = line == [13]
            if line.last == 13 { line.removeLast() }
            if !isReturnAlone || !hasEndedLineAtPause { endLine() }
            line = []
            hasEndedLineAtPause = true
        }
    }

    public mutating func end() {
        if !line.isEmpty { endLine() }
    }

    private var isTooLong: Bool { (line.last == 13 ? line.count - 1 : line.count) > limit }

    /// Whether the line is one letter, or its beginning.
    private var isLetter: Bool {
        !isTooLong && !line.isEmpty && line.count <= Self.length(line[0])
    }

    /// Whether the line ends with a letter that begins there and lacks bytes.
    private func isInsideLetter(from index: Int) -> Bool {
        guard !isTooLong, index < line.count else { return false }
        return line[(index + 1)...].allSatisfy { $0 >= 0x80 && $0 < 0xC0 } && Self.length(line[index]) > line.count - index
    }

    private static func length(_ first: UInt8) -> Int {
        first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 1
    }

    /// Whether what was not taken out is UTF-8 without NUL, but for letters that are cut at its ends.
    private var isText: Bool {
        var text = text[...]
        for _ in 0..<3 where text.first.map({ $0 & 0xC0 == 0x80 }) == true { text.removeFirst() }
        if let letter = text.indices.suffix(3).last(where: { text[$0] & 0xC0 != 0x80 }), (0xC2...0xF4).contains(text[letter]) {
            text = text[..<letter]
        }
        return !text.contains(0) && String(validating: text, as: UTF8.self) != nil
    }

    private mutating func endLine() {
        events.append(line.count > limit ? .tooLong : .message(line))
        line = []
    }

    private mutating func take(_ byte: UInt8) {
        if command.isEmpty, byte == 255, !isText { isBinary = true }
        if isBinary || (command.isEmpty && byte != 255) { return takeText(byte) }
        switch (command.count, byte) {
        case (0, _), (1, 250...254):
            command.append(byte)
            text = []
            subnegotiationLength = 0
        case (1, 236...249): command = []
        case (1, 255):
            command = []
            takeText(255)
            text = []
        case (1, _):
            command = []
            isBinary = true
            takeText(255)
            takeText(byte)
        case (2, _) where command[1] != 250:
            if command[1] == 251 { answers += [255, 254, byte] }
            if command[1] == 253 { answers += [255, 252, byte] }
            command = []
        case (2, 255): command.append(255)
        case (2, _):
            subnegotiationLength += 1
            if subnegotiationLength > 1_024 {
                command = []
                takeText(byte)
                text = []
            }
        case (_, 255): command.removeLast()
        default:
            // Any command ends a subnegotiation.
            command = [255]
            take(byte)
        }
    }

    private mutating func takeText(_ byte: UInt8) {
        var byte = byte
        if byte == 0, last == 13, !isBinary, isText {
            byte = 10
            text = []
        } else {
            if byte == 0, last == 13 { isBinary = true }
            text.append(byte)
        }
        last = byte
        guard byte == 10 else { return line.append(byte) }
        if line.last == 13 { line.removeLast() }
        if !line.isEmpty || hasSeenNewline || !hasEndedLineAtPause { endLine() }
        hasSeenNewline = true
    }
}
