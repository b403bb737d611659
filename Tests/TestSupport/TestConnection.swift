import Glibc
public import Reactor
public import Testing

/// A connection on a loop, a record of what happens to it, and the peer at its other end.
public final class TestConnection {
    public enum Kind: CaseIterable, Sendable {
        case tcp
        case unix
    }

    public let loop: EventLoop
    public let handler = RecordingHandler()
    public let connection: Connection
    public let peer: Peer
    private let ownsLoop: Bool

    /// - Parameters:
    ///   - loop: The loop, or nil for one of its own, which is closed with this.
    ///   - sendBuffer: How many bytes the kernel takes for a peer that does not read, about; nil leaves that to it.
    public init(
        _ kind: Kind = .unix, on loop: EventLoop? = nil, configuration: EventLoop.Configuration = .init(),
        options: Connection.Options = .init(), sendBuffer: Int32? = nil, peerReceiveBuffer: Int32? = nil
    ) throws {
        ownsLoop = loop == nil
        let loop = try loop ?? EventLoop(configuration: configuration)
        self.loop = loop
        switch kind {
        case .unix:
            let (near, far) = try socketPair()
            if let sendBuffer { near.setOption(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
            connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: handler)
            peer = far
        case .tcp:
            let listener = try loop.listen(on: .loopback(port: 0), options: options, handler: handler)
            peer = try Peer(to: listener.address, receiveBuffer: peerReceiveBuffer)
            try loop.run(until: "accepted") { [handler] in !handler.connections.isEmpty }
            connection = try #require(handler.connections.first)
            listener.close()
            if let sendBuffer { connection.rawDescriptor.setOption(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
        }
        if let peerReceiveBuffer { peer.descriptor.setOption(SOL_SOCKET, SO_RCVBUF, peerReceiveBuffer) }
    }

    deinit {
        if ownsLoop { loop.close() }
    }

    /// Turns until the connection is closed, and returns the reason.
    public func closeReason(sourceLocation: SourceLocation = #_sourceLocation) throws -> CloseReason? {
        try loop.run(until: "closed", sourceLocation: sourceLocation) { !handler.closeReasons.isEmpty }
        return handler.closeReasons.first
    }

    /// Turns until the peer has seen the end of the connection, and returns what it has received by then.
    public func drain(sourceLocation: SourceLocation = #_sourceLocation) throws -> [UInt8] {
        var all: [UInt8] = []
        try loop.run(until: "at the end of the peer's input", sourceLocation: sourceLocation) {
            guard let more = peer.receiveAvailable() else { return true }
            all += more
            return false
        }
        return all
    }

    /// Turns until the peer has received that many bytes.
    public func receive(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> [UInt8] {
        var all: [UInt8] = []
        try loop.run(until: "\(count) bytes received", sourceLocation: sourceLocation) {
            all += peer.receiveAvailable() ?? []
            return all.count >= count
        }
        return all
    }
}

/// Bytes in which a loss, a repetition or an exchange shows.
public func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

extension Connection {
    /// Sends an array: `#expect` cannot take a span.
    @discardableResult
    public func send(_ bytes: [UInt8]) -> Bool { send(bytes.span) }

    /// Sets how many bytes the kernel takes for a peer that does not read, about.
    public func setSendBuffer(_ size: Int32) { rawDescriptor.setOption(SOL_SOCKET, SO_SNDBUF, size) }
}
