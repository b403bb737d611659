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

    @Test func acceptedSocketsInheritTheirOptions() throws {
        var options = Connection.Options()
        options.unsentLowWater = 54_321
        let wire = try TestConnection(.tcp, options: options)
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

    @Test(arguments: [(-5, 0), (Int.min, 0), (0, 0), (1, 1), (Int.max, Int32.max)] as [(Int, Int32)])
    func aBoundForUnsentBytesThatIsOutOfRangeIsBroughtIntoIt(_ bound: Int, _ expected: Int32) throws {
        defer { loop.close() }
        var options = Connection.Options()
        options.unsentLowWater = bound
        let accepted = try TestConnection(.tcp, on: loop, options: options)
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let connected = try loop.connect(to: listener.address, options: options, handler: handler)
        for connection in [accepted.connection, connected] {
            #expect(connection.rawDescriptor.option(Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT) == expected)
        }
    }

    /// ECONNABORTED and EINTR on accept: go on. So does any error that accept(2) passes on from the network.
    @Test(
        .enabled(if: kernel_faults_are_available()),
        arguments: [ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH, EOPNOTSUPP])
    func connectionAbortedAndInterruptedOnAcceptGoOn(_ error: Int32) throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try Peer(port: try #require(listener.address.port))
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_ACCEPT4, 0, 3, error)
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        #expect(kernel_strikes() == 3)
        try client.send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
    }

    /// Nothing that accept4 says keeps a turn from ending.
    @Test(.enabled(if: kernel_faults_are_available()), .beyondPatience)
    func anErrorThatAcceptNeverStopsGivingLeavesTheOthersAlone() throws {
        defer { loop.close() }
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try Peer(port: try #require(listener.address.port))
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        let second = try Peer(port: try #require(listener.address.port))
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_ACCEPT4, 0, .max, EPERM)
        try client.send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
        second.close()
    }
}
