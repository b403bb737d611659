import ChatReactor
import Glibc
import TestSupport
import Testing

/// Messages can be awaited: all of them, in order, and no faster than they are asked for.
@Suite(.beyondPatience)
struct AsyncReadingTests {
    @Test func linesComeInOrderUntilTheEndOfInput() async throws {
        let expected = (0..<10_000).map { "line \($0)" }
        try await withBackgroundLoop { remote in
            let received = Record<[String]>()
            try await withServer(on: remote) { connection in
                var lines: [String] = []
                for try await line in connection.lines { lines.append(line) }
                received.append(lines)
            } _: { port in
                let peer = try Peer(port: port)
                try peer.send(expected.map { $0 + "\n" }.joined() + "and a rest")
                peer.shutDownSending()
                #expect(try await received.wait(for: "the end of input") == expected + ["and a rest"])
                #expect(try peer.receiveLine() == nil)
            }
        }
    }

    /// What is awaited of a connection comes on the loop's own thread, and wakes no other. In a process of its own, where no other threads have
    /// anything to do.
    @Test func nothingThatIsAwaitedWakesAnotherThread() async {
        await #expect(processExitsWith: .success) {
            let background = try BackgroundLoop()
            let remote = background.remote
            try await remote.withListener(on: .loopback(port: 0)) { listener in
                let server = Task {
                    try await listener.serve { connection in
                        for try await message in connection.messages {
                            try await remote.sleep(for: .zero)
                            try await remote.sleep(until: .now)
                            try await connection.send(message)
                        }
                    }
                }
                let port = listener.address.port ?? 0
                // It blocks its thread, which nobody else needs.
                let peer = try Peer(port: port)
                try peer.send("accepted\n")
                _ = try peer.receiveLine()
                let before = ProcFiles.sleepCountOfOtherThreads
                for number in 0..<1_000 {
                    try peer.send("\(number)\n")
                    let line = try peer.receiveLine()
                    precondition(line == "\(number)")
                }
                let count = ProcFiles.sleepCountOfOtherThreads - before
                precondition(count < 100, "other threads went to sleep \(count) times")
                server.cancel()
            }
            try await background.stop()
        }
    }

    @Test func messagesOwnTheirBytes() async throws {
        try await withBackgroundLoop { remote in
            let received = Record<[Message]>()
            try await withServer(on: remote) { connection in
                var messages: [Message] = []
                for try await message in connection.messages { messages.append(message) }
                received.append(messages)
            } _: { port in
                let peer = try Peer(port: port)
                try peer.send("one\r\n\ntwo\n")
                try peer.send([0xFF, 0x0A])
                peer.shutDownSending()
                let messages = try await received.wait(for: "the end of input")
                #expect(messages.map { Array($0.content) } == [Array("one".utf8), [], Array("two".utf8), [0xFF]])
                #expect(messages.map { Array($0.wireBytes) } == [Array("one\n".utf8), [10], Array("two\n".utf8), [0xFF, 10]])
                #expect(messages.map(\.text) == ["one", "", "two", "\u{FFFD}"])
            }
        }
    }

    @Test func chunksComeByteForByte() async throws {
        var options = Connection.Options()
        options.framing = .chunks
        try await withBackgroundLoop { remote in
            let received = Record<[UInt8]>()
            try await withServer(on: remote, options: options) { connection in
                var bytes: [UInt8] = []
                for try await message in connection.messages {
                    #expect(message.content == message.wireBytes)
                    bytes += message.content
                }
                received.append(bytes)
            } _: { port in
                let peer = try Peer(port: port)
                try peer.send(pattern(300_000))
                peer.shutDownSending()
                #expect(try await received.wait(for: "the end of input") == pattern(300_000))
            }
        }
    }

    /// The framing tells content and envelope apart, wherever in a read a message lies.
    @Test func messagesOfAnyFramingComeWithAndWithoutTheirEnvelope() async throws {
        let prefix = LengthPrefixedFraming(.twoBytes)
        let contents = (0..<200).map { pattern($0 * 37 % 1_000) }
        let cases: [(framing: any Framing, wire: ([UInt8]) -> [UInt8])] = [
            (.lines, { $0.map { $0 == 10 || $0 == 13 ? 1 : $0 } + [10] }),
            (.nulTerminated, { $0.map { $0 == 0 ? 1 : $0 } + [0] }),
            (prefix, { prefix.frame($0.span) ?? [] }),
            (Netstrings(), { Array("\($0.count):".utf8) + $0 + Array(",".utf8) }),
        ]
        for (framing, wire) in cases {
            var options = Connection.Options()
            options.framing = framing
            let expected = contents.map(wire)
            try await withBackgroundLoop { remote in
                let received = Record<[Message]>()
                try await withServer(on: remote, options: options) { connection in
                    var messages: [Message] = []
                    for try await message in connection.messages { messages.append(message) }
                    received.append(messages)
                } _: { port in
                    let peer = try Peer(port: port)
                    try peer.send(Array(expected.joined()))
                    peer.shutDownSending()
                    let messages = try await received.wait(for: "the end of input")
                    #expect(messages.map { Array($0.wireBytes) } == expected)
                    #expect(
                        messages.map { Array($0.content) }
                            == expected.map { wire in
                                let content = framing.content(of: wire.span)
                                return Array(wire[content])
                            })
                }
            }
        }
    }

    /// What a read has brought beyond the message at which a loop was left is not lost.
    @Test func aLoopThatWasLeftIsGoneOnWith() async throws {
        try await withBackgroundLoop { remote in
            let received = Record<[String]>()
            try await withServer(on: remote) { connection in
                var lines: [String] = []
                for try await line in connection.lines {
                    lines.append("name: " + line)
                    break
                }
                for try await message in connection.messages { lines.append(message.text) }
                received.append(lines)
            } _: { port in
                let peer = try Peer(port: port)
                try peer.send("ada\none\ntwo\n")
                peer.shutDownSending()
                #expect(try await received.wait(for: "the end of input") == ["name: ada", "one", "two"])
            }
        }
    }

    @Test func aPeerIsStoppedWhileNobodyAsksAndNothingIsLost() async throws {
        let limit = 100_000_000
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        try await withBackgroundLoop { remote in
            let mayGoOn = AsyncStream<Void>.makeStream()
            let received = Record<Int>()
            let stream = mayGoOn.stream
            try await withServer(on: remote) { connection in
                var count = 0
                for try await message in connection.messages {
                    if count == 0 { for await _ in stream {} }
                    count += message.wireBytes.count
                }
                received.append(count)
            } _: { port in
                let peer = try Peer(port: port)
                let block = Array(repeatElement(line, count: 1_000).joined())
                var sent = 0
                var refusals = 0
                // Full, once the kernel has taken nothing for a while.
                while sent < limit, refusals < 100 {
                    let count = peer.sendAvailable(Array(block[(sent % 100)...]))
                    sent += count
                    refusals = count > 0 ? 0 : refusals + 1
                    if count == 0 { try await Task.sleep(for: .milliseconds(5)) }
                }
                #expect(sent < limit, "the peer was never stopped")
                mayGoOn.continuation.finish()
                peer.shutDownSending()
                // The rest of a line that went out in part counts as one, and gets a newline.
                let whole = sent % 100 == 0 ? sent : sent + 1
                #expect(try await received.wait(for: "the end of input") == whole)
            }
        }
    }

    /// A consumer that leaves the loop's thread after each line is still asked for no more than it takes.
    @Test func aConsumerMayBeElsewhere() async throws {
        let expected = (0..<500).map { "line \($0)" }
        try await withBackgroundLoop { remote in
            let received = Record<[String]>()
            try await withServer(on: remote) { connection in
                let connection = connection
                let lines = Task.detached {
                    var lines: [String] = []
                    for try await line in connection.lines {
                        #expect(!connection.remote.isIsolatingCurrentContext()!)
                        lines.append(line)
                    }
                    return lines
                }
                received.append(try await lines.value)
            } _: { port in
                let peer = try Peer(port: port)
                for line in expected { try peer.send(line + "\n") }
                peer.shutDownSending()
                #expect(try await received.wait(for: "the end of input") == expected)
            }
        }
    }

    @Test func whatEndsTheConnectionOtherwiseIsThrown() async throws {
        var options = Connection.Options()
        options.maximumMessageLength = 10
        try await withBackgroundLoop { remote in
            let reasons = Record<CloseReason>()
            let ends = Record<Void>()
            try await withServer(on: remote, options: options) { connection in
                defer { ends.append(()) }
                do {
                    for try await _ in connection.lines {}
                } catch let reason as CloseReason {
                    reasons.append(reason)
                }
            } _: { port in
                let first = try Peer(port: port)
                try first.send("short\n" + String(repeating: "x", count: 11) + "\n")
                #expect(try first.receiveLine() == nil)
                let second = try Peer(port: port)
                try second.send("short\n")
                second.reset()
                try wait(for: "both ends") { ends.elements.count == 2 }
            }
            #expect(reasons.elements == [.messageTooLong, .failed(.connectionReset)])
        }
    }

    @Test func closingOnThisSideEndsTheSequence() async throws {
        try await withBackgroundLoop { remote in
            let count = Record<Int>()
            try await withServer(on: remote) { connection in
                var lines = 0
                for try await line in connection.lines {
                    lines += 1
                    if line == "quit" { connection.close() }
                }
                count.append(lines)
            } _: { port in
                let peer = try Peer(port: port)
                try peer.send("hello\nquit\n")
                #expect(try await count.wait(for: "the end") == 2)
                #expect(try peer.receiveLine() == nil)
            }
        }
    }

    /// Only the waiting is cancelled: the connection goes on, and so may who reads from it.
    @Test func aWaitThatIsCancelledLosesNothing() async throws {
        try await withBackgroundLoop { remote in
            let received = Record<String>()
            let isCancelled = Record<Bool>()
            try await withServer(on: remote) { connection in
                let waiting = Task(executorPreference: connection.remote) { try await connection.nextMessage() }
                await Task.yield()
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                isCancelled.append(true)
                if let message = try await connection.nextMessage() { received.append(message.text) }
            } _: { port in
                let peer = try Peer(port: port)
                _ = try await isCancelled.wait(for: "the cancellation")
                try peer.send("still here\n")
                #expect(try await received.wait(for: "the line") == "still here")
            }
        }
    }
}
