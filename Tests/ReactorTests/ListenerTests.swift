import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

/// A listener accepts whoever calls, on any kind of address, and what it accepts is set up as it should be.
struct ListenerTests {
    private let loop: EventLoop
    private let handler = RecordingHandler()

    init() throws {
        loop = try EventLoop()
    }

    private static let addresses: [SocketAddress] = [
        .loopback(port: 0), .ipv6(high: 0, low: 1, port: 0, scope: 0), .temporaryPath(),
    ]

    @Test(arguments: addresses)
    func callersOnAnyKindOfAddressAreServed(_ address: SocketAddress) throws {
        defer { loop.close() }
        handler.onMessage = { connection, text in connection.send(text + "\n") }
        let listener = try loop.listen(on: address, handler: handler)
        let client = RecordingHandler()
        let connection = try loop.connect(to: listener.address, handler: client)
        connection.send("hello\n")
        try loop.run(until: "answered") { client.texts == ["hello"] }
        let accepted = try #require(handler.connections.first)
        #expect(accepted.localAddress == listener.address)
        #expect(connection.remoteAddress == listener.address)
        if let port = address.port { #expect(accepted.remoteAddress?.port != port) }
    }

    @Test func port0GivesTheRealPort() throws {
        defer { loop.close() }
        let first = try loop.listen(on: .loopback(port: 0), handler: handler)
        let second = try loop.listen(on: .loopback(port: 0), handler: handler)
        let port = try #require(first.address.port)
        #expect(port != 0)
        #expect(port != second.address.port)
        #expect(throws: Errno.addressInUse) { try loop.listen(on: first.address, handler: handler) }
        first.close()
        try loop.listen(on: .loopback(port: port), handler: handler)
    }

    /// The connections that a server leaves behind in TIME_WAIT do not keep the next one from its port.
    @Test func aPortCanBeListenedOnAgainAtOnce() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try LineClient(port: try #require(listener.address.port))
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        handler.connections.first?.close()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(try client.receiveSome().isEmpty)
        client.close()
        listener.close()
        try loop.listen(on: listener.address, handler: handler)
    }

    @Test func acceptedSocketsInheritTheirOptions() throws {
        var options = Connection.Options()
        options.unsentLowWater = 54_321
        let wire = try Wire(.tcp, options: options)
        let number = wire.connection.rawDescriptor
        let tcp = Int32(IPPROTO_TCP)
        #expect(number.option(tcp, TCP_NODELAY) == 1)
        #expect(number.option(tcp, TCP_NOTSENT_LOWAT) == 54_321)
        #expect(number.option(SOL_SOCKET, SO_KEEPALIVE) == 1)
        #expect(number.option(tcp, TCP_KEEPIDLE) == 60)
        #expect(number.option(tcp, TCP_KEEPINTVL) == 15)
        #expect(number.option(tcp, TCP_KEEPCNT) == 4)
        #expect(fcntl(number, F_GETFL, 0) & O_NONBLOCK != 0)
        #expect(fcntl(number, F_GETFD, 0) & FD_CLOEXEC != 0)
    }

    @Test func aTurnAcceptsNoMoreThanItsBudget() throws {
        var configuration = EventLoop.Configuration()
        configuration.acceptBudget = 3
        let loop = try EventLoop(configuration: configuration)
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let port = try #require(listener.address.port)
        let clients = try (0..<7).map { _ in try LineClient(port: port) }
        try withExtendedLifetime(clients) {
            for expected in [3, 6, 7] {
                try loop.runOnce(waitingAtMost: .seconds(5))
                #expect(handler.connections.count == expected)
            }
        }
    }

    @Test func aHandlerIsMadeForEachCaller() throws {
        defer { loop.close() }
        var handlers: [RecordingHandler] = []
        let listener = try loop.listen(on: .loopback(port: 0)) {
            let handler = RecordingHandler()
            handlers.append(handler)
            return handler
        }
        let port = try #require(listener.address.port)
        let clients = try (0..<3).map { _ in try LineClient(port: port) }
        try loop.run(until: "accepted") { handlers.count == 3 }
        for (number, client) in clients.enumerated() { try client.send("\(number)\n") }
        try loop.run(until: "received") { handlers.allSatisfy { $0.messages.count == 1 } }
        #expect(handlers.map(\.texts) == [["0"], ["1"], ["2"]])
    }

    @Test func aClosedListenerTurnsCallersAwayAndKeepsItsConnections() throws {
        let wire = try Wire(.tcp)
        let listener = try wire.loop.listen(on: .loopback(port: 0), handler: wire.handler)
        listener.close()
        listener.close()
        #expect(throws: Errno.connectionRefused) { try LineClient(port: try #require(listener.address.port)) }
        try wire.peer.send("still here\n")
        try wire.loop.run(until: "received") { wire.handler.texts == ["still here"] }
    }

    @Test func aListenerThatIsClosedByACallerAcceptsNoFurther() throws {
        defer { loop.close() }
        var listener: Listener?
        handler.onOpen = { _ in listener?.close() }
        listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let port = try #require(listener?.address.port)
        let clients = try (0..<3).map { _ in try LineClient(port: port) }
        try loop.settle()
        #expect(handler.connections.count == 1)
        #expect(clients.count { $0.receiveAvailable() == nil } == 2)
        listener = nil
    }

    /// ECONNABORTED and EINTR on accept: go on. So does any error that accept(2) passes on from the network.
    @Test(
        .enabled(if: kernel_faults_are_available()),
        arguments: [ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, EOPNOTSUPP])
    func connectionAbortedAndInterruptedOnAcceptGoOn(_ error: Int32) throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try LineClient(port: try #require(listener.address.port))
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_ACCEPT4, 0, 3, error)
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        #expect(kernel_strikes() == 3)
        try client.send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
    }

    /// Nothing that accept4 says keeps a turn from ending.
    @Test(.enabled(if: kernel_faults_are_available()), .timeLimit(.minutes(1)))
    func anErrorThatAcceptNeverStopsGivingLeavesTheOthersAlone() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try LineClient(port: try #require(listener.address.port))
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        let second = try LineClient(port: try #require(listener.address.port))
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_ACCEPT4, 0, .max, EPERM)
        try client.send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
        second.close()
    }
}
