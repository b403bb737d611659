public import Reactor

/// Records all that happens to its connections, in that order.
public final class RecordingHandler: ConnectionHandler {
    public enum Event: Hashable, Sendable {
        case opened
        case received(String)
        case discarded
        case drained
        case readToEnd
        case timedOut(CloseReason)
        case closed(CloseReason)
    }

    public private(set) var events: [Event] = []
    /// The connections that have opened and are not closed yet, in the order in which they opened.
    public private(set) var connections: [Connection] = []
    /// The bytes of the messages, as they came.
    public private(set) var messages: [[UInt8]] = []
    /// The messages as they are relayed, one after the other.
    public private(set) var wireBytes: [UInt8] = []
    /// How many messages each batch had.
    public private(set) var batchSizes: [Int] = []

    public var onOpen: ((Connection) -> Void)?
    public var onMessage: ((Connection, String) -> Void)?
    public var onDiscard: ((Connection) -> Void)?
    public var onDrain: ((Connection) -> Void)?
    /// What is done at the end of input, of a connection that allows a half-close; nil finishes it, as a handler that decides nothing does.
    public var onReadToEnd: ((Connection) -> Void)?
    /// What is done when the peer was silent for too long; nil finishes it, as a handler that decides nothing does.
    public var onTimeOut: ((Connection) -> Void)?
    public var onClose: ((Connection) -> Void)?
    /// Whether a message that is too long closes the connection, as it does by default.
    public var closesOnLongMessage = false

    public init() {}

    public var texts: [String] { messages.map { String(decoding: $0, as: UTF8.self) } }

    public var closeReasons: [CloseReason] {
        events.compactMap { if case .closed(let reason) = $0 { reason } else { nil } }
    }

    public func count(of event: Event) -> Int { events.count { $0 == event } }

    public func connectionDidOpen(_ connection: Connection) {
        events.append(.opened)
        connections.append(connection)
        onOpen?(connection)
    }

    public func connection(_ connection: Connection, didReceive batch: borrowing MessageBatch) {
        // The callbacks may send, close or reconnect. So they are called once the batch has been read.
        var fresh: [[UInt8]] = []
        batch.forEach { message in fresh.append(message.indices.map { message[$0] }) }
        batchSizes.append(batch.count)
        batch.withWireBytes { bytes in wireBytes += bytes.indices.map { bytes[$0] } }
        for message in fresh {
            let text = String(decoding: message, as: UTF8.self)
            messages.append(message)
            events.append(.received(text))
            onMessage?(connection, text)
        }
    }

    public func connectionDidDiscardMessage(_ connection: Connection) {
        events.append(.discarded)
        onDiscard?(connection)
        if closesOnLongMessage { connection.close(reason: .messageTooLong) }
    }

    public func connectionDidDrain(_ connection: Connection) {
        events.append(.drained)
        onDrain?(connection)
    }

    public func connectionDidReadToEnd(_ connection: Connection) {
        events.append(.readToEnd)
        if let onReadToEnd { onReadToEnd(connection) } else { connection.finish(reason: .endOfInput) }
    }

    public func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        events.append(.timedOut(reason))
        if let onTimeOut { onTimeOut(connection) } else { connection.finish(reason: reason) }
    }

    public func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        events.append(.closed(reason))
        connections.removeAll { $0 === connection }
        onClose?(connection)
    }
}
