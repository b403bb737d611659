import ChatLineEditing

/// What Tab offers in a chat.
enum Completer {
    /// The commands of chatd, for those who type. A test compares them with what the server says.
    static let commands = [
        "help", "history", "ignore", "invite", "join", "leave", "login", "me", "msg", "nick", "ping", "quit", "reply", "rooms",
        "topic", "unignore", "who",
    ]

    /// Those that take a room.
    private static let takingRoom = ["/join", "/who"]

    /// - Parameters:
    ///   - line: The line up to the cursor.
    ///   - names: Those in the room.
    ///   - rooms: Those that the client knows.
    static func candidates(for context: CompletionContext, line: String, names: [String], rooms: [String]) -> [Completion] {
        if context.beginsLine, context.word.hasPrefix("/") { return commands.map { Completion("/\($0)") } }
        let names = names.sorted()
        if context.beginsLine, context.word.isEmpty { return [] }
        if let command = line.commandName, takingRoom.contains(command) { return rooms.map { Completion($0) } }
        if context.word.hasPrefix("@") { return names.map { Completion("@\($0)") } }
        return names.map { Completion($0, suffix: context.beginsLine ? ": " : " ") }
    }
}
