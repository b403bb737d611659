/// One message of IRC, as modern.ircdocs.horse has it, with the tags of IRCv3: `@id=7 :ana!ana@tea PRIVMSG #tea :hello, ben`.
///
/// It judges nothing but the form: what a command means, how long a line may be and which tags are known is up to those who read it.
struct IRCMessage {
    /// In the order of the line, and with their values unescaped. A tag without a value has an empty one, which is the same. Keys
    /// are opaque: one that begins with `+` is of a client, for other clients. No two are equal.
    var tags: [(key: String, value: String)]
    /// Who says it; servers pay no heed to what a client puts there.
    var source: String?
    /// In upper case. It begins neither with `:` nor with `@`, and may still be no command that anybody knows.
    var command: String
    /// Only the last one may be empty, have spaces in it, or begin with a colon.
    var parameters: [String]
    /// How many bytes of the line were tags, from its beginning to the source or the command: they have a limit of their own. IRCv3
    /// allows a client 4,096 bytes, which are 4,094 with an `@` before them and a space behind. 0 for what was not read from a line.
    private(set) var tagByteCount = 0

    /// Why a line is no message.
    enum Invalid: Error, Hashable {
        /// There is no command: nothing at all, spaces, or tags and a source alone.
        case empty
        /// It has a NUL, CR or LF in it, which no message has.
        case forbiddenByte
        case notUTF8
    }

    init(
        tags: [(key: String, value: String)] = [], source: String? = nil, command: String, parameters: [String] = []
    ) {
        self.tags = tags
        self.source = source
        self.command = command
        self.parameters = parameters
    }
}

// MARK: - Reading

extension IRCMessage {
    /// Reads a line, without its CR LF. Several spaces are as good as one, except in what follows a colon.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    init(_ line: Span<UInt8>) throws(Invalid) {
        for index in line.indices where Self.isForbidden(line[index]) { throw .forbiddenByte }
        guard (try? UTF8Span(validating: line)) != nil else { throw .notUTF8 }
        self.init(command: "")
        var start = Self.endOfSpaces(in: line, from: 0)
        if Self.byte(of: line, at: start) == UInt8(ascii: "@") {
            let end = Self.endOfWord(in: line, from: start)
            tags = Self.tags(in: line.extracting(start &+ 1..<end))
            start = Self.endOfSpaces(in: line, from: end)
            tagByteCount = start
        }
        if Self.byte(of: line, at: start) == UInt8(ascii: ":") {
            let end = Self.endOfWord(in: line, from: start)
            // A colon alone names nobody.
            if end > start &+ 1 { source = String(line.extracting(start &+ 1..<end)) }
            start = Self.endOfSpaces(in: line, from: end)
        }
        let end = Self.endOfWord(in: line, from: start)
        // A second source, or tags that are late, where the command should be: written anew, they would be read as what they are not.
        guard end > start, line[start] != UInt8(ascii: ":"), line[start] != UInt8(ascii: "@") else { throw .empty }
        command = String(upperCasing: line.extracting(start..<end))
        parameters = Self.parameters(in: line.extracting(end..<line.count))
    }

    private static func parameters(in rest: Span<UInt8>) -> [String] {
        var parameters: [String] = []
        var start = endOfSpaces(in: rest, from: 0)
        while start < rest.count {
            if rest[start] == UInt8(ascii: ":") {
                parameters.append(String(rest.extracting(start &+ 1..<rest.count)))
                break
            }
            let end = endOfWord(in: rest, from: start)
            parameters.append(String(rest.extracting(start..<end)))
            start = endOfSpaces(in: rest, from: end)
        }
        return parameters
    }

    /// Tags without a key are passed over. Of equal keys the last one counts.
    private static func tags(in text: Span<UInt8>) -> [(key: String, value: String)] {
        var tags: [(key: String, value: String)] = []
        var start = 0
        while start < text.count {
            let end = index(of: UInt8(ascii: ";"), in: text, from: start)
            let tag = text.extracting(start..<end)
            let equals = index(of: UInt8(ascii: "="), in: tag, from: 0)
            if equals > 0 {
                let value = tag.extracting(min(equals &+ 1, tag.count)..<tag.count)
                tags.append((key: String(tag.extracting(0..<equals)), value: unescaped(value)))
            }
            start = end &+ 1
        }
        if tags.count < 2 { return tags }
        // To search all others for each key would let a line of thousands of tags keep the server busy.
        var keys: Set<String> = []
        return tags.reversed().filter { keys.insert($0.key).inserted }.reversed()
    }

    private static func unescaped(_ value: Span<UInt8>) -> String {
        if index(of: UInt8(ascii: "\\"), in: value, from: 0) == value.count { return String(value) }
        var plain: [UInt8] = []
        plain.reserveCapacity(value.count)
        var isEscaped = false
        for index in value.indices {
            let byte = value[index]
            if isEscaped {
                plain.append(meaning(ofEscaped: byte))
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                // At the end of a value it stands for nothing.
                isEscaped = true
            } else {
                plain.append(byte)
            }
        }
        return String(plain.span)
    }

    private static func meaning(ofEscaped byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: ":"): UInt8(ascii: ";")
        case UInt8(ascii: "s"): UInt8(ascii: " ")
        case UInt8(ascii: "r"): 13
        case UInt8(ascii: "n"): 10
        // The backslash itself, and what was escaped without need.
        default: byte
        }
    }

    private static func isForbidden(_ byte: UInt8) -> Bool { byte == 0 || byte == 10 || byte == 13 }

    // MARK: Words

    private static func byte(of line: Span<UInt8>, at index: Int) -> UInt8? { index < line.count ? line[index] : nil }

    private static func endOfWord(in line: Span<UInt8>, from start: Int) -> Int {
        index(of: UInt8(ascii: " "), in: line, from: start)
    }

    private static func endOfSpaces(in line: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < line.count, line[end] == UInt8(ascii: " ") { end &+= 1 }
        return end
    }

    /// Where a byte is the next time, or the end.
    private static func index(of byte: UInt8, in line: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < line.count, line[index] != byte { index &+= 1 }
        return index
    }
}

