import LineEditing

/// What Tab offers in a chat.
enum Completer {
    /// The commands of chatd, for those who type. A test compares them with what the server says.
    static let commands = [
        "help", "history", "ignore", "join", "leave", "me", "msg", "nick", "ping", "quit", "reply", "rooms", "topic", "unignore",
        "who",
    ]

    /// - Parameters:
    ///   - names: Those in the room, the likeliest first.
    ///   - rooms: Those that the client knows.
    static func candidates(for context: CompletionContext, names: [String], rooms: [String]) -> [Completion] {
        if context.beginsLine, context.word.hasPrefix("/") { return commands.map { Completion("/\($0)") } }
        let sorted = names.sorted()
        if context.beginsLine { return context.word.isEmpty ? [] : sorted.map { Completion($0, suffix: ": ") } }
        return (sorted + rooms.filter { !names.contains($0) }).map { Completion($0) }
    }
}
