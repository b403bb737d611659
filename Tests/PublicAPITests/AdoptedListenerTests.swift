import ChatReactor
import Glibc
import TestSupport
import Testing

/// Accepting at a socket that listens already, as a service manager passes it on.
@Suite(.beyondPatience)
struct AdoptedListenerTests {
    private let path = TemporaryPath()

    /// A socket that blocks and that a child would inherit.
    private func makeListener(at address: SocketAddress) throws -> OwnedDescriptor {
        let descriptor = OwnedDescriptor(takingOver: try makeSocket(for: address))
        let number = descriptor.rawValue
        guard unsafe withSystemAddress(address, { unsafe bind(number, $0, $1) }) == 0, listen(number, 16) == 0 else {
            throw Errno.last
        }
        _ = fcntl(number, F_SETFD, 0)
        return descriptor
    }

    @Test("Who has come before and who comes after is served, at the address that the socket has")
    func serving() throws {
        let socket = try makeListener(at: .loopback(port: 0))
        let number = socket.rawValue
        let address = SocketAddress.loopback(port: localPort(of: number))
        let early = try Peer(to: address)
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        let listener = try loop.listen(adopting: socket) { handler }
        #expect(listener.address == address)
        #expect(fcntl(number, F_GETFD) == FD_CLOEXEC && fcntl(number, F_GETFL) & O_NONBLOCK != 0)
        let late = try Peer(to: address)
        try early.send("early\n")
        try late.send("late\n")
        try loop.run(until: "both are heard") { Set(handler.texts) == ["early", "late"] }
        withExtendedLifetime((early, late)) {}
    }

    @Test("The path is its maker's, and so is the socket if it is kept elsewhere")
    func pathStays() throws {
        let address = SocketAddress.unix(path: path.path)
        let socket = try makeListener(at: address)
        let kept = OwnedDescriptor(takingOver: dup(socket.rawValue))
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        let listener = try loop.listen(adopting: socket) { _, _ in }
        #expect(listener.address == address)
        listener.close()
        loop.close()
        #expect(path.exists)

        let next = try EventLoop()
        defer { next.close() }
        let peer = try Peer(to: address)
        try next.listen(adopting: kept) { handler }
        try peer.send("hello\n")
        try next.run(until: "it is heard") { handler.texts == ["hello"] }
        withExtendedLifetime(peer) {}
    }

    @Test("A chat server takes clients there, until it shuts down")
    func server() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let server = try ChatServer(on: loop)
        let listener = try server.listen(adopting: makeListener(at: .loopback(port: 0)))
        let (one, two) = (try Peer(to: listener.address), try Peer(to: listener.address))
        try loop.run(until: "both are in") { server.clientCount == 2 }
        try one.send("hello\n")
        try loop.run(until: "it is relayed") { two.text == "hello\n" }
        server.shutDown(timeout: .zero) {}
        #expect(throws: Errno.canceled) { try server.listen(adopting: makeListener(at: .loopback(port: 0))) }
    }

    @Test("What is no listening stream socket is refused, and closed")
    func refused() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let silent = try makeSocket(for: .loopback(port: 0))
        let connected = try socketPair()
        let datagrams = try socketPair(SOCK_DGRAM)
        let pipe = try makePipe()
        defer { close(pipe.writer) }
        for (descriptor, error) in [
            (silent, .invalidArgument), (connected.near, .invalidArgument), (datagrams.near, .invalidArgument),
            (pipe.reader, .notSocket), (-1, Errno(rawValue: EBADF)),
        ] as [(Int32, Errno)] {
            #expect(throws: error) { try loop.listen(adopting: OwnedDescriptor(takingOver: descriptor)) { _, _ in } }
        }
        try connected.far.waitForEnd()
    }

    @Test("A loop that is closed takes none")
    func closed() throws {
        let loop = try EventLoop()
        loop.close()
        #expect(throws: Errno.canceled) { try loop.listen(adopting: makeListener(at: .loopback(port: 0))) { _, _ in } }
    }
}
