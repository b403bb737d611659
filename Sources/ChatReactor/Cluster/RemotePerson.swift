import Reactor

/// Somebody in a chat of several servers who is at another one. It is in rooms here as it is there, and what it is told goes to its server.
final class RemotePerson: Person {
    let key: PersonKey

    init(_ key: PersonKey, from origin: SocketAddress?, of chat: Chat, server: ChatServer) {
        self.key = key
        // Nothing is ever encoded in its form.
        super.init(chat.makeNumber(), form: .text, of: chat, server: server)
        self.origin = origin
    }

    override var refusalToHear: String? { nil }

    /// Its own server tells it what comes of an event.
    override func tellElsewhere(_ reply: Reply) {
        guard let replica = chat?.replica, !replica.isApplying else { return }
        switch reply {
        case .notice(let line): replica.submit(.notice(line), to: self)
        case .error(let line): replica.submit(.error(line), to: self)
        default: break
        }
    }

    /// Is sent away by somebody at this server.
    override func leave(farewell: String, reason: CloseReason = .requested) {
        chat?.replica?.submit(.remove(key, farewell: farewell))
    }
}
