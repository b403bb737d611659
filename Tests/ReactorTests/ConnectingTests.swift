import Glibc
import TestSupport
import Testing

@testable import Reactor

/// However connecting ends, no timer stays; and what a connected socket is set to.
struct ConnectingTests {
    private let loop: EventLoop
    private let server = RecordingHandler()
    private let handler = RecordingHandler()

    init() throws {
        loop = try EventLoop()
    }

    @Test func nobodyThere() throws {
        defer { loop.close() }
        let deaf = try DeafAddress()
        try loop.connect(to: deaf.address, deadline: .now.advanced(by: .seconds(3_600)), handler: handler)
        try loop.run(until: "refused") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.failed(.connectionRefused))])
        #expect(loop.timers.count == 0)
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
        let deaf = try DeafAddress(listens: true)
        let connection = try loop.connect(to: deaf.address, deadline: .now.advanced(by: .seconds(3_600)), handler: handler)
        connection.close()
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.events == [.closed(.requested)])
        #expect(loop.timers.count == 0)
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
