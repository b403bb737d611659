import KernelFaults
import Reactor
import TestSupport
import Testing

/// What is sent arrives once, whole and in order, and costs no more than it must.
struct SendingTests {
    @Test func whatATurnHasSentArrivesInOrder() throws {
        let wire = try Wire(.tcp)
        for number in 0..<1_000 { #expect(wire.connection.send("line \(number)\n")) }
        let expected = (0..<1_000).map { "line \($0)\n" }.joined()
        #expect(String(decoding: try wire.receive(expected.utf8.count), as: UTF8.self) == expected)
    }

    @Test func nothingLeavesBeforeTheEndOfTheTurn() throws {
        let wire = try Wire()
        wire.connection.send("hello")
        #expect(wire.connection.pendingOutput == 5)
        #expect(wire.peer.receiveAvailable() == [])
        try wire.loop.runOnce(waitingAtMost: .zero)
        #expect(wire.connection.pendingOutput == 0)
        #expect(wire.peer.receiveAvailable() == Array("hello".utf8))
    }

    @Test func anEmptySendIsNothing() throws {
        let wire = try Wire()
        #expect(wire.connection.send(""))
        try wire.loop.settle()
        #expect(wire.handler.events == [.opened])
    }

    @Test(arguments: Wire.Kind.allCases)
    func tinyBuffersLoseNothing(_ kind: Wire.Kind) throws {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try Wire(kind, options: options, sendBuffer: 4_096, peerReceiveBuffer: 4_096)
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

    @Test func tooMuchOutputClosesTheConnection() throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 10
        let wire = try Wire(options: options)
        #expect(wire.connection.send("1234567890"), "as much as is allowed")
        #expect(!wire.connection.send("1"))
        #expect(wire.handler.closeReasons.isEmpty, "nothing is called from within send")
        #expect(try wire.closeReason() == .outputOverflow)
        #expect(wire.handler.closeReasons == [.outputOverflow])
    }

    @Test func theLimitIsOfWhatWaitsNotOfWhatHasLeft() throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 10
        let wire = try Wire(options: options)
        for _ in 0..<100 {
            #expect(wire.connection.send("1234567890"))
            try wire.loop.runOnce(waitingAtMost: .zero)
        }
        #expect(try wire.receive(1_000).count == 1_000)
    }

    @Test func theHandlerHearsOnceThatAllHasLeft() throws {
        var options = Connection.Options()
        options.maximumPendingOutput = 1 << 24
        let wire = try Wire(options: options, sendBuffer: 4_096)
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

    @Test func whatIsSentOnDrainingFollows() throws {
        let wire = try Wire()
        var rounds = 0
        wire.handler.onDrain = { connection in
            rounds += 1
            if rounds < 1_000 { connection.send("x") } else { connection.finish() }
        }
        wire.connection.send("x")
        #expect(try wire.drain().count == 1_000)
        #expect(rounds == 1_000)
    }

    @Test func nothingIsCalledFromWithinSendFinishOrClose() throws {
        for kind in Wire.Kind.allCases {
            let wire = try Wire(kind)
            // Peer gone, so that each of the calls would have something to tell.
            wire.peer.reset()
            let before = wire.handler.events
            wire.connection.send("hello")
            wire.connection.finish()
            wire.connection.close()
            #expect(wire.handler.events == before)
            _ = try wire.closeReason()
            #expect(wire.handler.events == before + [.closed(.requested)])
        }
    }

    @Test func aPeerThatIsGoneIsAReasonNotASignal() throws {
        // MSG_NOSIGNAL: without it, SIGPIPE would end this process.
        for kind in Wire.Kind.allCases {
            let wire = try Wire(kind)
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

    @Test(.enabled(if: kernel_faults_are_available()))
    func aPeerThatKeepsUpCostsNoEpollCtl() throws {
        let wire = try Wire()
        try wire.loop.settle()
        kernel_begin()
        defer { kernel_rest() }
        for _ in 0..<10 {
            wire.connection.send("hello\n")
            try wire.loop.runOnce(waitingAtMost: .zero)
        }
        #expect(kernel_calls(KERNEL_EPOLL_CTL) == 0)
        #expect(kernel_calls(KERNEL_SENDMSG) == 10)
    }

    @Test("EPOLLOUT is armed on a shortfall, and disarmed once all has left", .enabled(if: kernel_faults_are_available()))
    func writableIsWatchedForOnlyWhileASendHasFallenShort() throws {
        let wire = try Wire(sendBuffer: 4_096)
        try wire.loop.settle()
        kernel_begin()
        defer { kernel_rest() }
        wire.connection.send(pattern(200_000))
        try wire.loop.settle()
        #expect(kernel_calls(KERNEL_EPOLL_CTL) == 1, "armed")
        // Taken little by little, it stays armed all the while.
        _ = try wire.receive(200_000)
        try wire.loop.settle()
        #expect(kernel_calls(KERNEL_EPOLL_CTL) == 2, "disarmed")
        // Were it still armed, a socket with room would be reported again and again.
        #expect(try wire.loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test(.enabled(if: kernel_faults_are_available()), arguments: [1, 2, 3, 1_000])
    func aKernelThatTakesLittleAtATimeLosesNothing(_ limit: Int) throws {
        let wire = try Wire()
        kernel_begin()
        defer { kernel_rest() }
        kernel_limit(limit)
        let text = "one\ntwo\r\nthree\n"
        wire.handler.onMessage = { connection, text in connection.send(text + "\n") }
        kernel_rest()
        try wire.peer.send(text)
        kernel_resume()
        try wire.loop.run(until: "all sent") { wire.handler.messages.count == 3 && wire.connection.pendingOutput == 0 }
        kernel_rest()
        #expect(try wire.peer.receiveLines(3) == ["one", "two", "three"])
    }
}
