import Reactor

/// A server that accepts every connection, and reads and discards all input.
///
/// An attack on it costs the attacker's core what the attack on a server costs it. So a measurement during the one can be compared with a
/// measurement during the other: the server alone makes the difference.
public final class DiscardServer {
    public let port: UInt16
    private let loop: EventLoop

    public init() throws {
        loop = try EventLoop()
        var options = Connection.Options()
        options.framing = .chunks
        options.lingerTimeout = .zero
        port = try loop.listen(on: .ipv4(address: 0x7F00_0001, port: 0), options: options, handler: Taker()).address.port ?? 0
    }

    /// Takes what has come, without waiting.
    public func step() throws {
        try loop.runOnce(waitingAtMost: .zero)
    }

    public func close() {
        loop.close()
    }

    private final class Taker: ConnectionHandler {
        func connectionDidOpen(_ connection: Connection) {}
        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
        func connectionDidClose(_ connection: Connection, reason: CloseReason) {}
    }
}