// MARK: - Writing

extension IRCMessage {
    /// Appends the message as a line, without a CR LF. Read again it is the same, if its parts are what they may be. Nothing is left of a
    /// NUL, CR or LF, so whatever is in it, it stays one line.
    func append(to output: inout [UInt8]) {
        Self.append(tags: tags, to: &output)
        if let source {
            output.append(UInt8(ascii: ":"))
            Self.append(part: source, to: &output)
            output.append(UInt8(ascii: " "))
        }
        Self.append(part: command, to: &output)
        for (index, parameter) in parameters.enumerated() {
            output.append(UInt8(ascii: " "))
            let isLast = index == parameters.count &- 1
            if isLast, Self.needsColon(parameter) { output.append(UInt8(ascii: ":")) }
            Self.append(part: parameter, to: &output)
        }
    }

    private static func append(part: String, to output: inout [UInt8]) {
        output.append(contentsOf: part.utf8.lazy.filter { !isForbidden($0) })
    }

    private static func needsColon(_ parameter: String) -> Bool {
        parameter.isEmpty || parameter.utf8.first == UInt8(ascii: ":") || parameter.utf8.contains(UInt8(ascii: " "))
    }

    /// Appends tags with the space behind them, or nothing if there are none. Values are escaped; of a NUL, which has no escape, nothing
    /// is left. Keys have none either.
    static func append(tags: [(key: String, value: String)], to output: inout [UInt8]) {
        if tags.isEmpty { return }
        var separator = UInt8(ascii: "@")
        for (key, value) in tags {
            output.append(separator)
            separator = UInt8(ascii: ";")
            append(part: key, to: &output)
            if value.isEmpty { continue }
            output.append(UInt8(ascii: "="))
            for byte in value.utf8 { append(escaped: byte, to: &output) }
        }
        output.append(UInt8(ascii: " "))
    }

    private static func append(escaped byte: UInt8, to output: inout [UInt8]) {
        let escape: String
        switch byte {
        case 0: return
        case UInt8(ascii: ";"): escape = #"\:"#
        case UInt8(ascii: " "): escape = #"\s"#
        case UInt8(ascii: "\\"): escape = #"\\"#
        case 13: escape = #"\r"#
        case 10: escape = #"\n"#
        default:
            output.append(byte)
            return
        }
        output.append(escape)
    }
}

extension String {
    /// The name of a command, of IRC or of CTCP, in upper case: letters of ASCII alone, since commands have no others.
    init(upperCasing word: Span<UInt8>) {
        var letters: [UInt8] = []
        letters.reserveCapacity(word.count)
        for index in word.indices {
            let byte = word[index]
            letters.append(byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte ^ 0x20 : byte)
        }
        self.init(letters.span)
    }
}
