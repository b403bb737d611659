package import Reactor

/// What puts in order what is said in a relay and at servers elsewhere, so that all of them have one order. A relay without one appends what is said to
/// its log at once; with one, it appends what the order brings back, its own among it.
///
/// The relay keeps its order. All of it belongs to the loop's thread.
package protocol Order: AnyObject {
    /// Takes messages that a connection has sent, or that are the server's own, to be brought back later.
    ///
    /// - Returns: Whether all were taken. The sender has been told if they were not.
    func submit(_ messages: borrowing MessageBatch, in range: Range<Int>, from sender: Connection?) -> Bool

    /// A line, without its newline, for those who come while something is wrong.
    var notice: String? { get }

    /// Calls `body` once all that was submitted until now has been brought back, or nothing will be. The relay ends then, so from now on nothing is
    /// read from its clients: they would not hear each other any more.
    func whenPlaced(_ body: @escaping () -> Void)

    /// The relay has another order now, or is gone.
    func leave()
}

extension ChatServer.Room {
    /// What puts in order what is said here and elsewhere. A room of a chat cannot have one.
    package var order: (any Order)? {
        get { relay?.order }
        set { relay?.order = newValue }
    }

    /// Says messages that the order has brought back, to those who are here, but not to who has sent them.
    package func append(
        _ messages: borrowing MessageBatch, in range: Range<Int>? = nil, from sender: Connection?
    ) -> Bool {
        relay?.append(messages, in: range ?? 0..<messages.count, from: sender) ?? false
    }

    /// Says a line, given without its newline, to those who are here.
    @discardableResult
    package func tell(_ line: String) -> Bool {
        relay?.append(line) ?? false
    }

    /// Says a line, given without its newline, to one client.
    package func tell(_ line: String, to connection: Connection) {
        connection.send(Relay.encode(line, for: connection).span)
    }
}

extension MessageBatch {
    /// Calls `body` with a batch of one message, given as it goes over the wire.
    static func withOne<Result>(_ message: [UInt8], _ body: (borrowing MessageBatch) -> Result) -> Result {
        withBatch(message.span, ends: [UInt32(truncatingIfNeeded: message.count)], body)
    }

    /// Calls `body` with messages that lie one after the other, given as they go over the wire; at least one. `ends` has where each of them ends.
    package static func withBatch<Result>(
        _ bytes: Span<UInt8>, ends: [UInt32], _ body: (borrowing MessageBatch) -> Result
    ) -> Result {
        precondition(ends.last.map(Int.init) == bytes.count, "the messages of a batch are all of its bytes")
        return unsafe bytes.withUnsafeBufferPointer { bytes in
            unsafe ends.withUnsafeBufferPointer { ends in
                guard let base = bytes.baseAddress, let first = ends.baseAddress
                else { preconditionFailure("a batch of no bytes") }
                return unsafe body(MessageBatch(base: base, start: 0, ends: first, count: ends.count))
            }
        }
    }
}
