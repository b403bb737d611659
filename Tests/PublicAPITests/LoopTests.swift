import ChatReactor
import TestSupport
import Testing

/// What `EventLoop` promises of its turns, of running, stopping and closing, and of its budgets.
struct LoopTests {
    @Test("A turn is dispatch, timers, tasks, flush, and then the closing of what was closed")
    func orderOfATurn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (one, two) = (try TestConnection(on: loop), try TestConnection(on: loop))
        var steps: [String] = []
        one.handler.onMessage = { connection, _ in
            steps.append("message")
            connection.send("reply")
        }
        two.handler.onClose = { _ in steps.append("closed, when the other's peer has '\(one.peer.text)'") }
        loop.schedule(at: .now) { steps.append("timer") }
        let task = Confined {
            steps.append("task, when the peer has '\(one.peer.text)'")
            two.connection.close()
        }
        loop.remote.execute { _ in task.value() }
        try one.peer.send("hello\n")
        try loop.runOnce(waitingAtMost: patience)
        #expect(steps == ["message", "timer", "task, when the peer has ''", "closed, when the other's peer has 'reply'"])
    }

    @Test("Each call makes one turn, and turns are counted")
    func turnCount() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(loop.turnCount == 0)
        for count in 1...5 {
            loop.schedule(at: .now) {}
            try loop.runOnce(waitingAtMost: patience)
            #expect(loop.turnCount == UInt64(count))
        }
    }

    @Test("A loop with nothing to do makes no turns, however many connections, listeners and watchers it has")
    func idle() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let members = try (0..<20).map { _ in try TestConnection(on: loop) }
        try loop.listen(on: .loopback(port: 0), handler: RecordingHandler())
        members[0].connection.pauseReading()
        try members[0].peer.send("not read\n")
        members[1].connection.pauseReading()
        members[1].peer.close()
        try loop.run(for: .milliseconds(20))
        let before = loop.turnCount
        loop.schedule(after: .milliseconds(200)) { loop.stop() }
        try loop.run()
        // That of the timer, and one for a clock that is a little ahead of it.
        #expect(loop.turnCount - before <= 2)
    }

    @Test("A turn that has nothing to do waits no longer than it may", arguments: [Duration.zero, .milliseconds(5)])
    func patienceOfATurn(time: Duration) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let start = ContinuousClock.now
        try loop.runOnce(waitingAtMost: time)
        // It did return. How long it may have waited at least is known, too, but for the clock's grain.
        #expect(start.duration(to: .now) >= time - .milliseconds(1))
    }

    @Test("A stop ends the run after the turn that is under way: what the turn has to send is sent")
    func stopAfterTheTurn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        var hasStopped = false
        loop.schedule(at: .now) {
            loop.stop()
            hasStopped = true
            member.connection.send("bye\n")
        }
        try loop.run()
        #expect(hasStopped)
        #expect(member.peer.text == "bye\n")
    }

    @Test("A stop that came before is remembered: then the next run returns at once, and the one after that runs")
    func earlyStop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        loop.stop()
        try loop.run()
        var hasRun = false
        loop.schedule(after: .milliseconds(10)) {
            hasRun = true
            loop.stop()
        }
        try loop.run()
        #expect(hasRun)
    }

    @Test("A loop can be run again after it was stopped, with all that is on it")
    func runAgain() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.handler.onMessage = { connection, _ in connection.loop.stop() }
        for number in 1...3 {
            try member.peer.send("\(number)\n")
            try loop.run()
            #expect(member.handler.texts.count == number)
        }
    }

    @Test("Closing a loop closes every connection and listener and cancels every watcher and timer, without flushing")
    func close() throws {
        let loop = try EventLoop()
        let members = try (0..<3).map { _ in try TestConnection(on: loop) }
        let address = try loop.listen(on: .loopback(port: 0), handler: RecordingHandler()).address
        let (input, output) = try makePipe()
        let writer = Peer(takingOver: output)
        let owner = OwnedDescriptor(takingOver: input)
        let watcher = try loop.watch(owner.rawValue, for: .readable) { _, _ in }
        let timer = loop.schedule(after: .seconds(100)) {}
        members[0].connection.send("never sent")
        members[1].connection.finish()
        loop.close()
        loop.close()
        for member in members { try member.peer.waitForEnd() }
        #expect(members.allSatisfy { $0.peer.bytes.isEmpty })
        #expect(members.allSatisfy { !$0.connection.isOpen })
        #expect(members[0].handler.events == [.opened, .closed(.shutdown)])
        #expect(members[2].handler.events == [.opened, .closed(.shutdown)])
        #expect(throws: Errno.self) { _ = try Peer(to: address) }
        #expect(watcher.isCancelled)
        #expect(timer.deadline == nil)
        try writer.send("the descriptor is still its owner's")
    }

    /// Keeps its connection for as long as it is open.
    private final class Forgetful: ConnectionHandler {
        var connection: Connection?
        func connectionDidOpen(_ connection: Connection) { self.connection = connection }
        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
        func connectionDidClose(_ connection: Connection, reason: CloseReason) { self.connection = nil }
    }

    @Test("A loop that is closed keeps nothing alive, nor itself")
    func nothingIsKept() throws {
        var loop: EventLoop? = try EventLoop()
        weak let weakLoop = loop
        weak var weakConnection: Connection?
        weak var weakHandler: Forgetful?
        do {
            let open = try #require(loop)
            let (near, far) = try socketPair()
            let (handler, peer) = (Forgetful(), far)
            let connection = try open.adopt(socket: OwnedDescriptor(takingOver: near), handler: handler)
            (weakConnection, weakHandler) = (connection, handler)
            try open.listen(on: .loopback(port: 0), handler: handler)
            open.schedule(after: .seconds(100)) { _ = connection }
            try open.watch(peer.descriptor, for: .readable) { _, _ in _ = connection }
            connection.send("hello")
            open.close()
        }
        loop = nil
        #expect(weakLoop == nil)
        #expect(weakConnection == nil)
        #expect(weakHandler == nil)
    }

    @Test("A turn does not read more than its budget from one socket after another: those that are left come first in the next")
    func readBudget() throws {
        let loop = try EventLoop(
            configuration: .with {
                $0.readSize = 16
                $0.readBudget = 16
            })
        defer { loop.close() }
        let members = try (0..<5).map { _ in try TestConnection(on: loop, options: .framed(.chunks)) }
        for member in members { try member.peer.send([UInt8](repeating: 65, count: 48)) }
        var order: [Int] = []
        for (index, member) in members.enumerated() { member.handler.onMessage = { _, _ in order.append(index) } }
        for _ in 0..<5 {
            let before = order.count
            try loop.runOnce(waitingAtMost: patience)
            #expect(order.count - before == 1)
        }
        #expect(Set(order) == [0, 1, 2, 3, 4])
    }

    @Test("A listener accepts as many connections in one turn as it may, and the others in the next")
    func acceptBudget() throws {
        let loop = try EventLoop(configuration: .with { $0.acceptBudget = 2 })
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let peers = try (0..<7).map { _ in try Peer(to: listener.address) }
        var counts: [Int] = []
        while handler.connections.count < peers.count, counts.count < 100 {
            let before = handler.connections.count
            try loop.runOnce(waitingAtMost: patience)
            counts.append(handler.connections.count - before)
        }
        #expect(handler.connections.count == 7)
        #expect(counts.allSatisfy { $0 <= 2 })
    }

    @Test("One wait reports as many events as it may, and nobody is forgotten", arguments: [1, 65_536])
    func eventsPerWait(count: Int) throws {
        let loop = try EventLoop(configuration: .with { $0.eventsPerWait = count })
        defer { loop.close() }
        let members = try (0..<10).map { _ in try TestConnection(on: loop) }
        for member in members { try member.peer.send("hello\n") }
        let before = loop.turnCount
        try loop.run(until: "all messages") { members.allSatisfy { $0.handler.texts == ["hello"] } }
        if count == 1 { #expect(loop.turnCount - before >= 10) }
    }

    @Test("The bounds of a read hold at both of their ends", arguments: [1, 16 * 1_024 * 1_024])
    func readSize(size: Int) throws {
        let loop = try EventLoop(configuration: .with { $0.readSize = size })
        defer { loop.close() }
        #expect(loop.configuration.readSize == size)
        let member = try TestConnection(on: loop, options: .framed(.lines, longest: 20))
        try member.peer.send("hello\r\n123456789012345678901\nyou\n")
        try loop.run(until: "the last message") { member.handler.texts.last == "you" }
        #expect(member.handler.events == [.opened, .received("hello"), .discarded, .received("you")])
    }

    @Test("What comes back of a loop's configuration is what went in, and what the documentation states without one")
    func configuration() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(loop.configuration.readSize == 65_536)
        #expect(loop.configuration.readBudget == 196_608)
        #expect(loop.configuration.acceptBudget == 16)
        #expect(loop.configuration.eventsPerWait == 512)
    }
}
