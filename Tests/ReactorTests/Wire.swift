import Glibc
import Reactor
import TestSupport
import Testing

/// A loop with one connection on it, and the peer at its other end, which is a plain blocking socket.
final class Wire {
    enum Kind: CaseIterable {
        case tcp
        case unix
    }

    let loop: EventLoop
    let handler: RecordingHandler
    let connection: Connection
    let peer: LineClient

    init(
        _ kind: Kind = .unix, configuration: EventLoop.Configuration = .init(), options: Connection.Options = .init(),
        sendBuffer: Int32? = nil, peerReceiveBuffer: Int32? = nil
    ) throws {
        loop = try EventLoop(configuration: configuration)
        handler = RecordingHandler()
        switch kind {
        case .unix:
            let (mine, peer) = try socketPair()
            connection = try loop.adopt(socket: OwnedDescriptor(takingOver: mine), options: options, handler: handler)
            self.peer = peer
        case .tcp:
            let listener = try loop.listen(on: .loopback(port: 0), options: options, handler: handler)
            peer = try LineClient(port: try #require(listener.address.port), receiveBuffer: peerReceiveBuffer)
            try loop.run(until: "accepted") { [handler] in !handler.connections.isEmpty }
            connection = try #require(handler.connections.first)
            listener.close()
        }
        if let sendBuffer { connection.rawDescriptor.setOption(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
        if let peerReceiveBuffer { peer.descriptor.setOption(SOL_SOCKET, SO_RCVBUF, peerReceiveBuffer) }
    }

    deinit {
        loop.close()
    }

    /// Turns until the connection is closed, and says why.
    func closeReason(sourceLocation: SourceLocation = #_sourceLocation) throws -> CloseReason? {
        try loop.run(until: "closed", sourceLocation: sourceLocation) { !handler.closeReasons.isEmpty }
        return handler.closeReasons.first
    }

    /// Turns until the peer has seen the end of the connection, and says what it has received by then.
    func drain(sourceLocation: SourceLocation = #_sourceLocation) throws -> [UInt8] {
        var all: [UInt8] = []
        try loop.run(until: "at the end of the peer's input", sourceLocation: sourceLocation) {
            guard let more = peer.receiveAvailable() else { return true }
            all += more
            return false
        }
        return all
    }

    /// Turns until the peer has received that many bytes.
    func receive(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> [UInt8] {
        var all: [UInt8] = []
        try loop.run(until: "\(count) bytes received", sourceLocation: sourceLocation) {
            all += peer.receiveAvailable() ?? []
            return all.count >= count
        }
        return all
    }
}

extension SocketAddress {
    /// A path that nobody else uses, and that is not there yet.
    static func temporaryPath() -> SocketAddress {
        .unix(path: "/tmp/chatreactor-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock")
    }

    var path: String? {
        if case .unix(let path) = self { path } else { nil }
    }
}

/// Two stream sockets that are connected to each other: one that does not block, for a loop to own, and the peer's, which does.
func socketPair() throws -> (Int32, LineClient) {
    var numbers: [Int32] = [-1, -1]
    let result = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers)
    if result < 0 { throw Errno(rawValue: errno) }
    _ = fcntl(numbers[0], F_SETFL, O_NONBLOCK)
    return (numbers[0], LineClient(takingOver: numbers[1]))
}

/// A pipe whose ends do not block, each to be owned by whoever asks for it.
func makePipe() throws -> (reader: Int32, writer: Int32) {
    var numbers: [Int32] = [-1, -1]
    if unsafe pipe(&numbers) < 0 { throw Errno(rawValue: errno) }
    for number in numbers { _ = fcntl(number, F_SETFL, O_NONBLOCK) }
    return (numbers[0], numbers[1])
}

extension Int32 {
    func option(_ level: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = -1
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(self, level, name, &value, &size)
        return value
    }

    func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(self, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// Bytes in which a loss, a repetition or an exchange shows.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

extension Connection {
    /// As `send` of a span, which `#expect` cannot take.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        send(bytes.span)
    }
}
