import Glibc
import KernelFaults
import TestSupport
import Testing

@testable import Reactor

/// EMFILE on accept: one client is sent the rejection message, the others wait, and the loop neither spins nor dies.
@Suite(.enabled(if: kernel_faults_are_available()))
struct OutOfDescriptorsTests {
    private let loop: EventLoop
    private let handler = RecordingHandler()
    private let listener: Listener
    private let port: UInt16

    init() throws {
        loop = try EventLoop()
        listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        listener.rejectionMessage = "full, try again\n"
        port = try #require(listener.address.port)
        kernel_begin()
    }

    private func finish() {
        kernel_rest()
        loop.close()
    }

    @Test(arguments: [EMFILE, ENFILE])
    func oneCallerIsTurnedAwayWithAReasonAndTheOthersWait(_ error: Int32) throws {
        defer { finish() }
        var errors: [Errno] = []
        listener.onAcceptFailure = { errors.append($0) }
        let clients = try (0..<3).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_ACCEPT4, 0, 1, error)
        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(errors == [Errno(rawValue: error)])
        #expect(handler.connections.isEmpty)
        #expect(loop.timers.count == 1, "in 100 ms it tries again")
        try loop.run(until: "accepted") { handler.connections.count == 2 }
        kernel_rest()
        #expect(try clients[0].receiveAll() == Array("full, try again\n".utf8))
        for client in clients.dropFirst() { #expect(client.receiveAvailable() == []) }
        #expect(loop.timers.count == 0)
    }

    /// Here the limit is a real one: only by letting go of its spare descriptor can the listener accept the caller that it refuses.
    @Test func theSpareDescriptorTurnsCallersAwayOneByOne() throws {
        defer { finish() }
        let clients = try (0..<3).map { _ in try Peer(port: port) }
        kernel_limit_descriptors(kernel_open_descriptors())
        for refused in 1...3 {
            try loop.run(until: "one more is refused") {
                kernel_rest()
                defer { kernel_resume() }
                return clients.prefix(refused).allSatisfy { $0.receiveAvailable() != [] }
            }
        }
        #expect(handler.events.isEmpty)
        #expect(loop.timers.count == 1)
    }

    /// The limit is a real one here, too.
    @Test func oneCallerIsServedFromTheReserveAndTheNextWhenThatIsMadeAgain() throws {
        defer { finish() }
        listener.servesFromReserve = true
        var refusals = 0
        listener.onAcceptFailure = { _ in refusals += 1 }
        let clients = try (0..<2).map { _ in try Peer(port: port) }
        kernel_limit_descriptors(kernel_open_descriptors())
        try loop.run(until: "one is served") { handler.connections.count == 1 }
        // It has tried once more, and could not.
        try loop.run(until: "two refusals") { refusals == 2 }
        #expect(handler.count(of: .opened) == 1)
        handler.connections.first?.close()
        try loop.run(until: "the next one is served") { handler.count(of: .opened) == 2 }
        kernel_rest()
        #expect(clients.map { $0.receiveAvailable() } == [nil, []])
    }

