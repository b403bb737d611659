import Glibc
import TestSupport
import Testing

@testable import Reactor

/// Connecting succeeds, fails or takes too long, and the handler is told which.
struct ConnectingTests {
    private let loop: EventLoop
    private let server = RecordingHandler()
    private let handler = RecordingHandler()

    init() throws {
        loop = try EventLoop()
    }

    /// An address whose kernel lets callers wait for ever: the queue of those that nobody accepts is full.
    private func deafAddress() throws -> (address: SocketAddress, holding: [OwnedNumber]) {
        let listening = OwnedNumber(socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        // Without a bind, listen(2) takes a port that the kernel picks.
        #expect(listen(listening.number, 0) == 0)
        let port = try #require(try Socket.localAddress(of: listening.number)?.port)
        let address = SocketAddress.loopback(port: port)
        var holding = [listening]
        for _ in 0..<2 {
            let caller = try Socket(for: address)
            _ = try caller.connect(to: address)
            holding.append(OwnedNumber(caller.release().release()))
        }
        return (address, holding)
    }

    /// A descriptor that can be kept in an array.
    private final class OwnedNumber {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    @Test func whatIsSentBeforeConnectingIsDoneArrives() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let connection = try loop.connect(to: listener.address, handler: handler)
        #expect(!connection.isOpen)
        #expect(connection.send("hello\n"))
        #expect(handler.events.isEmpty)
        try loop.run(until: "received") { server.texts == ["hello"] }
        #expect(connection.isOpen)
        #expect(handler.events == [.opened, .drained])
    }

    @Test func finishingBeforeConnectingIsDoneStillDeliversWhatWasSent() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let connection = try loop.connect(to: listener.address, handler: handler)
        connection.send("hello\n")
        connection.finish()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty && !server.closeReasons.isEmpty }
        #expect(server.texts == ["hello"])
        #expect(server.closeReasons == [.endOfInput])
        #expect(handler.events == [.opened, .drained, .closed(.requested)])
    }

    @Test func nobodyThere() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        listener.close()
        try loop.connect(to: listener.address, deadline: .now.advanced(by: .seconds(3_600)), handler: handler)
        try loop.run(until: "refused") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.failed(.connectionRefused))])
        #expect(loop.timers.count == 0)
    }

    @Test func aDeadlineThatPasses() throws {
        defer { loop.close() }
        let deaf = try deafAddress()
        let deadline = ContinuousClock.now.advanced(by: .milliseconds(60))
        let connection = try loop.connect(to: deaf.address, deadline: deadline, handler: handler)
        connection.send("hello\n")
        try loop.run(until: "given up") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.connectTimedOut)])
        #expect(ContinuousClock.now >= deadline)
        #expect(!connection.isOpen)
    }

    @Test func theDeadlineHoldsForAConnectionThatIsFinishing() throws {
        defer { loop.close() }
        let deaf = try deafAddress()
        let connection = try loop.connect(
            to: deaf.address, deadline: .now.advanced(by: .milliseconds(60)), handler: handler)
        connection.send("hello\n")
        connection.finish()
        try loop.run(until: "given up", within: .seconds(5)) { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.connectTimedOut)])
    }

    @Test func waitingForAnAnswerDoesNotSpin() throws {
        defer { loop.close() }
        let deaf = try deafAddress()
        try loop.connect(to: deaf.address, handler: handler).send("hello\n")
        #expect(try loop.turns(during: .milliseconds(80)) <= 3)
    }

    @Test func theDeadlineEndsOnceConnected() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        try loop.connect(to: listener.address, deadline: .now.advanced(by: .seconds(3_600)), handler: handler)
        try loop.run(until: "connected") { handler.events == [.opened] }
        #expect(loop.timers.count == 0)
    }

    @Test func closingBeforeConnectingIsDone() throws {
        defer { loop.close() }
        let deaf = try deafAddress()
        let connection = try loop.connect(to: deaf.address, deadline: .now.advanced(by: .seconds(3_600)), handler: handler)
        connection.close()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.requested)])
        #expect(loop.timers.count == 0)
    }

    /// Both have connected by the time of one wait, and the handler of the first closes the other.
    @Test func whoIsClosedInTheTurnInWhichItHasConnectedDoesNotOpen() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let connections = try (0..<2).map { _ in try loop.connect(to: listener.address, handler: handler) }
        handler.onOpen = { opened in connections.first { $0 !== opened }?.close() }
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.opened, .closed(.requested)])
    }

    @Test func aPathIsConnectedToAtOnce() throws {
        defer { loop.close() }
        let address = SocketAddress.temporaryPath()
        try loop.listen(on: address, handler: server)
        let connection = try loop.connect(to: address, handler: handler)
        #expect(connection.isOpen)
        #expect(handler.events == [.opened])
    }

    @Test func connectedSocketsHaveTheOptionsOfAcceptedOnes() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: server)
        let number = try loop.connect(to: listener.address, handler: handler).rawDescriptor
        #expect(number.option(Int32(IPPROTO_TCP), TCP_NODELAY) == 1)
        #expect(number.option(SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(fcntl(number, F_GETFL, 0) & O_NONBLOCK != 0)
        #expect(fcntl(number, F_GETFD, 0) & FD_CLOEXEC != 0)
    }
}
