import Broadcast
import Glibc
import Reactor
import TestSupport
import Testing

/// A connection under test, and its peer, which reads only when the test says so.
///
/// The handler publishes what the peer writes to the topic that the connection belongs to.
final class Peer: ConnectionHandler {
    /// The least that the kernel grants a socket: about two thousand bytes leave at a time, and a few times that wait.
    static let leastSendBuffer: Int32 = 1

    /// The connection, until it is closed.
    private(set) weak var connection: Connection?
    private(set) var closeReason: CloseReason?
    /// Called with what the peer writes, if it is not to be published.
    var didReceive: ((Connection, borrowing MessageBatch) -> Void)?

    private let peer: TestSupport.Peer
    private weak var topic: Topic?

    init(
        on loop: EventLoop, in topic: Topic? = nil, history: Int = 0, sendBuffer: Int32? = nil,
        kind: __socket_type = SOCK_STREAM, options: Connection.Options = .init()
    ) throws {
        let (near, far) = try socketPair(kind)
        if let sendBuffer { near.setOption(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
        peer = far
        self.topic = topic
        let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: self)
        self.connection = connection
        topic?.subscribe(connection, history: history)
    }

    deinit {
        hangUp()
    }

    var isOpen: Bool { connection?.isOpen == true }

    /// All that the peer has read.
    var received: [UInt8] { peer.received }
    /// How many reads brought it.
    var receivedPieces: Int { peer.readCount }
    var text: String { String(decoding: received, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }

    /// How many bytes the kernel holds that the peer has not read.
    var waiting: Int { peer.unreadCount }

    /// Whether the peer has seen the end of the stream, or a reset.
    ///
    /// That of a closed connection is waited for: a child process that is being started by another test has a copy of its
    /// descriptor for as long as it has not executed its program.
    var isAtEnd: Bool {
        func hasReadToEnd() -> Bool { peer.isAtEnd || peer.readFailure == .connectionReset }
        if closeReason != nil {
            try? wait(for: "the end of the stream") {
                peer.read()
                return hasReadToEnd()
            }
        }
        return hasReadToEnd()
    }

    /// Has the peer read up to `limit` of the bytes that wait. Returns how many those were.
    @discardableResult
    func read(atMost limit: Int = .max) -> Int { peer.read(atMost: limit) }

    /// Has the peer write as much as there is room for. Returns how many bytes that was.
    @discardableResult
    func write(_ bytes: some Collection<UInt8>) -> Int { peer.sendAvailable(Array(bytes)) }

    @discardableResult
    func write(_ text: String) -> Int { write(text.utf8) }

    func shutDownSending() { peer.shutDownSending() }

    func hangUp() { peer.hangUp() }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
        if let didReceive { didReceive(connection, messages) } else { topic?.publish(messages, from: connection) }
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        closeReason = reason
    }
}

extension EventLoop {
    /// Makes turns, which wait for nothing.
    func turn(_ count: Int = 1) throws {
        for _ in 0..<count { try runOnce(waitingAtMost: .zero) }
    }

    /// Makes turns, and has the peers read all that comes, until there is nothing more.
    func drain(_ peers: Peer...) throws {
        var quiet = 0
        while quiet < 3 {
            try turn()
            let count = peers.reduce(0) { $0 + $1.read() }
            quiet = count == 0 ? quiet + 1 : 0
        }
    }
}