    @Test func whoIsServedFromTheReserveMayCloseTheListener() throws {
        defer { finish() }
        var listeners: [Listener] = []
        listeners.append(
            try loop.listen(on: .loopback(port: 0)) { socket, _ throws(Errno) in
                for listener in listeners { listener.close() }
                throw .canceled
            })
        listeners[0].servesFromReserve = true
        let client = try Peer(port: try #require(listeners[0].address.port))
        kernel_limit_descriptors(kernel_open_descriptors())
        try loop.run(until: "closed") { client.receiveAvailable() == nil }
        #expect(loop.timers.count == 0)
    }

    @Test func aLoopThatIsClosedMeanwhileIsNotKeptAlive() throws {
        defer { finish() }
        weak var starving: EventLoop?
        try {
            let loop = try EventLoop()
            starving = loop
            let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
            let caller = try Peer(port: try #require(listener.address.port))
            kernel_fail(KERNEL_ACCEPT4, 0, 1, ENOMEM)
            try loop.runOnce(waitingAtMost: .seconds(5))
            withExtendedLifetime(caller) { #expect(kernel_strikes() == 1) }
            loop.close()
        }()
        #expect(starving == nil)
    }

    @Test func aConnectionThatClosesMakesRoomForOneMore() throws {
        defer { finish() }
        let first = try Peer(port: port)
        try loop.run(until: "accepted") { handler.connections.count == 1 }
        let late = try (0..<2).map { _ in try Peer(port: port) }
        kernel_limit_descriptors(kernel_open_descriptors())
        listener.onAcceptFailure = { [handler] _ in if handler.closeReasons.isEmpty { handler.connections.first?.close() } }
        try loop.run(until: "another is accepted") { handler.count(of: .opened) == 2 }
        kernel_rest()
        #expect(try first.receiveSome().isEmpty)
        #expect(late.map { $0.receiveAvailable() } == [Array("full, try again\n".utf8), []])
    }

    @Test func acceptingResumesNotBefore100Milliseconds() throws {
        defer { finish() }
        let clients = try (0..<2).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_ACCEPT4, 0, 1, EMFILE)
        let start = ContinuousClock.now
        try loop.run(until: "accepted") { !handler.connections.isEmpty }
        #expect(start.duration(to: .now) >= .milliseconds(100))
        withExtendedLifetime(clients) {}
    }

    @Test func acceptingResumesAtOnceWhenAConnectionCloses() throws {
        defer { finish() }
        let first = try Peer(port: port)
        try loop.run(until: "accepted") { handler.connections.count == 1 }
        let clients = try (0..<2).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_ACCEPT4, 0, 1, EMFILE)
        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(loop.timers.count == 1)
        handler.connections.first?.close()
        try loop.runOnce(waitingAtMost: .zero)
        // The timer is gone, so it can only have been the close.
        #expect(loop.timers.count == 0)
        try loop.run(until: "accepted", turns: 10) { handler.connections.count == 1 }
        withExtendedLifetime((first, clients)) {}
    }

    @Test func aLoopThatStaysOutOfDescriptorsDoesNotSpin() throws {
        defer { finish() }
        let clients = try (0..<5).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_ACCEPT4, 0, .max, EMFILE)
        let turns = try loop.turns(during: .milliseconds(350))
        #expect(kernel_strikes() >= 4, "it tries again all the while")
        #expect(turns <= 12)
        for client in clients { #expect(client.receiveAvailable() == []) }
        kernel_fail(KERNEL_ACCEPT4, 0, 0, 0)
        try loop.run(until: "all accepted") { handler.connections.count == 5 }
    }

    @Test func whoIsConnectedIsServedMeanwhile() throws {
        defer { finish() }
        let client = try Peer(port: port)
        try loop.run(until: "accepted") { handler.connections.count == 1 }
        let waiting = try Peer(port: port)
        kernel_fail(KERNEL_ACCEPT4, 0, .max, EMFILE)
        try loop.settle()
        try client.send("hello\n")
        try loop.run(until: "received") { handler.texts == ["hello"] }
        withExtendedLifetime(waiting) {}
    }

    @Test(arguments: [ENOMEM, ENOBUFS])
    func outOfMemoryNobodyIsTurnedAway(_ error: Int32) throws {
        defer { finish() }
        let client = try Peer(port: port)
        kernel_fail(KERNEL_ACCEPT4, 0, 1, error)
        try loop.run(until: "accepted") { handler.connections.count == 1 }
        #expect(client.receiveAvailable() == [])
    }

    /// The limit on watches (max_user_watches) is met by the caller's own epoll_ctl.
    @Test func aCallerThatCannotBeWatchedIsDroppedAndTheLoopGoesOn() throws {
        defer { finish() }
        var errors: [Errno] = []
        listener.onAcceptFailure = { errors.append($0) }
        let clients = try (0..<2).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_EPOLL_CTL, 0, 1, ENOSPC)
        try loop.run(until: "accepted") { handler.connections.count == 1 }
        #expect(errors == [.noSpace])
        #expect(clients[0].receiveAvailable() == nil)
        #expect(clients[1].receiveAvailable() == [])
        #expect(handler.events == [.opened])
    }

    @Test func aListenerThatCannotBeWatchedAgainTriesOnceMore() throws {
        defer { finish() }
        let clients = try (0..<2).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_ACCEPT4, 0, 1, EMFILE)
        kernel_fail(KERNEL_EPOLL_CTL, 0, 1, ENOMEM)
        try loop.run(until: "both calls have failed") { kernel_strikes() == 2 }
        #expect(handler.connections.isEmpty)
        #expect(loop.timers.count == 1, "in 100 ms it tries again")
        try loop.run(until: "accepted") { handler.connections.count == 1 }
        #expect(loop.timers.count == 0)
        #expect(clients[1].receiveAvailable() == [])
    }

    @Test func aListenerThatIsClosedWhileItWaitsStaysClosed() throws {
        defer { finish() }
        let clients = try (0..<2).map { _ in try Peer(port: port) }
        kernel_fail(KERNEL_ACCEPT4, 0, 1, EMFILE)
        try loop.runOnce(waitingAtMost: .seconds(5))
        listener.close()
        #expect(loop.timers.count == 0)
        try loop.settle()
        #expect(handler.connections.isEmpty)
        #expect(clients[1].receiveAvailable() == nil)
    }
}
