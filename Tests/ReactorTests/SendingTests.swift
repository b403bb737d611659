import KernelFaults
import Reactor
import TestSupport
import Testing

/// What sending costs, and a kernel that takes little at a time.
struct SendingTests {
    @Test(.enabled(if: kernel_faults_are_available()))
    func aPeerThatKeepsUpCostsNoEpollCtl() throws {
        let wire = try TestConnection()
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
        let wire = try TestConnection(sendBuffer: 4_096)
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
        let wire = try TestConnection()
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
