public import Reactor

/// What happens at a ``ChatServer``. Each of these may be left out, and all are called on the loop's thread.
///
/// An observer gets the server with each call. It should not keep the server: the server keeps its observers, and neither would
/// ever be freed.
public protocol ChatServerObserver: AnyObject {
    /// Whether it wants the events of a chat: `server(_:didPublish:)`. The server asks once, when the observer is added. If
    /// nobody wants them, they are not made, which is a part of what a message costs.
    var wantsEvents: Bool { get }

    /// A client has connected, and gets what is published from now on.
    func server(_ server: ChatServer, didAccept client: ChatServer.Client)

    /// A client has sent messages that are relayed: those of a batch whose indices are in the range, which may be empty.
    func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client)

    /// Something has happened in a room of a chat: somebody has said something, come, or left. Not what is said privately.
    func server(_ server: ChatServer, didPublish event: ChatServer.Event)

    /// Somebody has opened a room. How much its file had lost is in ``ChatServer/Room/lostRecordCount``.
    func server(_ server: ChatServer, didOpen room: ChatServer.Room)

    /// Somebody wanted to open a room, and its log cannot be had. Who wanted it has been told so, without the path.
    func server(_ server: ChatServer, cannotOpenRoom name: ChatName, error: RoomLogError)

    /// Another server of the chat has laid down a ban, or taken one back, and the file of this one's bans cannot be written. It holds all the
    /// same, as long as the server runs.
    func server(_ server: ChatServer, cannotKeepBans error: BanListError)

    /// A client has gone. Its connection is closed already.
    func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason)

    /// A caller was not let in. It is told why, and is no client.
    func server(_ server: ChatServer, didRefuse caller: SocketAddress, because refusal: AccessRefusal)

    /// A caller came to a listener with a transport, such as TLS, and its connection has closed before the handshake was complete. It never was
    /// a client.
    ///
    /// - Parameters:
    ///   - caller: From where, or the address of a proxy. Nil if that is not known.
    ///   - reason: `transportFailed` if the caller speaks something else, or has been refused for its certificate, for example.
    func server(_ server: ChatServer, handshakeDidFailFrom caller: SocketAddress?, reason: CloseReason)

    /// Somebody has logged in, and has its name.
    func server(_ server: ChatServer, didLogIn person: Person)

    /// Somebody has tried to log in under a name, which may be nobody's, and was not. It has been told why.
    func server(_ server: ChatServer, didRefuseLoginOf person: Person, as name: ChatName, because refusal: LoginRefusal)

    /// No client can be accepted for now, because the process lacks descriptors, memory or permission. The server tries again,
    /// ten times a second at most, and calls this each time that it fails.
    func server(_ server: ChatServer, cannotAcceptAt address: SocketAddress, error: Errno)
}

extension ChatServerObserver {
    /// True.
    public var wantsEvents: Bool { true }

    /// Does nothing.
    public func server(_ server: ChatServer, didAccept client: ChatServer.Client) {}

    /// Does nothing.
    public func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
    ) {}

    /// Does nothing.
    public func server(_ server: ChatServer, didPublish event: ChatServer.Event) {}

    /// Does nothing.
    public func server(_ server: ChatServer, didOpen room: ChatServer.Room) {}

    /// Does nothing.
    public func server(_ server: ChatServer, cannotOpenRoom name: ChatName, error: RoomLogError) {}

    /// Does nothing.
    public func server(_ server: ChatServer, cannotKeepBans error: BanListError) {}

    /// Does nothing.
    public func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {}

    /// Does nothing.
    public func server(_ server: ChatServer, didRefuse caller: SocketAddress, because refusal: AccessRefusal) {}

    /// Does nothing.
    public func server(_ server: ChatServer, handshakeDidFailFrom caller: SocketAddress?, reason: CloseReason) {}

    /// Does nothing.
    public func server(_ server: ChatServer, didLogIn person: Person) {}

    /// Does nothing.
    public func server(
        _ server: ChatServer, didRefuseLoginOf person: Person, as name: ChatName, because refusal: LoginRefusal
    ) {}

    /// Does nothing.
    public func server(_ server: ChatServer, cannotAcceptAt address: SocketAddress, error: Errno) {}
}
