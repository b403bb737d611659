import ChatReactor
import TestSupport
import Testing

/// What `Connection.send`, `pendingOutput` and `connectionDidDrain` promise.
struct SendTests {
    /// So much that the kernel cannot take it at once from a peer that does not read.
    private static let much = 3_000_000
    private static let roomy = Connection.Options.with { $0.maximumPendingOutput = 100_000_000 }

    @Test("What is sent leaves at the end of the turn, and not before")
    func endOfTurn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        var textWithin: String?
        loop.schedule(at: .now) {
            member.connection.send("hello\n")
            textWithin = member.peer.text
        }
        while textWithin == nil { try loop.runOnce(waitingAtMost: patience) }
        #expect(textWithin == "")
        #expect(member.peer.text == "hello\n")
    }

    @Test("A reply leaves in the turn in which its question came")
    func replyInTheSameTurn() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.handler.onMessage = { connection, text in connection.send("re: \(text)\n") }
        try member.peer.send("hello\n")
        while member.handler.texts.isEmpty { try loop.runOnce(waitingAtMost: patience) }
        #expect(member.peer.text == "re: hello\n")
    }

    @Test("Bytes are sent after those that were passed before, be they bytes or texts")
    func order() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        #expect(member.connection.send("grüße"))
        #expect(member.connection.send([0, 255]))
        #expect(member.connection.send(""))
        #expect(member.connection.send("\n"))
        try loop.run(until: "all of it") { member.peer.bytes.count >= 10 }
        #expect(member.peer.bytes == Array("grüße".utf8) + [0, 255, 10])
    }

    @Test("How many bytes wait is known: those that the kernel has not taken")
    func pendingOutput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.roomy)
        #expect(member.connection.pendingOutput == 0)
        member.connection.send("hello")
        #expect(member.connection.pendingOutput == 5)
        try loop.run(until: "the text") { member.peer.text == "hello" }
        #expect(member.connection.pendingOutput == 0)
        #expect(member.connection.send([UInt8](repeating: 65, count: Self.much)))
        try loop.run(for: .milliseconds(20))
        let waiting = member.connection.pendingOutput
        #expect(waiting > 0)
        #expect(5 + Self.much == member.peer.bytes.count + waiting)
    }

    @Test("A connection that is finishing or closed takes nothing, and says so")
    func refused() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let members = try (0..<2).map { _ in try TestConnection(on: loop) }
        #expect(members[0].connection.send("a"))
        members[0].connection.finish()
        #expect(!members[0].connection.send("b"))
        members[1].connection.close()
        try loop.run(until: "the end") { !members[1].handler.closeReasons.isEmpty }
        #expect(!members[1].connection.send("b"))
        try loop.run(until: "the finish") { members[0].peer.hasEnded }
        #expect(members[0].peer.text == "a")
        #expect(members[1].peer.text == "")
    }

    @Test("A connection for which too much waits takes no more, and is closed for it")
    func overflow() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .with { $0.maximumPendingOutput = 10_000 })
        let piece = [UInt8](repeating: 65, count: 1_000)
        for _ in 0..<10 { #expect(member.connection.send(piece)) }
        #expect(!member.connection.send(piece))
        try loop.run(until: "the end") { !member.handler.closeReasons.isEmpty }
        #expect(member.handler.closeReasons == [.outputOverflow])
        #expect(!member.connection.send("a"))
    }

    @Test("A text that is longer than what may wait is too much by itself")
    func overflowAtOnce() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let members = try (0..<2).map { _ in try TestConnection(on: loop) }
        #expect(members[0].connection.send([UInt8](repeating: 65, count: 1_048_576)))
        #expect(!members[1].connection.send([UInt8](repeating: 65, count: 1_048_577)))
        try loop.run(until: "one end, and all of the other") {
            members[0].peer.bytes.count == 1_048_576 && !members[1].handler.closeReasons.isEmpty
        }
        #expect(members[1].handler.closeReasons == [.outputOverflow])
        #expect(members[1].peer.bytes == [])
    }

    @Test("What waits is counted anew once the kernel has taken it")
    func noOverflowOverTime() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: .with { $0.maximumPendingOutput = 10_000 })
        let piece = [UInt8](repeating: 65, count: 10_000)
        for round in 1...5 {
            #expect(member.connection.send(piece))
            try loop.run(until: "the piece") { member.peer.bytes.count == round * 10_000 }
        }
        #expect(member.connection.isOpen)
    }

    @Test("What a turn has sent arrives in order")
    func whatATurnHasSentArrivesInOrder() throws {
        let wire = try TestConnection(.tcp)
        for number in 0..<1_000 { #expect(wire.connection.send("line \(number)\n")) }
        let expected = (0..<1_000).map { "line \($0)\n" }.joined()
        #expect(String(decoding: try wire.receive(expected.utf8.count), as: UTF8.self) == expected)
    }

    @Test("To send nothing is to do nothing")
    func anEmptySendIsNothing() throws {
        let wire = try TestConnection()
        #expect(wire.connection.send(""))
        try wire.loop.settle()
        #expect(wire.handler.events == [.opened])
    }

    @Test("Tiny buffers lose nothing", arguments: TestConnection.Kind.allCases)
    func tinyBuffersLoseNothing(_ kind: TestConnection.Kind) throws {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try TestConnection(kind, options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        let output = pattern(500_000)
        var rest = output[...]
        var received: [UInt8] = []
        try wire.loop.run(until: "all received") {
            let piece = rest.prefix(.random(in: 0...20_000, using: &random))
            rest = rest.dropFirst(piece.count)
            #expect(wire.connection.send(Array(piece)))
            if Bool.random(using: &random) { received += wire.peer.receiveAvailable() ?? [] }
            return received.count >= output.count
        }
        #expect(received == output, "seed \(seed)")
    }

    @Test("The handler is told once that the kernel has taken all")
    func theHandlerHearsOnceThatAllHasLeft() throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try TestConnection(options: options, sendBuffer: 4_096)
        wire.connection.send("one")
        wire.connection.send("two")
        #expect(wire.handler.count(of: .drained) == 0, "nothing is called from within send")
        try wire.loop.settle()
        #expect(wire.handler.count(of: .drained) == 1)

        wire.connection.send(pattern(500_000))
        try wire.loop.settle()
        #expect(wire.connection.pendingOutput > 0)
        #expect(wire.handler.count(of: .drained) == 1, "the kernel has not taken all")
        _ = try wire.receive(500_006)
        try wire.loop.settle()
        #expect(wire.handler.count(of: .drained) == 2)
    }

    @Test("A handler may send while it is told of a drain, and so feed a slow peer bit by bit")
    func whatIsSentOnDrainingFollows() throws {
        let wire = try TestConnection()
        var rounds = 0
        wire.handler.onDrain = { connection in
            rounds += 1
            if rounds < 1_000 { connection.send("x") } else { connection.finish() }
        }
        wire.connection.send("x")
        #expect(try wire.drain().count == 1_000)
        #expect(rounds == 1_000)
    }

    @Test("A peer that is gone is a reason to close, and no signal")
    func aPeerThatIsGoneIsAReasonNotASignal() throws {
        // MSG_NOSIGNAL: without it, SIGPIPE would end this process.
        for kind in TestConnection.Kind.allCases {
            let wire = try TestConnection(kind)
            wire.connection.pauseReading()
            wire.peer.close()
            var reason: CloseReason?
            try wire.loop.run(until: "noticed") {
                wire.connection.send("hello\n")
                reason = wire.handler.closeReasons.first
                return reason != nil
            }
            #expect(reason == .failed(.brokenPipe) || reason == .failed(.connectionReset))
        }
    }
}
