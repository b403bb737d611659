import Glibc

/// One thing that happens in or to a chat, and what the kernel leaves to chance meanwhile: see ``Step``.
struct ChatStep {
    let number: Int
    let seed: UInt64
    let action: ChatAction
    /// How many turns the loop makes afterwards; nil: until it has nothing more to do.
    let turns: Int?
}

/// Times are in milliseconds.
enum ChatAction {
    case call(peer: Int, Form, inputCapacity: Int, outputCapacity: Int, isEager: Bool)
    /// What exactly it says or has done is up to the step's seed.
    case say(peer: Int, lines: Int)
    case command(peer: Int, Command)
    case read(peer: Int, bytes: Int)
    case becomeEager(peer: Int)
    case stopSending(peer: Int)
    case hangUp(peer: Int)
    case reset(peer: Int)
    case operate(peer: Int, Operation)
    case wait(Int)
    /// Time passes in which the loop does not run.
    case stall(Int)
    case limitDescriptors(more: Int)
    case exhaust(Int32)
    case liftLimit
    case nothing

    /// How somebody comes: with lines, which may become JSON, with an IRC client, or by WebSocket.
    enum Form {
        case lines, irc, ircWithTags, webText, webJSON

        var isIRC: Bool { self == .irc || self == .ircWithTags }
        var isWeb: Bool { self == .webText || self == .webJSON }
    }

    /// A command of a person. With what arguments is up to the step's seed.
    enum Command: CaseIterable {
        case nick, msg, reply, join, leave, json, history, resume, ignore, unignore, topic
        case who, rooms, help, ping, unknown, blank, quit, quitWord
        /// Sends somebody out of a room that it keeps: with an IRC client alone.
        case kick
    }

    /// What an operator does, to a peer or its room.
    enum Operation: CaseIterable {
        case kick, ban, mute, unmute, closeRoom, say, sayAsServer, announceShutdown, cancelShutdown
    }
}

extension ChatStep: CustomStringConvertible {
    var description: String {
        let then = turns.map { $0 == 1 ? "1 turn" : "\($0) turns" } ?? "until at rest"
        return "\(number). \(action); \(then)"
    }
}

extension ChatAction: CustomStringConvertible {
    var description: String {
        switch self {
        case .call(let peer, let form, let input, let output, let isEager):
            "peer \(peer) calls by \(form), buffers \(input) in, \(output) out\(isEager ? ", reads all" : "")"
        case .say(let peer, let lines): "peer \(peer) says \(lines) lines"
        case .command(let peer, let command): "peer \(peer) gives the command \(command)"
        case .read(let peer, let bytes): "peer \(peer) reads \(bytes) bytes"
        case .becomeEager(let peer): "peer \(peer) reads all from now on"
        case .stopSending(let peer): "peer \(peer) shuts its side"
        case .hangUp(let peer): "peer \(peer) hangs up"
        case .reset(let peer): "peer \(peer) resets"
        case .operate(let peer, let operation): "the operator: \(operation), about peer \(peer)"
        case .wait(let time): "\(time) ms pass"
        case .stall(let time): "\(time) ms pass without a turn"
        case .limitDescriptors(let more): "there are \(more) descriptors left"
        case .exhaust(let error): "nothing can be accepted, error \(error)"
        case .liftLimit: "there are descriptors again"
        case .nothing: "nothing happens"
        }
    }
}
