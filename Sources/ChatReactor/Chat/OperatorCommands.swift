import Reactor

/// What an operator can have done by a line of text: on a console, over a control connection, or wherever else an embedder lets one speak.
///
/// ```swift
/// let commands = OperatorCommands(for: chat) { server.shutDown(timeout: .seconds(5)) { loop.stop() } }
/// let answer = commands.run("kick ana too loud")
/// for line in answer.lines { print(line) }
/// ```
///
/// Who may give commands is up to the caller: these check nothing.
///
/// It belongs to the thread of the chat's loop.
public final class OperatorCommands {
    let chat: Chat
    let readMessageOfTheDay: (() throws -> [String])?
    let reload: (() throws -> [String])?
    let shutDown: () -> Void
    private let table: [OperatorCommand]

    /// - Parameters:
    ///   - chat: Whose operator it is.
    ///   - readMessageOfTheDay: Reads the lines that newcomers are told anew, for `motd reload`; nil if they are in no file.
    ///   - reload: Reads the configuration anew, for `reload`, and returns what came of it, line by line; nil if there is none to read.
    ///   - shutDown: Shuts the server down, when the time of `shutdown` has come.
    public init(
        for chat: Chat, readMessageOfTheDay: (() throws -> [String])? = nil, reload: (() throws -> [String])? = nil,
        shutDown: @escaping () -> Void
    ) {
        self.chat = chat
        self.readMessageOfTheDay = readMessageOfTheDay
        self.reload = reload
        self.shutDown = shutDown
        table = OperatorCommand.all
    }

    /// Runs a command, given without a slash.
    ///
    /// - Complexity: O(*n*) for *n* people at most, and what the command does.
    public func run(_ line: String, format: OperatorAnswer.Format = .text) -> OperatorAnswer {
        var answer = OperatorAnswer(format)
        let (name, argument) = line.trimmed.splitAtSpace
        do throws(Failure) {
            try command(name).run(self)(argument, &answer)
        } catch {
            answer.fail(error.description)
        }
        return answer
    }

    /// The command of a name.
    private func command(_ name: String) throws(Failure) -> OperatorCommand {
        let lower = name.lowercased()
        if let command = table.first(where: { $0.name == lower }) { return command }
        if name.isEmpty { throw .init("there is no command; help lists what there is") }
        let hint = nearest(to: lower, in: table.lazy.map(\.name)).map { "did you mean \($0)?" } ?? "help lists what there is"
        throw .init("there is no command \(String(madeVisible: name)); \(hint)")
    }

    /// Why a command was not done.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    func help(_ name: String, _ answer: inout OperatorAnswer) throws(Failure) {
        let name = name.hasPrefix("/") ? String(name.dropFirst()) : name
        for command in name.isEmpty ? table : [try command(name)] {
            answer.add("\(command.usage) - \(command.help)", type: "command") {
                $0.add("name", command.name)
                $0.add("arguments", command.arguments)
                $0.add("help", command.help)
            }
        }
    }
}

/// A command of operators: see ``OperatorCommands``.
struct OperatorCommand {
    /// A method of `OperatorCommands`.
    typealias Handler = (OperatorCommands) -> (_ argument: String, inout OperatorAnswer) throws(OperatorCommands.Failure) -> Void

    /// Letters, in lower case.
    let name: String
    /// What follows the name; empty for nothing. What is in brackets may be left out.
    let arguments: String
    /// A sentence for `help`.
    let help: String
    let run: Handler

    private init(_ name: String, arguments: String = "", help: String, run: @escaping Handler) {
        self.name = name
        self.arguments = arguments
        self.help = help
        self.run = run
    }

    /// `kick NAME [REASON]`
    var usage: String { name + (arguments.isEmpty ? "" : " ") + arguments }

    /// One table, from which `help` and the documentation come.
    static var all: [OperatorCommand] {
        [
            .init(
                "who", arguments: "[ROOM]", help: "List the people: rooms, address, lag, idle time.", run: OperatorCommands.who),
            .init("rooms", help: "List the rooms.", run: OperatorCommands.rooms),
            .init("kick", arguments: "NAME [REASON]", help: "Close the connection of a person.", run: OperatorCommands.kick),
            .init(
                "ban", arguments: "NAME|ADDRESS|CIDR [FOR 2h] [REASON]", help: "Keep somebody out, and close who is there.",
                run: OperatorCommands.ban),
            .init("unban", arguments: "NAME|ADDRESS|CIDR", help: "Take a ban back.", run: OperatorCommands.unban),
            .init("bans", help: "List the bans.", run: OperatorCommands.bans),
            .init("mute", arguments: "NAME [FOR 2h]", help: "Have nobody hear a person.", run: OperatorCommands.mute),
            .init("unmute", arguments: "NAME", help: "Have a person heard again.", run: OperatorCommands.unmute),
            .init("say", arguments: "TEXT", help: "Say something in every room, as the server.", run: OperatorCommands.say),
            .init(
                "motd", arguments: "[RELOAD]", help: "Show what newcomers are told, or read it again.",
                run: OperatorCommands.motd),
            .init("reload", help: "Read the configuration again.", run: OperatorCommands.reload),
            .init("close", arguments: "ROOM", help: "Send everybody out of a room.", run: OperatorCommands.closeRoom),
            .init(
                "shutdown", arguments: "[IN 5m] [REASON] | CANCEL", help: "Shut the server down, after telling everybody.",
                run: OperatorCommands.shutdown),
            .init("help", arguments: "[COMMAND]", help: "List the commands, or explain one.", run: OperatorCommands.help),
        ]
    }
}
