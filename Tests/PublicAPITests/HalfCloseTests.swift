import ChatReactor
import Glibc
import TestSupport
import Testing

/// What happens once a peer has nothing more to send, as `printf … | nc` has, but still reads.
struct HalfCloseTests {
    private static func options(allowsHalfClose: Bool = true) -> Connection.Options {
        .with {
            $0.allowsHalfClose = allowsHalfClose
            $0.maximumPendingOutput = 1 << 24
        }
    }

    // MARK: - Without the option

    @Test("What was due to the peer is sent, and then the connection closes", arguments: TestConnection.Kind.allCases)
    func endOfInputWithOutputPending(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(
            kind, options: Self.options(allowsHalfClose: false), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        let output = pattern(1_000_000)
        test.handler.onMessage = { connection, _ in #expect(connection.send(output)) }
        try test.peer.send("go")
        test.peer.shutDownSending()
        try test.loop.run(until: "answered") { !test.handler.messages.isEmpty }
        #expect(test.handler.texts == ["go"])
        try test.loop.settle()
        #expect(test.connection.pendingOutput > 0, "the buffers are meant to be too small")
        #expect(test.handler.closeReasons.isEmpty)
        #expect(test.connection.isFinishing && !test.connection.send("too late"))
        #expect(try test.drain() == output)
        #expect(try test.closeReason() == .endOfInput)
        #expect(test.handler.count(of: .readToEnd) == 0)
    }

    @Test("A half-closed peer does not spin the loop", arguments: TestConnection.Kind.allCases)
    func rest(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(
            kind, options: Self.options(allowsHalfClose: false), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        test.connection.send(pattern(1_000_000))
        test.peer.shutDownSending()
        try test.loop.settle()
        #expect(test.connection.pendingOutput > 0)
        #expect(try test.loop.turns(during: .milliseconds(100)) <= 3)
    }

    @Test("The end alone closes at once", arguments: TestConnection.Kind.allCases)
    func endAlone(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(kind)
        test.peer.shutDownSending()
        #expect(try test.closeReason() == .endOfInput)
        #expect(test.handler.events == [.opened, .closed(.endOfInput)])
        #expect(try test.drain().isEmpty)
    }

    @Test("What is sent in answer to an unfinished line still leaves")
    func unfinishedLine() throws {
        let test = try TestConnection(.tcp)
        test.handler.onMessage = { connection, text in connection.send("you said \(text)\n") }
        try test.peer.send("one\ntwo")
        test.peer.shutDownSending()
        #expect(String(decoding: try test.drain(), as: UTF8.self) == "you said one\nyou said two\n")
    }

    // MARK: - With it

    @Test("The handler is told after the last message, answers, and ends the connection", arguments: TestConnection.Kind.allCases)
    func answerAtOnce(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(kind, options: Self.options())
        test.handler.onReadToEnd = { connection in
            #expect(!connection.isFinishing)
            #expect(connection.send("bye\n"))
            connection.finish()
        }
        try test.peer.send("one\ntwo")
        test.peer.shutDownSending()
        #expect(String(decoding: try test.drain(), as: UTF8.self) == "bye\n")
        #expect(try test.closeReason() == .requested)
        #expect(
            test.handler.events == [
                .opened, .received("one"), .received("two"), .readToEnd, .drained, .closed(.requested),
            ])
    }

    @Test("It may answer later, and the loop rests meanwhile", arguments: TestConnection.Kind.allCases)
    func answerLater(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(kind, options: Self.options())
        test.handler.onReadToEnd = { connection in
            connection.loop.schedule(after: .milliseconds(20)) {
                connection.send("at last\n")
                connection.finish(reason: .endOfInput)
            }
        }
        try test.peer.send("hi")
        test.peer.shutDownSending()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        #expect(test.connection.isOpen)
        let before = test.loop.turnCount
        #expect(String(decoding: try test.drain(), as: UTF8.self) == "at last\n")
        // `drain` makes a turn each millisecond by itself.
        #expect(test.loop.turnCount - before < 200)
        #expect(try test.closeReason() == .endOfInput)
    }

    @Test("A handler that decides nothing finishes the connection")
    func noDecision() throws {
        final class Silent: ConnectionHandler {
            var reasons: [CloseReason] = []
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {
                connection.send("\(messages.count)\n")
            }
            func connectionDidClose(_ connection: Connection, reason: CloseReason) { reasons.append(reason) }
        }
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = Silent()
        let (near, peer) = try socketPair()
        try loop.adopt(socket: OwnedDescriptor(takingOver: near), options: Self.options(), handler: handler)
        try peer.send("one\ntwo")
        peer.shutDownSending()
        try loop.run(until: "closed") { !handler.reasons.isEmpty }
        #expect(handler.reasons == [.endOfInput])
        #expect(peer.text == "1\n1\n")
    }

    @Test("A half-closed connection rests", arguments: TestConnection.Kind.allCases)
    func restWhileOpen(_ kind: TestConnection.Kind) throws {
        let test = try TestConnection(kind, options: Self.options(), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        test.handler.onReadToEnd = { _ in }
        // Nobody asks for urgent data, and it is signalled all the same.
        _ = unsafe Glibc.send(test.peer.descriptor, "!", 1, Int32(MSG_OOB))
        test.peer.shutDownSending()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        try test.loop.settle()
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
        // Pausing and resuming must not have the end watched for again.
        test.connection.pauseReading()
        test.connection.resumeReading()
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
        let output = pattern(1_000_000)
        test.connection.send(output)
        try test.loop.settle()
        #expect(test.connection.pendingOutput > 0, "the buffers are meant to be too small")
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
        #expect(try test.receive(1_000_000) == output)
        try test.loop.settle()
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
        #expect(test.handler.count(of: .readToEnd) == 1)
        #expect(test.connection.isOpen)
    }

    @Test("A subscriber of a topic gets its messages after the end of its input")
    func subscriber() throws {
        let test = try TestConnection(.tcp, options: Self.options())
        let topic = try Topic(on: test.loop)
        topic.subscribe(test.connection)
        test.handler.onReadToEnd = { _ in }
        test.peer.shutDownSending()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        topic.publish("news\n")
        try test.loop.run(until: "received") { test.peer.text == "news\n" }
        test.connection.finish()
        #expect(try test.closeReason() == .requested)
    }

    @Test("While reading is paused the end is not noticed, and after that it is")
    func paused() throws {
        let test = try TestConnection(options: Self.options())
        test.handler.onReadToEnd = { _ in }
        test.connection.pauseReading()
        test.peer.shutDownSending()
        try test.loop.settle()
        #expect(test.handler.count(of: .readToEnd) == 0)
        test.connection.resumeReading()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
    }

    @Test("A pipe that has ended rests until its handler ends it")
    func pipe() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        handler.onReadToEnd = { _ in }
        let (reader, writer) = try makePipe()
        let connection = try loop.adopt(
            OwnedDescriptor(takingOver: reader), for: .input, options: Self.options(), handler: handler)
        close(writer)
        try loop.run(until: "told of the end") { handler.count(of: .readToEnd) == 1 }
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        connection.finish(reason: .endOfInput)
        try loop.run(until: "closed") { handler.closeReasons == [.endOfInput] }
    }

    // MARK: - A peer that goes altogether

    @Test("A peer that hangs up is noticed at once on a Unix-domain socket, and closes the connection")
    func hangUp() throws {
        let test = try TestConnection(.unix, options: Self.options())
        test.handler.onReadToEnd = { _ in }
        test.peer.shutDownSending()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        test.peer.close()
        #expect(try test.closeReason() == .endOfInput)
    }

    @Test("A peer that hangs up is noticed with the next send over TCP, which says no more than the end before")
    func hangUpOverTCP() throws {
        let test = try TestConnection(.tcp, options: Self.options())
        test.handler.onReadToEnd = { _ in }
        test.peer.close()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        try test.loop.settle()
        #expect(test.connection.isOpen)
        test.connection.send("are you there?\n")
        let reason = try test.closeReason()
        #expect(reason == .failed(.connectionReset) || reason == .failed(.brokenPipe))
        #expect(try test.loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test("A reset is noticed although there is nothing to send")
    func reset() throws {
        let test = try TestConnection(.tcp, options: Self.options())
        test.handler.onReadToEnd = { _ in }
        test.peer.shutDownSending()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        test.peer.reset()
        let reason = try test.closeReason()
        #expect(reason == .failed(.connectionReset) || reason == .failed(.brokenPipe))
    }

    @Test("A reset is noticed although much waits to be sent")
    func resetWhileBlocked() throws {
        let test = try TestConnection(.tcp, options: Self.options(), sendBuffer: 4_096, peerReceiveBuffer: 4_096)
        test.handler.onReadToEnd = { connection in connection.send(pattern(1_000_000)) }
        test.peer.shutDownSending()
        try test.loop.run(until: "told of the end") { test.handler.count(of: .readToEnd) == 1 }
        try test.loop.settle()
        #expect(test.connection.pendingOutput > 0, "the buffers are meant to be too small")
        test.peer.reset()
        let reason = try test.closeReason()
        #expect(reason == .failed(.connectionReset) || reason == .failed(.brokenPipe))
    }

    // MARK: - Tasks

    /// What the peer gets that says something without a newline, has nothing more to say, and reads to the end.
    private func answer(
        to text: String, options: Connection.Options = .init(),
        _ serve: @escaping @Sendable (isolated AsyncConnection) async throws -> Void
    ) throws -> String {
        let loop = try EventLoop()
        defer { loop.close() }
        let file = TemporaryPath()
        let address = SocketAddress.unix(path: file.path)
        let server = Task(executorPreference: loop.remote) { [remote = loop.remote] in
            try await remote.serve(on: address, options: options, serve)
        }
        defer { server.cancel() }
        try loop.run(until: "listening") { file.exists }
        let peer = try Peer(to: address)
        try peer.send(text)
        peer.shutDownSending()
        try loop.run(until: "the end") { peer.hasEnded }
        return peer.text
    }

    @Test("The echo of the README answers a text without a newline")
    func echo() throws {
        let text = try answer(to: "hi") { connection in
            for try await line in connection.lines { try await connection.send("you say \(line)\n") }
        }
        #expect(text == "you say hi\n")
    }

    @Test("A task may answer later than the end of input, and at length")
    func taskThatAnswersLater() throws {
        let line = String(repeating: "x", count: 99_999) + "\n"
        let text = try answer(to: "one\ntwo", options: .with { $0.maximumPendingOutput = 1_000 }) { connection in
            var lines: [String] = []
            for try await line in connection.lines { lines.append(line) }
            try await Task.sleep(for: .milliseconds(20), clock: connection.remote)
            try await connection.send("\(lines.count) lines\n")
            for _ in 0..<20 { try await connection.send(line) }
            // The end is the end, however often it is asked for.
            if try await connection.nextMessage() == nil { try await connection.send("end\n") }
        }
        #expect(text == "2 lines\n" + String(repeating: line, count: 20) + "end\n")
    }

    @Test("A task that waits to send is told that the peer has hung up")
    func taskThatIsLeft() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let outcome = Confined(Outcome())
        let file = TemporaryPath()
        let address = SocketAddress.unix(path: file.path)
        let server = Task(executorPreference: loop.remote) { [remote = loop.remote] in
            try await remote.serve(on: address, options: .with { $0.maximumPendingOutput = 1_000 }) { connection in
                _ = try await connection.nextMessage()
                do {
                    for _ in 0..<100 {
                        try await connection.send(String(repeating: "x", count: 100_000))
                        outcome.value.sent += 1
                    }
                } catch let reason as CloseReason {
                    outcome.value.reason = reason
                }
            }
        }
        defer { server.cancel() }
        try loop.run(until: "listening") { file.exists }
        let peer = try Peer(to: address)
        peer.shutDownSending()
        try loop.run(until: "some sent") { outcome.value.sent > 1 }
        try loop.settle()
        #expect(outcome.value.reason == nil)
        peer.close()
        try loop.run(until: "told") { outcome.value.reason != nil }
        #expect(outcome.value.sent < 100)
    }

    private final class Outcome {
        var sent = 0
        var reason: CloseReason?
    }
}
