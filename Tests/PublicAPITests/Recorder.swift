import ChatReactor
import Glibc

/// Notes down all that happens to its connections. A message that is too long is noted, and nothing is done about it.
final class Recorder: ConnectionHandler {
    enum Event: Hashable {
        case opened
        case message(String)
        case tooLong
        case drained
        case closed(CloseReason)
    }

    private(set) var events: [Event] = []
    private(set) var messages: [[UInt8]] = []
    /// The messages as they are relayed, one after the other.
    private(set) var wireBytes: [UInt8] = []
    private(set) var batchSizes: [Int] = []
    /// All that have opened, in that order.
    private(set) var connections: [Connection] = []

    var onOpen: ((Connection) -> Void)?
    /// Called for each message, once all of its batch are noted.
    var onMessage: ((Connection, String) -> Void)?
    var onTooLong: ((Connection) -> Void)?
    var onDrain: ((Connection) -> Void)?
    var onClose: ((Connection) -> Void)?

    var texts: [String] { messages.map { String(decoding: $0, as: UTF8.self) } }
    var reasons: [CloseReason] { events.compactMap { if case .closed(let reason) = $0 { reason } else { nil } } }

    func connectionDidOpen(_ connection: Connection) {
        events.append(.opened)
        connections.append(connection)
        onOpen?(connection)
    }

    func connection(_ connection: Connection, didReceive batch: borrowing MessageBatch) {
        var fresh: [String] = []
        batch.forEach { message in
            messages.append(array(message))
            fresh.append(text(message))
        }
        batchSizes.append(batch.count)
        batch.withWireBytes(in: 0..<batch.count) { bytes in wireBytes += array(bytes) }
        events += fresh.map { .message($0) }
        for message in fresh { onMessage?(connection, message) }
    }

    func connectionDidDiscardMessage(_ connection: Connection) {
        events.append(.tooLong)
        onTooLong?(connection)
    }

    func connectionDidDrain(_ connection: Connection) {
        events.append(.drained)
        onDrain?(connection)
    }

    func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        events.append(.closed(reason))
        onClose?(connection)
    }
}

/// A connection on a loop, what has happened to it, and the peer at its other end. It is open.
final class Member {
    let handler = Recorder()
    let connection: Connection
    let peer: Peer

    /// - Parameter sendBuffer: How much the kernel takes for a peer that does not read, in bytes, about; nil leaves that to it.
    init(on loop: EventLoop, options: Connection.Options = .init(), sendBuffer: Int32? = nil) throws {
        let (near, far) = try socketPair()
        if let sendBuffer { try setOption(SO_SNDBUF, of: near, to: sendBuffer) }
        peer = Peer(takingOver: far)
        connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: handler)
        try loop.turn(until: "the connection is open") { handler.events.first == .opened }
    }
}
