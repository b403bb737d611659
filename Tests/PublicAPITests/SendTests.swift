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

    @Test("What the kernel does not take waits until it does, and comes whole and in order")
    func slowPeer() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.roomy)
        let sent = (0..<Self.much).map { UInt8(truncatingIfNeeded: $0 &* 7 / 256 ^ $0) }
        #expect(member.connection.send(sent))
        try loop.run(until: "all of it") {
            member.peer.read(atMost: 50_000)
            return member.connection.pendingOutput == 0
        }
        #expect(member.peer.bytes == sent)
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

    @Test("The handler is told when all that waited has been taken by the kernel")
    func drained() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop, options: Self.roomy)
        var pending: [Int] = []
        member.handler.onDrain = { pending.append($0.pendingOutput) }
        #expect(member.connection.send([UInt8](repeating: 65, count: Self.much)))
        try loop.run(for: .milliseconds(20))
        #expect(pending == [])
        try loop.run(until: "the drain") {
            member.peer.read()
            return !pending.isEmpty
        }
        #expect(pending == [0])
        #expect(member.peer.bytes.count == Self.much)
    }

    @Test("A drain is told to whoever sends a little, too")
    func drainedAtOnce() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        member.connection.send("hello")
        try loop.run(until: "the drain") { member.handler.events.contains(.drained) }
        #expect(member.peer.text == "hello")
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

    @Test("A handler may send while it is told of a drain, and so feed a slow peer bit by bit")
    func sendingFromDrain() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let member = try TestConnection(on: loop)
        var left = 20
        member.handler.onDrain = { connection in
            left -= 1
            if left > 0 { connection.send([UInt8](repeating: 65, count: 100_000)) }
        }
        #expect(member.connection.send([UInt8](repeating: 65, count: 100_000)))
        try loop.run(until: "all of it") { member.peer.bytes.count == 2_000_000 && left == 0 }
        #expect(member.handler.closeReasons == [])
    }
}
