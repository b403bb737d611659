import ChatReactor
import Glibc
import TestSupport
import Testing

/// Accepting is not serving: a listener passes on what it accepts, and another loop may serve it.
@Suite(.beyondPatience)
struct AcceptingForOthersTests {
    private final class Echo: ConnectionHandler {
        func connection(_ connection: Connection, didReceive lines: borrowing MessageBatch) {
            lines.withWireBytes { bytes in _ = connection.send(bytes) }
        }
    }

    @Test("A loop accepts, and two others serve in turn")
    func otherLoops() async throws {
        let workers = [try BackgroundLoop(), try BackgroundLoop()]
        let acceptor = try EventLoop()
        defer { acceptor.close() }
        var peersSeen: [SocketAddress] = []
        let listener = try acceptor.listen(on: .loopback(port: 0)) { socket, peer in
            workers[peersSeen.count % 2].remote.adopt(socket: socket) { Echo() }
            peersSeen.append(peer)
        }
        let peers = try (0..<6).map { _ in try Peer(to: listener.address) }
        try acceptor.run(until: "all accepted") { peersSeen.count == 6 }
        for (number, peer) in peers.enumerated() {
            try peer.send("\(number)\n")
            #expect(try peer.receiveLine() == "\(number)")
        }
        #expect(Set(peersSeen).count == 6 && peersSeen.allSatisfy { $0.port != listener.address.port })
        #expect(acceptor.connectionCount == 0)
        for worker in workers {
            #expect(try await worker.remote.withLoop { $0.connectionCount } == 3)
            try await worker.stop()
        }
        for peer in peers { try peer.waitForEnd() }
    }

    @Test("The loop that accepts may serve, too, and one that drops the socket closes it")
    func ownLoop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        var count = 0
        let listener = try loop.listen(on: .temporaryPath()) { socket, _ throws(Errno) in
            count += 1
            if count == 1 { _ = try loop.adopt(socket: socket, handler: handler) }
        }
        let (first, second) = (try Peer(to: listener.address), try Peer(to: listener.address))
        try first.send("hello\n")
        try loop.run(until: "the first is served") { handler.texts == ["hello"] && count == 2 }
        try second.waitForEnd()
        #expect(loop.connectionCount == 1)
    }

    @Test("What is thrown is a failure to accept")
    func failure() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var errors: [Errno] = []
        let listener = try loop.listen(on: .loopback(port: 0)) { _, _ throws(Errno) in throw .noMemory }
        listener.onAcceptFailure = { errors.append($0) }
        let peer = try Peer(to: listener.address)
        try loop.run(until: "the failure") { errors == [.noMemory] }
        try peer.waitForEnd()
    }

    @Test(
        "Whatever is thrown is reported, and the next are accepted",
        arguments: [Errno.invalidArgument, .wouldBlock, .connectionAbort])
    func anyFailure(_ error: Errno) throws {
        let (loop, handler) = (try EventLoop(), RecordingHandler())
        defer { loop.close() }
        var (count, errors) = (0, [Errno]())
        let listener = try loop.listen(on: .temporaryPath()) { socket, _ throws(Errno) in
            count += 1
            if count <= 2 { throw error }
            _ = try loop.adopt(socket: socket, handler: handler)
        }
        listener.onAcceptFailure = { errors.append($0) }
        let peers = try (0..<3).map { _ in try Peer(to: listener.address) }
        try loop.run(until: "the third is served") { handler.connections.count == 1 }
        #expect(errors == [error, error])
        for peer in peers[..<2] { try peer.waitForEnd() }
        #expect(!peers[2].hasEnded)
    }

    @Test("A socket for a loop that is closed or gone is closed, and no handler is made", arguments: [false, true])
    func closedLoop(isGone: Bool) throws {
        var loop: EventLoop? = try EventLoop()
        let remote = try #require(loop?.remote)
        let (near, far) = try socketPair()
        if isGone { loop = nil } else { loop?.close() }
        remote.adopt(socket: OwnedDescriptor(takingOver: near)) {
            Issue.record("a handler was made")
            return RecordingHandler()
        }
        try far.waitForEnd()
    }
}
