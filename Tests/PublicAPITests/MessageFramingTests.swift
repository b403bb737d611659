import ChatReactor
import TestSupport
import Testing

/// Connections whose messages are no lines: framed by what comes with the library, and by what an embedder has written.
struct MessageFramingTests {
    private static func options(_ framing: any Framing, limit: Int = 65_536) -> Connection.Options {
        var options = Connection.Options()
        options.framing = framing
        options.maximumMessageLength = limit
        return options
    }

    /// The loop's one buffer, its headroom and its budget must serve any mixture of framings, splits, limits and read sizes.
    @Test(arguments: MessageFramingOracle.allCases) func aConnectionFramesAsTheOracleDoes(_ oracle: MessageFramingOracle) throws {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let limit = Int.random(in: 1...40, using: &random)
            let stream = oracle.stream(limit: limit, using: &random)
            var configuration = EventLoop.Configuration()
            configuration.readSize = [1, 2, 3, 7, 64, 4_096].randomElement(using: &random)!
            configuration.readBudget = .random(in: 1...100, using: &random)
            let wire = try TestConnection(configuration: configuration, options: Self.options(oracle.framing, limit: limit))
            var rest = stream[...]
            // Once the connection has been closed over what came, there is nobody to write to.
            while !rest.isEmpty, wire.connection.isOpen, !wire.connection.isFinishing {
                let piece = rest.prefix(.random(in: 1...50, using: &random))
                rest = rest.dropFirst(piece.count)
                try wire.peer.send(Array(piece))
                if Bool.random(using: &random) { try wire.loop.runOnce(waitingAtMost: .zero) }
            }
            wire.peer.shutDownSending()
            let reason = try #require(try wire.closeReason())
            var messages = wire.handler.messages[...]
            let told = MessageFramingOracle.Expectation(
                events: wire.handler.events.compactMap {
                    switch $0 {
                    case .received: messages.popFirst().map { .message($0) }
                    case .discarded: .tooLong
                    default: nil
                    }
                }, reason: reason)
            #expect(told == oracle.expectation(of: stream, limit: limit), "seed \(seed), limit \(limit), stream \(stream)")
        }
    }

    /// A framing may have another one do its work. Those that a connection knows are the same there, less what only it can do for them.
    @Test func aFramingInsideAnother() throws {
        struct Outer: Framing {
            let inner: any Framing
            var maximumEnvelopeLength: Int { inner.maximumEnvelopeLength }

            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent { inner.messageExtent(in: bytes, seen: seen) }

            func content(of message: Span<UInt8>) -> Range<Int> { inner.content(of: message) }
        }
        for framing in [.lines, AutomaticFraming(idle: .zero)] as [any Framing] {
            let wire = try TestConnection(options: Self.options(Outer(inner: framing)))
            try wire.peer.send("one\r\ntwo\nthree")
            try wire.loop.run(until: "received") { wire.handler.messages.count == 2 }
            #expect(wire.handler.texts == ["one", "two"])
            try wire.peer.send("\n")
            try wire.loop.run(until: "received") { wire.handler.messages.count == 3 }
            #expect(wire.handler.texts.last == "three")
        }
        let wire = try TestConnection(options: Self.options(Outer(inner: .chunks)))
        for piece in ["one\ntwo", "\n"] {
            try wire.peer.send(piece)
            try wire.loop.run(until: "received") { wire.handler.texts.last == piece }
        }
        #expect(wire.handler.messages.count == 2)
    }

    /// The longest that the limit allows, in as many reads as it takes, and what follows it.
    @Test func aMessageOfManyReads() throws {
        let content = pattern(100_000)
        let framing = LengthPrefixedFraming(.fourBytes)
        let wire = try TestConnection(options: Self.options(framing, limit: content.count))
        let message = framing.frame(content.span)!
        for message in [message, message] {
            var rest = message[...]
            while !rest.isEmpty {
                try wire.peer.send(Array(rest.prefix(30_000)))
                rest = rest.dropFirst(30_000)
                try wire.loop.runOnce(waitingAtMost: .seconds(5))
            }
        }
        try wire.loop.run(until: "received") { wire.handler.messages.count == 2 }
        let isSame = wire.handler.messages == [content, content]
        #expect(isSame)
    }

    /// The README's example.
    @Test func telegrams() throws {
        struct Telegrams: Framing {
            func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
                bytes.count < 10 ? .unknown : .length(10 + Int(bytes[8]) << 8 + Int(bytes[9]))
            }
        }
        let wire = try TestConnection(options: Self.options(Telegrams()))
        let long = "headline\u{1}\u{2}" + String(repeating: "l", count: 258)
        try wire.peer.send("header..\0\u{3}one" + long + "header..\0")
        try wire.loop.run(until: "received") { wire.handler.messages.count == 2 }
        try wire.peer.send("\0")
        try wire.loop.run(until: "received") { wire.handler.messages.count == 3 }
        #expect(wire.handler.texts == ["header..\0\u{3}one", long, "header..\0\0"])
    }

    /// Nobody waits for what would be thrown away.
    @Test func aLengthThatIsTooLongClosesTheConnectionAtOnce() throws {
        let wire = try TestConnection(options: Self.options(.lengthPrefixed(.fourBytes), limit: 1_000))
        wire.handler.closesOnLongMessage = true
        try wire.peer.send([0, 0, 0, 1, 120, 255, 255, 255, 255])
        #expect(try wire.closeReason() == .messageTooLong)
        #expect(wire.handler.events == [.opened, .received("x"), .discarded, .closed(.messageTooLong)])
    }

    /// There is no telling where such a message ends without keeping it.
    @Test(arguments: [["1234567"], ["123", "4567"], ["1234567\0ab\0"]])
    func aTerminatedMessageThatIsTooLongClosesTheConnectionWhateverTheHandlerDecides(_ pieces: [String]) throws {
        final class Lenient: ConnectionHandler {
            var received = 0
            var reason: CloseReason?
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) { received += messages.count }
            func connectionDidDiscardMessage(_ connection: Connection) { connection.send("too long\0") }
            func connectionDidClose(_ connection: Connection, reason: CloseReason) { self.reason = reason }
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let (mine, peer) = try socketPair()
        let handler = Lenient()
        try loop.adopt(
            socket: OwnedDescriptor(takingOver: mine), options: Self.options(.nulTerminated, limit: 5), handler: handler)
        for piece in pieces {
            try peer.send(piece)
            try loop.runOnce(waitingAtMost: .seconds(5))
        }
        peer.shutDownSending()
        try loop.run(until: "closed") { handler.reason != nil }
        #expect(handler.reason == .messageTooLong)
        #expect(handler.received == 0)
        #expect(peer.receiveAvailable() == Array("too long\0".utf8))
    }

    /// In pieces, its length is known before what is wrong with it. In one piece, the same must come of it.
    @Test(arguments: [false, true])
    func aMessageThatIsTooLongAndMalformedIsDiscardedAsOneThatIsTooLong(isInPieces: Bool) throws {
        let wire = try TestConnection(options: Self.options(Netstrings(), limit: 5))
        let long = "99:" + String(repeating: "l", count: 99) + "!"
        for piece in isInPieces ? ["1:a,99:ll", String(long.dropFirst(5) + "1:b,")] : ["1:a," + long + "1:b,"] {
            try wire.peer.send(piece)
            try wire.loop.runOnce(waitingAtMost: .seconds(5))
        }
        try wire.loop.run(until: "received") { wire.handler.events.count >= 4 }
        #expect(wire.handler.events == [.opened, .received("a"), .discarded, .received("b")])
    }

    /// What the peer got wrong takes nothing from what it got right before.
    @Test func behindWhatIsMalformedNothingIsReadAndWhatWaitsIsSent() throws {
        let wire = try TestConnection(options: Self.options(Netstrings()))
        wire.handler.onMessage = { connection, text in connection.send("got \(text)") }
        try wire.peer.send("3:one,3:two!3:six,")
        let replies = String(decoding: try wire.drain(), as: UTF8.self)
        #expect(replies == "got one")
        wire.peer.shutDownSending()
        #expect(try wire.closeReason() == .malformedMessage)
        #expect(wire.handler.texts == ["one"])
    }

    @Test(
        arguments: [
            (.nulTerminated, "whole\0half"), (Netstrings(), "5:whole,4:ha"), (.lengthPrefixed(.oneByte), "\u{5}whole\u{4}ha"),
            (.lengthPrefixed(.twoBytes), "\0\u{5}whole\0"),
        ] as [(any Framing, String)])
    func theEndOfInputWithinAMessageIsTold(_ framing: any Framing, _ sent: String) throws {
        let wire = try TestConnection(options: Self.options(framing))
        wire.handler.onMessage = { connection, text in connection.send("got \(text)") }
        try wire.peer.send(sent)
        wire.peer.shutDownSending()
        #expect(try wire.closeReason() == .incompleteMessage)
        #expect(wire.handler.texts == ["whole"])
        let replies = String(decoding: try wire.drain(), as: UTF8.self)
        #expect(replies == "got whole")
    }
}
