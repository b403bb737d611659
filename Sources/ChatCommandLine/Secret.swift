import CChatTerminal
import ChatReactorText
import Glibc
import Reactor

/// A password that somebody types, or a program pipes in.
public enum Secret {
    /// The longest that is taken, in bytes: what crypt(3) takes.
    private static let limit = 511

    /// Asks for a line at the terminal of the process, wherever its streams go. It is not echoed.
    ///
    /// - Throws: A failure, also at the end of input.
    ///
    /// The corresponding C functions are `open`, `tcsetattr` and `read`.
    public static func ask(_ prompt: String) throws(Failure) -> String {
        let terminal = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        if terminal < 0 { throw Failure("there is no terminal to ask for a password at", code: EX_NOINPUT) }
        defer { close(terminal) }
        var line = [CChar](repeating: 0, count: limit + 1)
        let result = unsafe terminal_read_secret(terminal, prompt, &line, line.count)
        defer { for index in line.indices { line[index] = 0 } }
        switch result {
        case 0: return try checked(line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)))
        case EPIPE: throw Failure("no password was typed", code: EX_NOINPUT)
        case EMSGSIZE: throw tooLong
        default: throw Failure("cannot read a password: \(Errno(rawValue: result))", code: EX_IOERR)
        }
    }

    /// Reads the first line of standard input, which a program writes. Nothing behind it is read.
    public static func readLine() throws(Failure) -> String {
        try readLine(from: STDIN_FILENO, called: "standard input")
    }

    /// Reads the first line of a file.
    ///
    /// The corresponding C functions are `open` and `read`.
    public static func readLine(ofFile path: String) throws(Failure) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        if descriptor < 0 {
            let error = Errno.last
            throw Failure("cannot read \(path): \(error)", code: Failure.code(forReading: error))
        }
        defer { close(descriptor) }
        return try readLine(from: descriptor, called: path)
    }

    /// The value of a variable of the environment; nil if it is not set.
    public static func variable(_ name: String) throws(Failure) -> String? {
        guard let value = environmentVariable(name) else { return nil }
        return try checked(Array(value.utf8))
    }

    private static func readLine(from descriptor: Int32, called name: String) throws(Failure) -> String {
        var line: [UInt8] = []
        while line.count <= limit {
            var byte: UInt8 = 0
            let count = unsafe read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw Failure("cannot read \(name): \(Errno.last)", code: EX_IOERR) }
            if count == 0 || byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.isEmpty { throw Failure("there is no password in the first line of \(name)", code: EX_DATAERR) }
        return try checked(line)
    }

    private static var tooLong: Failure { Failure("a password has at most \(limit) bytes", code: EX_DATAERR) }

    /// What could not be sent as a part of a line: the chat makes control characters visible, and takes the spaces around it off.
    private static func checked(_ bytes: [UInt8]) throws(Failure) -> String {
        if bytes.count > limit { throw tooLong }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure("that password is not UTF-8", code: EX_DATAERR)
        }
        if text.isEmpty { throw Failure("a password has at least one character", code: EX_DATAERR) }
        for end in [text.unicodeScalars.first, text.unicodeScalars.last] where end == " " || end == "\t" {
            throw Failure("a password does not begin or end with a space, which nobody could type in a chat", code: EX_DATAERR)
        }
        var visible: [UInt8] = []
        VisibleText.append(text.utf8.span, to: &visible, invalidUTF8: .replacementCharacter)
        if visible != bytes {
            throw Failure("a password has no control characters, nor such that reorder text", code: EX_DATAERR)
        }
        return text
    }
}
