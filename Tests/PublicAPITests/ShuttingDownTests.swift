import ChatReactor
import Glibc
import TestSupport
import Testing

/// `shutDown` ends the loop in order: nobody is accepted any more, what waits is sent, and `run` returns when the last connection is closed.
struct ShuttingDownTests {
    private let loop: EventLoop
    private let handler = RecordingHandler()

    init() throws {
        loop = try EventLoop()
    }

    /// A connection on the loop, and its peer.
    private func connect(sendBuffer: Int32? = nil, lingerTimeout: Duration = .seconds(60)) throws -> (Connection, Peer) {
        let (mine, peer) = try socketPair()
        if let sendBuffer { mine.setOption(SOL_SOCKET, SO_SNDBUF, sendBuffer) }
        var options = Connection.Options()
        options.lingerTimeout = lingerTimeout
        let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: mine), options: options, handler: handler)
        return (connection, peer)
    }

    @Test func whatWaitsIsSentAndTheLoopEndsWithItsLastConnection() throws {
        let (connection, peer) = try connect(sendBuffer: 4_096)
        let (_, other) = try connect()
        let output = pattern(1_000_000)
        connection.send(output)
        loop.shutDown(timeout: .seconds(3_600))
        #expect(!connection.send("too late"))
        var received: [UInt8] = []
        try loop.run(until: "at the end of both peers' input") {
            while let more = peer.receiveAvailable() {
                if more.isEmpty { return false }
                received += more
            }
            return other.receiveAvailable() == nil
        }
        #expect(received == output)
        #expect(loop.connectionCount == 2, "the peers have not agreed yet")
        peer.close()
        other.close()
        try loop.run()
        #expect(loop.connectionCount == 0)
        #expect(handler.closeReasons == [.shutdown, .shutdown])
    }

    @Test func nobodyIsAcceptedAnyMore() throws {
        let port = try #require(try loop.listen(on: .loopback(port: 0), handler: handler).address.port)
        let peer = try Peer(port: port)
        try loop.run(until: "accepted") { loop.connectionCount == 1 }
        loop.shutDown(timeout: .seconds(3_600))
        #expect(throws: Errno.connectionRefused) { try Peer(port: port) }
        peer.close()
        try loop.run()
        #expect(handler.closeReasons == [.shutdown])
    }

    @Test func aDescriptorIsWatchedUntilTheLastConnectionIsClosed() throws {
        let (_, peer) = try connect()
        let (reader, writer) = try makePipe()
        defer { for end in [reader, writer] { close(end) } }
        var isTold = false
        let watcher = try loop.watch(reader, for: .readable) { watcher, _ in
            isTold = true
            watcher.cancel()
        }
        loop.shutDown(timeout: .seconds(3_600))
        #expect(unsafe write(writer, "x", 1) == 1)
        try loop.run(until: "told") { isTold }
        #expect(loop.connectionCount == 1)
        peer.close()
        try loop.run()
        _ = watcher
    }

    @Test func withoutConnectionsRunReturnsAtOnce() throws {
        try loop.listen(on: .loopback(port: 0), handler: handler)
        loop.shutDown(timeout: .seconds(3_600))
        try loop.run()
        #expect(loop.turnCount == 0)
    }

    @Test func whoDoesNotReadIsNotWaitedForLongerThanAsked() throws {
        let (connection, peer) = try connect(sendBuffer: 4_096)
        connection.send(pattern(1_000_000))
        let start = ContinuousClock.now
        loop.shutDown(timeout: .milliseconds(50))
        try loop.run()
        #expect(start.duration(to: .now) >= .milliseconds(50))
        #expect(handler.closeReasons == [.shutdown])
        #expect(loop.connectionCount == 0)
        _ = peer
    }

    @Test func aSecondCallSetsTheTimeAnew() throws {
        let (connection, peer) = try connect(sendBuffer: 4_096)
        connection.send(pattern(1_000_000))
        loop.shutDown(timeout: .seconds(3_600))
        loop.shutDown(timeout: .milliseconds(1))
        try loop.run()
        #expect(handler.closeReasons == [.shutdown])
        _ = peer
    }

    /// A client that connects anew whenever it has lost its server would keep the loop running for ever.
    @Test func aConnectionThatIsMadeAgainAndAgainDoesNotKeepTheLoop() throws {
        let server = try EventLoop()
        defer { server.close() }
        let address = try server.listen(on: .loopback(port: 0), handler: RecordingHandler()).address
        let client = Reconnecting(to: address)
        try client.connect(on: loop)
        try loop.run(until: "connected") { loop.connectionCount == 1 && client.opened == 1 }
        loop.shutDown(timeout: .milliseconds(50))
        try loop.run()
        #expect(client.closed == [.shutdown, .shutdown], "the second one at the end of the time")
        client.reconnects = false
        loop.close()
    }

    private final class Reconnecting: ConnectionHandler {
        let address: SocketAddress
        var reconnects = true
        var opened = 0
        var closed: [CloseReason] = []

        init(to address: SocketAddress) {
            self.address = address
        }

        func connect(on loop: EventLoop) throws {
            var options = Connection.Options()
            options.lingerTimeout = .zero
            try loop.connect(to: address, options: options, handler: self)
        }

        func connectionDidOpen(_ connection: Connection) {
            opened += 1
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            closed.append(reason)
            if reconnects { try? connect(on: connection.loop) }
        }
    }

    @Test func theLoopCanBeUsedAgain() throws {
        loop.shutDown(timeout: .milliseconds(1))
        try loop.run()
        let (connection, peer) = try connect(lingerTimeout: .zero)
        connection.finish()
        try loop.run(until: "closed") { loop.connectionCount == 0 }
        #expect(handler.closeReasons == [.requested])
        // If it were still shutting down, it would have been stopped by now, and this run would return at once.
        var ran = false
        loop.schedule(after: .milliseconds(5)) { [loop] in
            ran = true
            loop.stop()
        }
        try loop.run()
        #expect(ran)
        _ = peer
    }

    @Test func theCountIsThatOfTheConnectionsAndOfNothingElse() throws {
        #expect(loop.connectionCount == 0)
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let pipe = try makePipe()
        let watched = OwnedDescriptor(takingOver: pipe.reader)
        let watcher = try loop.watch(watched.rawValue, for: .readable) { _, _ in }
        #expect(loop.connectionCount == 0)
        try loop.adopt(OwnedDescriptor(takingOver: pipe.writer), for: .output, handler: handler)
        try loop.connect(to: listener.address, handler: handler)
        #expect(loop.connectionCount == 2)
        try loop.run(until: "accepted") { loop.connectionCount == 3 }
        watcher.cancel()
        loop.close()
        #expect(loop.connectionCount == 0)
    }
}
