extension Chat {
    /// What people can have done by a line that begins with a slash.
    ///
    /// ```swift
    /// chat.addCommand(Chat.Command("roll", help: "Roll a die.") { person, _ in
    ///     person.room?.announce("\(person.name) has rolled a \(Int.random(in: 1...6))")
    /// })
    /// ```
    public struct Command {
        /// Without the slash: letters, in lower case.
        public let name: String
        /// What follows the name, as in `NAME TEXT`; empty for nothing. What is in brackets may be left out.
        public let arguments: String
        /// A sentence for `/help`.
        public let help: String
        /// Called on the loop's thread with the person, and with what followed the name, less the spaces around it.
        let run: (_ person: Person, _ argument: String) -> Void

        /// A command, for ``Chat/addCommand(_:)``.
        ///
        /// - Parameters:
        ///   - name: Without the slash: letters, in lower case.
        ///   - arguments: What follows the name, as in `NAME TEXT`; empty for nothing. What is in brackets may be left out.
        ///   - help: A sentence for `/help`.
        ///   - run: Called on the loop's thread with the person, and with what followed the name, less the spaces around it.
        public init(
            _ name: String, arguments: String = "", help: String, run: @escaping (_ person: Person, _ argument: String) -> Void
        ) {
            self.name = name
            self.arguments = arguments
            self.help = help
            self.run = run
        }

        /// `/msg NAME TEXT`
        var usage: String { "/\(name)\(arguments.isEmpty ? "" : " ")\(arguments)" }
    }
}

/// The commands of people, by name: one table, from which `/help` and the documentation come.
final class CommandTable {
    private var commands: [String: Chat.Command] = [:]
    /// In the order in which `/help` lists them.
    private(set) var names: [String] = []

    init() {
        for command in Self.builtIn { add(command) }
    }

    /// What somebody may have done who has yet to log in.
    static let beforeLogin: Set = ["login", "ping", "json", "help", "quit"]

    subscript(name: String) -> Chat.Command? { commands[name] }

    func add(_ command: Chat.Command) {
        if commands[command.name] == nil { names.append(command.name) }
        // What it replaces is released afterwards: it may be the last reference to an embedder's object.
        let replaced = commands[command.name]
        commands[command.name] = command
        withExtendedLifetime(replaced) {}
    }

    static var builtIn: [Chat.Command] {
        [
            .init("nick", arguments: "NAME", help: "Be called NAME from now on.") { $0.changeName(to: $1) },
            .init("login", arguments: "NAME PASSWORD", help: "Prove that NAME is yours, and take it.") { $0.logIn($1) },
            .init("me", arguments: "TEXT", help: "Say what you do.") { $0.publish(.action, $1.utf8.span) },
            .init("msg", arguments: "NAME TEXT", help: "Say something to one person alone.") { $0.sayPrivately($1) },
            .init("reply", arguments: "TEXT", help: "Answer the one who last wrote to you alone.") { $0.reply($1) },
            .init("who", arguments: "[ROOM]", help: "List the people in a room.") { $0.listPeople(in: $1) },
            .init("rooms", help: "List the rooms.") { person, _ in person.listRooms() },
            .init("join", arguments: "ROOM [KEY]", help: "Go to a room, which is made if there is none.") { $0.join($1) },
            .init("invite", arguments: "NAME", help: "Let NAME come into the room without its key, and say so.") {
                $0.invite($1)
            },
            .init("leave", help: "Leave the room, for the lobby.") { person, _ in person.leaveRoom() },
            .init("topic", arguments: "[TEXT]", help: "Show or set what the room talks about; - removes it.") {
                $0.changeTopic($1)
            },
            .init("history", arguments: "N", help: "Show the last N messages of the room.") { $0.showHistory($1) },
            .init("resume", arguments: "ROOM EPOCH SEQ [KEY]", help: "Join a room, and get what was said after a number.") {
                $0.resume($1)
            },
            .init("ignore", arguments: "NAME", help: "Get nothing that NAME says.") { $0.ignore($1) },
            .init("unignore", arguments: "NAME", help: "Get again what NAME says.") { $0.unignore($1) },
            .init("ping", help: "Have the server answer.") { person, _ in person.tell(.pong) },
            .init("json", help: "Get JSON from now on, an object a line.") { person, _ in person.switchToJSON() },
            .init("help", arguments: "[COMMAND]", help: "List the commands, or explain one.") { $0.showHelp($1) },
            .init("quit", arguments: "[TEXT]", help: "Leave, with TEXT as the reason.") { $0.quit($1) },
        ]
    }
}
