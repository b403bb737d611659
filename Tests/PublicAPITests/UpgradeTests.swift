import ChatReactor
import TestSupport
import Testing

/// What `Connection.upgrade` says: framing and handler are replaced between two messages, and no byte is lost or read twice.
struct UpgradeTests {
    /// Lines up to an empty one, and then what the given handler and options make of the rest.
    private final class Head: ConnectionHandler {
        private(set) var lines: [String] = []
        private(set) var batchSizes: [Int] = []
        private(set) var isClosed = false
        var upgrade: (Connection) -> Void = { _ in }

        static var options: Connection.Options {
            .with {
                $0.framing = .lines
                $0.batchesMessages = false
            }
        }

        func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
            batchSizes.append(messages.count)
            let line = messages.text(at: 0)
            lines.append(line)
            if line.isEmpty { upgrade(connection) }
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) { isClosed = true }
    }

    /// A connection with a head, of which nothing has come yet.
    private final class Upgrading {
        let loop: EventLoop
        let head = Head()
        let connection: Connection
        let peer: Peer

        init(configuration: EventLoop.Configuration = .init(), options: Connection.Options = Head.options) throws {
            loop = try EventLoop(configuration: configuration)
            let (near, far) = try socketPair()
            peer = far
            connection = try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: options, handler: head)
        }

        deinit { loop.close() }

        /// Sends each piece in a read of its own.
        func send(_ pieces: some Sequence<[UInt8]>) throws {
            for piece in pieces {
                try peer.send(piece)
                try loop.run(until: "read") { peer.isRead || !connection.isOpen }
            }
        }
    }

    private static let frames = Connection.Options.framed(.lengthPrefixed(.twoBytes), longest: 100_000)

    private static func frame(_ text: String) -> [UInt8] {
        LengthPrefixedFraming(.twoBytes).frame(Array(text.utf8)) ?? []
    }

    private static let head = Array("GET /chat HTTP/1.1\r\nHost: example.org\r\n\r\n".utf8)

    @Test("What was read after the message goes to the new framing and handler, also of the same read")
    func inOneRead() throws {
        let test = try Upgrading()
        let framed = RecordingHandler()
        test.head.upgrade = { $0.upgrade(to: Self.frames, handler: framed) }
        // A frame that holds newlines and carriage returns is not touched by the framing before.
        let frames = ["one\r\n\r\n", "", "\n\r\0", "two"]
        try test.send([Self.head + frames.flatMap(Self.frame)])
        #expect(test.head.lines == ["GET /chat HTTP/1.1", "Host: example.org", ""])
        #expect(framed.texts == frames)
        #expect(framed.batchSizes == [4])
        try test.send([Self.frame("three")])
        test.peer.close()
        try test.loop.run(until: "closed") { !framed.closeReasons.isEmpty }
        #expect(framed.events == (frames + ["three"]).map { .received($0) } + [.closed(.endOfInput)])
        #expect(!test.head.isClosed)
    }

    @Test("In whatever pieces it comes", arguments: [1, 2, 3, 5, 16, 64])
    func inManyReads(readSize: Int) throws {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<30 {
            let test = try Upgrading(configuration: .with { $0.readSize = readSize })
            let framed = RecordingHandler()
            test.head.upgrade = { $0.upgrade(to: Self.frames, handler: framed) }
            let frames = (0..<3).map { _ in String(repeating: "\n", count: .random(in: 0...40, using: &random)) }
            var rest = (Self.head + frames.flatMap(Self.frame))[...]
            while !rest.isEmpty {
                let piece = rest.prefix(.random(in: 1...30, using: &random))
                rest = rest.dropFirst(piece.count)
                try test.peer.send(Array(piece))
                if Bool.random(using: &random) { try test.loop.runOnce(waitingAtMost: .zero) }
            }
            test.peer.shutDownSending()
            try test.loop.run(until: "closed") { !framed.closeReasons.isEmpty }
            #expect(test.head.lines == ["GET /chat HTTP/1.1", "Host: example.org", ""], "seed \(seed)")
            #expect(framed.texts == frames, "seed \(seed)")
        }
    }

    @Test("Without batches each message comes alone, whatever the framing")
    func oneMessageAtATime() throws {
        for (framing, bytes) in [
            (.lines as any Framing, Array("a\nb\r\n\nc\n".utf8)), (.automatic(), Array("a\nb\r\n\nc\n".utf8)),
            (.nulTerminated, Array("a\0b\0\0c\0".utf8)), (.lengthPrefixed(.twoBytes), ["a", "b", "", "c"].flatMap(Self.frame)),
        ] {
            var options = Connection.Options.framed(framing)
            options.batchesMessages = false
            let test = try TestConnection(options: options)
            try test.peer.send(bytes)
            try test.loop.run(until: "received") { test.handler.texts.count == 4 }
            #expect(test.handler.texts == ["a", "b", "", "c"])
            #expect(test.handler.batchSizes == [1, 1, 1, 1])
        }
    }

    @Test("In a batch, an upgrade counts from the end of the batch on")
    func afterABatch() throws {
        let test = try Upgrading(options: .framed(.lines))
        let framed = RecordingHandler()
        test.head.upgrade = { $0.upgrade(to: Self.frames, handler: framed) }
        try test.send([Array("\n\n".utf8)])
        #expect(test.head.batchSizes == [2])
        try test.send([Self.frame("one")])
        #expect(framed.texts == ["one"])
    }

    @Test("A connection may be upgraded twice within a read, and again later")
    func twice() throws {
        let test = try Upgrading()
        let (second, third) = (Head(), RecordingHandler())
        test.head.upgrade = { [second] connection in
            var options = connection.options
            options.framing = .nulTerminated
            connection.upgrade(to: options, handler: second)
        }
        second.upgrade = { $0.upgrade(to: Self.frames, handler: third) }
        try test.send([Array("a\n\nb\nb\0\0".utf8) + Self.frame("c\0\n")])
        #expect(test.head.lines == ["a", ""])
        #expect(second.lines == ["b\nb", ""])
        #expect(third.texts == ["c\0\n"])
        let fourth = Head()
        test.connection.upgrade(to: Head.options, handler: fourth)
        try test.send([Array("d\n".utf8)])
        #expect(fourth.lines == ["d"])
    }

    @Test("Of two upgrades within one call, the last counts")
    func theLastCounts() throws {
        let test = try Upgrading()
        let (never, framed) = (RecordingHandler(), RecordingHandler())
        test.head.upgrade = { connection in
            connection.upgrade(to: .framed(.chunks), handler: never)
            connection.upgrade(to: Self.frames, handler: framed)
        }
        try test.send([Array("\n".utf8) + Self.frame("one")])
        #expect(never.events.isEmpty)
        #expect(framed.texts == ["one"])
    }

    @Test("A handler may upgrade to itself after each message")
    func toItself() throws {
        let test = try Upgrading()
        test.head.upgrade = { [unowned head = test.head] in $0.upgrade(to: $0.options, handler: head) }
        let count = 50_000
        try test.peer.send([UInt8](repeating: UInt8(ascii: "\n"), count: count))
        try test.loop.run(until: "all lines") { test.head.lines.count == count }
    }

    @Test("Between reads, what has come of an unfinished message goes to the new framing, even if nothing more comes")
    func withAnUnfinishedMessage() throws {
        let test = try Upgrading(configuration: .with { $0.readSize = 64 })
        let frames = ["one", String(repeating: "two", count: 60), "three"]
        try test.send(([Array("a\n".utf8)] + [frames.flatMap(Self.frame)]))
        #expect(test.head.lines == ["a"])
        let framed = RecordingHandler()
        test.connection.upgrade(to: Self.frames, handler: framed)
        // Nobody is called from within the call.
        #expect(framed.events.isEmpty)
        try test.loop.run(until: "delivered") { framed.texts.count == 3 }
        #expect(framed.texts == frames)
        #expect(test.head.lines == ["a"])
    }

    @Test("While what is left is delivered, the connection may be upgraded again, and closed")
    func whileTheRestIsDelivered() throws {
        let test = try Upgrading(configuration: .with { $0.readSize = 16 })
        let (second, third) = (RecordingHandler(), RecordingHandler())
        try test.send([Self.frame("one") + Self.frame("two") + Array("three\0four\0five\0".utf8)])
        second.onMessage = { connection, text in
            var options = connection.options
            options.framing = .nulTerminated
            if text == "two" { connection.upgrade(to: options, handler: third) }
        }
        third.onMessage = { connection, text in if text == "four" { connection.close() } }
        test.connection.upgrade(
            to: .with {
                $0 = Self.frames
                $0.batchesMessages = false
            }, handler: second)
        try test.loop.run(until: "closed") { !third.closeReasons.isEmpty }
        #expect(second.texts == ["one", "two"])
        #expect(third.texts == ["three", "four"])
    }

    @Test("The new options count: lengths, and whether the connection can be sent to after the end of input")
    func optionsCount() throws {
        let test = try Upgrading()
        let framed = RecordingHandler()
        test.head.upgrade = { connection in
            var options = connection.options
            options.framing = .lengthPrefixed(.twoBytes)
            options.maximumMessageLength = 3
            options.allowsHalfClose = true
            connection.upgrade(to: options, handler: framed)
        }
        try test.send([Array("\n".utf8) + Self.frame("abc") + Self.frame("abcd") + Self.frame("abc")])
        #expect(framed.events == [.received("abc"), .discarded, .received("abc")])
        #expect(test.connection.options.maximumMessageLength == 3)
        test.peer.shutDownSending()
        try test.loop.settle()
        // The recording handler finishes it then.
        #expect(framed.closeReasons == [.endOfInput])
    }

    @Test("A longer message than before has room, also if its beginning was read before")
    func longerMessages() throws {
        var options = Head.options
        options.maximumMessageLength = 10
        let test = try Upgrading(configuration: .with { $0.readSize = 100 }, options: options)
        let framed = RecordingHandler()
        test.head.upgrade = { $0.upgrade(to: Self.frames, handler: framed) }
        let long = String(decoding: pattern(50_000).map { $0 & 0x7F }, as: UTF8.self)
        try test.peer.send(Array("\n".utf8) + Self.frame(long) + Self.frame("x"))
        try test.loop.run(until: "received") { framed.texts.count == 2 }
        #expect(framed.texts == [long, "x"])
    }

    @Test("After the end of input, a connection that is still open goes on with the new handler")
    func halfClosed() throws {
        final class Answering: ConnectionHandler {
            var hasEnded = false
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
            func connectionDidReadToEnd(_ connection: Connection) { hasEnded = true }
        }
        let test = try Upgrading(options: .with { $0.allowsHalfClose = true })
        let answering = Answering()
        // The last line is unfinished: its end is the end of input.
        test.head.upgrade = { _ in Issue.record("no empty line has come") }
        try test.peer.send("bye")
        test.peer.shutDownSending()
        test.connection.upgrade(to: .with { $0.allowsHalfClose = true }, handler: answering)
        try test.loop.run(until: "ended") { answering.hasEnded }
        let framed = RecordingHandler()
        test.connection.upgrade(to: Self.frames, handler: framed)
        test.connection.send("answer\n")
        try test.loop.run(until: "drained") { framed.events.contains(.drained) }
        #expect(test.peer.text == "answer\n")
        test.connection.finish()
        try test.loop.run(until: "closed") { !framed.closeReasons.isEmpty }
    }

    @Test("What is kept when the input ends goes to the new framing first")
    func endOfInputWithAnUnfinishedMessage() throws {
        let test = try Upgrading()
        try test.send([Self.frame("one") + Array("rest".utf8)])
        let (framed, lines) = (RecordingHandler(), RecordingHandler())
        framed.onMessage = { connection, _ in connection.upgrade(to: .framed(.lines), handler: lines) }
        test.peer.shutDownSending()
        test.connection.upgrade(to: Self.frames, handler: framed)
        try test.loop.run(until: "closed") { !lines.closeReasons.isEmpty }
        #expect(framed.texts == ["one"])
        #expect(lines.events == [.received("rest"), .closed(.endOfInput)])
    }

    @Test("A closed or finishing connection stays as it is")
    func closed() throws {
        for end in [{ $0.close() }, { $0.finish() }] as [(Connection) -> Void] {
            let test = try TestConnection()
            let framed = RecordingHandler()
            end(test.connection)
            test.connection.upgrade(to: Self.frames, handler: framed)
            #expect(test.connection.options.framing is LineFraming)
            test.peer.close()
            #expect(try test.closeReason() == .requested)
            #expect(framed.events.isEmpty)
        }
    }

    @Test("In the midst of a message that is thrown away, there is no place between two messages: the connection finishes")
    func whileDiscarding() throws {
        for isWithinTheCall in [true, false] {
            let test = try TestConnection(options: .framed(.lines, longest: 3))
            let framed = RecordingHandler()
            if isWithinTheCall { test.handler.onDiscard = { $0.upgrade(to: Self.frames, handler: framed) } }
            try test.peer.send("abcdef")
            try test.loop.run(until: "discarded") { test.handler.events.contains(.discarded) }
            if !isWithinTheCall { test.connection.upgrade(to: Self.frames, handler: framed) }
            test.peer.close()
            let handler = isWithinTheCall ? framed : test.handler
            try test.loop.run(until: "closed") { !handler.closeReasons.isEmpty }
            #expect(handler.closeReasons == [.messageTooLong])
        }
    }

    @Test("After a whole message that is thrown away, the rest goes to the new framing")
    func afterADiscardedMessage() throws {
        let test = try TestConnection(options: .framed(.lines, longest: 3))
        let framed = RecordingHandler()
        test.handler.onDiscard = { $0.upgrade(to: Self.frames, handler: framed) }
        try test.peer.send(Array("abc\nabcdef\n".utf8) + Self.frame("x\n") + Self.frame("y"))
        try test.loop.run(until: "received") { framed.texts.count == 2 }
        #expect(test.handler.texts == ["abc"])
        #expect(framed.texts == ["x\n", "y"])
    }

    @Test("After a line that a pause has ended, the new framing knows nothing of a command of telnet that has begun")
    func afterAPauseWithinACommand() throws {
        let test = try TestConnection(options: .with { $0.framing = .automatic(idle: .milliseconds(1)) })
        let framed = RecordingHandler()
        test.handler.onMessage = { connection, _ in connection.upgrade(to: Self.frames, handler: framed) }
        // A subnegotiation without its end: more bytes of it than the message has.
        try test.peer.send(Array("hello".utf8) + [255, 250, 31] + [UInt8](repeating: 1, count: 20))
        try test.loop.run(until: "the line") { test.handler.texts == ["hello"] }
        try test.peer.send(Self.frame("x"))
        try test.loop.run(until: "the message", within: .seconds(2)) { framed.texts == ["x"] }
    }

    @Test("The former handler and its framing may be released by it, and may call back then")
    func formerHandlerIsReleased() throws {
        final class Leaving: ConnectionHandler {
            weak var connection: Connection?
            let next: RecordingHandler
            init(next: RecordingHandler) { self.next = next }
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
                self.connection = connection
                connection.upgrade(to: UpgradeTests.frames, handler: next)
            }
            deinit {
                guard let connection else { return }
                connection.send("bye\n")
                connection.upgrade(to: connection.options, handler: next)
                connection.pauseReading()
                connection.resumeReading()
            }
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let (near, peer) = try socketPair()
        let next = RecordingHandler()
        weak var former: Leaving?
        do {
            let leaving = Leaving(next: next)
            former = leaving
            try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: Head.options, handler: leaving)
        }
        #expect(former != nil)
        try peer.send(Array("hello\n".utf8) + Self.frame("one"))
        try loop.run(until: "received") { !next.texts.isEmpty }
        #expect(former == nil)
        #expect(next.texts == ["one"])
        try loop.run(until: "sent") { peer.text == "bye\n" }
    }
}
