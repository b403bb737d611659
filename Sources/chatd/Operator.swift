import ChatReactor

/// The operator of a chat at the console, who speaks to everybody as `server`, and gives commands by lines that begin with a
/// slash.
final class Operator {
    private let chat: Chat
    private let commands: OperatorCommands
    private let answer: (String) -> Void
    /// Whether what happens now is what the operator is saying.
    private(set) var isSpeaking = false

    /// - Parameter answer: Called on the loop's thread with a line for the operator, without its newline.
    init(of chat: Chat, commands: OperatorCommands, answer: @escaping (String) -> Void) {
        self.chat = chat
        self.commands = commands
        self.answer = answer
    }

    /// Does what a line asks for, which has no newline. As with the lines of people, `//` begins a text with a slash, and an
    /// empty line says nothing.
    ///
    /// - Parameter connection: From which the line came, if that is to wait while a room takes no more.
    /// - Returns: Whether it was a command.
    func hear(_ line: String, from connection: Connection? = nil) -> Bool {
        if line.allSatisfy({ $0 == " " || $0 == "\t" }) { return false }
        let isText = line.utf8.first != UInt8(ascii: "/")
        let rest = isText ? line : String(Substring(line.utf8.dropFirst()))
        if isText || rest.utf8.first == UInt8(ascii: "/") {
            say(rest, from: connection)
            return false
        }
        for line in commands.run(rest).lines { answer(line) }
        return true
    }

    private func say(_ text: String, from connection: Connection?) {
        if !chat.isReachable { return answer("this server does not reach the others now: nobody has heard that") }
        isSpeaking = true
        defer { isSpeaking = false }
        for room in chat.rooms where !room.say(text, as: .server, from: connection) {
            answer("that line was too long for \(room.name)")
        }
    }
}
