import Broadcast
import Glibc
import Reactor
import Testing

/// A connection under test, and the far end of its socket, which takes bytes only when the test says so.
///
/// Its handler publishes what the far end writes to the topic that it belongs to.
final class Peer: ConnectionHandler {
    /// The least that the kernel grants a socket: about two thousand bytes leave at a time, and a few times that wait.
    static let leastSendBuffer: Int32 = 1

    /// The connection, until it is closed.
    private(set) weak var connection: Connection?
    private(set) var closeReason: CloseReason?
    /// All that the far end has taken.
    private(set) var received: [UInt8] = []
    /// How many pieces it took it in.
    private(set) var receivedPieces = 0
    private var hasReadToEnd = false
    /// What is done with what the far end writes.
    var didReceive: ((Connection, borrowing MessageBatch) -> Void)?

    private var descriptor: Int32
    private weak var topic: Topic?

    init(
        on loop: EventLoop, in topic: Topic? = nil, history: Int = 0, sendBuffer: Int32? = nil,
        kind: __socket_type = SOCK_STREAM, options: Connection.Options = .init()
    ) throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(kind.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        try #require(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        if var sendBuffer {
            _ = unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &sendBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        descriptor = ends[1]
        self.topic = topic
        let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: ends[0]), options: options, handler: self)
        self.connection = connection
        topic?.subscribe(connection, history: history)
    }

    deinit {
        hangUp()
    }

    var isOpen: Bool { connection?.isOpen == true }

    var text: String { String(decoding: received, as: UTF8.self) }

    var lines: [String] { text.split(separator: "\n").map(String.init) }

    /// How much the kernel holds for the far end, which has not taken it yet.
    var waiting: Int {
        var room = [UInt8](repeating: 0, count: 1 << 20)
        return max(unsafe recv(descriptor, &room, room.count, Int32(MSG_PEEK)), 0)
    }

    /// Whether the far end has seen the end of the stream.
    ///
    /// That of a closed connection is waited for: a child process that is being started by another test has a copy of its
    /// descriptor for as long as it has not executed its program.
    var isAtEnd: Bool {
        while closeReason != nil, !hasReadToEnd {
            var far = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&far, 1, 10_000) > 0 else { break }
            read()
        }
        return hasReadToEnd
    }

    /// Takes up to `limit` of the bytes that wait, and says how many they were.
    @discardableResult
    func read(atMost limit: Int = .max) -> Int {
        var taken = 0
        var piece = [UInt8](repeating: 0, count: min(limit, 16_384))
        while taken < limit, !hasReadToEnd {
            let count = unsafe recv(descriptor, &piece, min(piece.count, limit - taken), 0)
            if count > 0 {
                received += piece[..<count]
                receivedPieces += 1
                taken += count
            } else {
                // A socket that is closed before all that came to it was read ends with a reset.
                hasReadToEnd = count == 0 || errno == ECONNRESET
                break
            }
        }
        return taken
    }

    /// Writes to the connection, and says how many bytes there was room for.
    @discardableResult
    func write(_ bytes: some Collection<UInt8>) -> Int {
        let bytes = Array(bytes)
        return max(unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)), 0)
    }

    @discardableResult
    func write(_ text: String) -> Int {
        write(text.utf8)
    }

    /// Says that the far end writes nothing more.
    func shutDownSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the far end.
    func hangUp() {
        if descriptor < 0 { return }
        // So that it takes effect at once, even if a child process that is being started has a copy of the descriptor.
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
        descriptor = -1
    }

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

    /// Makes turns, and has the peers take all that comes, until there is nothing more.
    func drain(_ peers: Peer...) throws {
        var quiet = 0
        while quiet < 3 {
            try turn()
            let taken = peers.reduce(0) { $0 + $1.read() }
            quiet = taken == 0 ? quiet + 1 : 0
        }
    }
}
