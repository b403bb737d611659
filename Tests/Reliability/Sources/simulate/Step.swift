import Glibc

/// One thing that happens, and what the kernel leaves to chance meanwhile.
///
/// A step is complete in itself: its seed determines the messages that it makes and all that the kernel does until the next step, so a step
/// stays what it is when others are left out. One that speaks of a peer that is not there does nothing.
struct Step {
    let number: Int
    let seed: UInt64
    let action: Action
    /// How many turns the loop makes afterwards; nil: until it has nothing more to do.
    let turns: Int?
}

/// How a peer comes: what it hears, where what it writes goes, and how much the kernel holds for it.
struct Entry {
    struct Subscription {
        let topic: Int
        let history: Int
    }

    var subscriptions: [Subscription]
    /// The topic that it publishes to.
    var home: Int
    /// Whether it is slowed down although it does not listen.
    var isPublisher: Bool
    /// Whether it is answered, privately.
    var isAnswered: Bool
    var inputCapacity: Int
    var outputCapacity: Int
}

enum Pipe {
    case socket
    case input
    case output
}

enum Ending {
    case newline
    case carriageReturn
    case unfinished
}

/// What another thread has the loop do.
enum QueuedTask {
    case sendPrivately(peer: Int, length: Int)
    case publish(topic: Int, length: Int)
    case finish(peer: Int)
    case close(peer: Int)
    case executeAgain
}

/// Times are in milliseconds.
enum Action {
    case call(peer: Int, Entry)
    case adopt(peer: Int, Entry, Pipe)
    case dial(peer: Int, Entry, delay: Int?, error: Int32, deadline: Int?)
    case write(peer: Int, lines: Int, longest: Int, Ending)
    case read(peer: Int, bytes: Int)
    case stopSending(peer: Int)
    case hangUp(peer: Int)
    case reset(peer: Int)

    case publish(topic: Int, from: Int?, messages: Int, longest: Int)
    case sendPrivately(peer: Int, length: Int)
    case finish(peer: Int)
    case close(peer: Int)
    case subscribe(peer: Int, topic: Int, history: Int)
    case unsubscribe(peer: Int, topic: Int)
    case pause(peer: Int)
    case resume(peer: Int)
    case arm(timer: Int, after: Int)
    case cancel(timer: Int)

    /// Other threads hand these over during the next system calls.
    case execute([QueuedTask])
    /// The loop runs until another thread stops it.
    case run([QueuedTask], stopFirst: Bool)
    case wait(Int)
    /// Time passes in which the loop does not run.
    case stall(Int)
    case limitDescriptors(more: Int)
    case exhaust(Int32)
    case liftLimit
    case nothing
}

extension Step: CustomStringConvertible {
    var description: String {
        let then = turns.map { $0 == 1 ? "1 turn" : "\($0) turns" } ?? "until at rest"
        return "\(number). \(action); \(then)"
    }
}

extension Entry: CustomStringConvertible {
    var description: String {
        let hears = subscriptions.map { "topic \($0.topic)" + ($0.history > 0 ? " and its last \($0.history)" : "") }
        return "hears \(hears.isEmpty ? "nothing" : hears.joined(separator: ", ")), publishes to \(home)"
            + (isPublisher ? " as a publisher" : "") + (isAnswered ? ", is answered" : "")
            + ", buffers \(inputCapacity) in, \(outputCapacity) out"
    }
}

extension Action: CustomStringConvertible {
    var description: String {
        switch self {
        case .call(let peer, let entry): "peer \(peer) calls: \(entry)"
        case .adopt(let peer, let entry, let kind): "peer \(peer) is adopted, \(kind): \(entry)"
        case .dial(let peer, let entry, let delay, let error, let deadline):
            "peer \(peer) is connected to, "
                + (delay.map { $0 == 0 ? "at once" : "after \($0) ms" } ?? "in vain")
                + (error == 0 ? "" : ", error \(error)") + (deadline.map { ", deadline \($0) ms" } ?? "") + ": \(entry)"
        case .write(let peer, let lines, let longest, let ending):
            "peer \(peer) writes \(lines) lines of up to \(longest) bytes, the last with \(ending)"
        case .read(let peer, .max): "peer \(peer) reads all"
        case .read(let peer, let bytes): "peer \(peer) reads \(bytes) bytes"
        case .stopSending(let peer): "peer \(peer) shuts its side"
        case .hangUp(let peer): "peer \(peer) hangs up"
        case .reset(let peer): "peer \(peer) resets"
        case .publish(let topic, let from, let messages, let longest):
            "\(messages) messages of up to \(longest) bytes are published to topic \(topic)"
                + (from.map { " from peer \($0)" } ?? "")
        case .sendPrivately(let peer, let length): "a line of \(length) bytes is sent to peer \(peer)"
        case .finish(let peer): "peer \(peer) is finished"
        case .close(let peer): "peer \(peer) is closed"
        case .subscribe(let peer, let topic, let history): "peer \(peer) is subscribed to topic \(topic), history \(history)"
        case .unsubscribe(let peer, let topic): "peer \(peer) is unsubscribed from topic \(topic)"
        case .pause(let peer): "peer \(peer) is paused"
        case .resume(let peer): "peer \(peer) is resumed"
        case .arm(let timer, let delay): "timer \(timer) is armed for \(delay) ms"
        case .cancel(let timer): "timer \(timer) is cancelled"
        case .execute(let queuedTasks): "other threads: \(queuedTasks)"
        case .run(let queuedTasks, let stopFirst):
            "the loop runs until it is stopped\(stopFirst ? ", which was before" : ""): \(queuedTasks)"
        case .wait(let time): "\(time) ms pass"
        case .stall(let time): "\(time) ms pass without a turn"
        case .limitDescriptors(let more): "there are \(more) descriptors left"
        case .exhaust(let error): "nothing can be accepted, error \(error)"
        case .liftLimit: "there are descriptors again"
        case .nothing: "nothing happens"
        }
    }
}
