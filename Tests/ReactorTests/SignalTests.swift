import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

/// Signals come to the loop as events. They are sent to this thread alone: it is the only one of the test process that blocks them.
@Suite(.serialized)
struct SignalTests {
    /// Watches signals on this thread, hands `body` the loop and a list of what arrives, and leaves the thread as it was.
    private func watching(_ signals: [Int32], _ body: (EventLoop, () -> [Int32]) throws -> Void) throws {
        var before = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &before)
        let loop = try EventLoop()
        var arrived: [Int32] = []
        try loop.watchSignals(signals) { arrived.append($0) }
        defer {
            loop.close()
            unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        try body(loop) { arrived }
    }

    @Test func aSignalReachesTheLoopInsteadOfEndingTheProcess() throws {
        try watching([SIGUSR1, SIGWINCH]) { loop, arrived in
            pthread_kill(pthread_self(), SIGUSR1)
            try loop.run(until: "the signal") { !arrived().isEmpty }
            #expect(arrived() == [SIGUSR1])
            pthread_kill(pthread_self(), SIGWINCH)
            try loop.run(until: "the other signal") { arrived().count == 2 }
            #expect(arrived() == [SIGUSR1, SIGWINCH])
            #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        }
    }

    @Test func aSignalThatArrivesTwiceBeforeTheLoopComesToItIsReportedOnce() throws {
        try watching([SIGUSR1]) { loop, arrived in
            for _ in 0..<3 { pthread_kill(pthread_self(), SIGUSR1) }
            try loop.settle()
            #expect(arrived() == [SIGUSR1])
        }
    }

    @Test func severalSignalsAtOnceAllArrive() throws {
        try watching([SIGUSR1, SIGUSR2, SIGWINCH]) { loop, arrived in
            for signal in [SIGWINCH, SIGUSR2, SIGUSR1] { pthread_kill(pthread_self(), signal) }
            try loop.run(until: "all signals") { arrived().count == 3 }
            #expect(Set(arrived()) == [SIGUSR1, SIGUSR2, SIGWINCH])
        }
    }

    @Test(.enabled(if: kernel_faults_are_available()))
    func aWatchThatFailsLeavesNothingBehind() throws {
        var before = sigset_t()
        unsafe pthread_sigmask(SIG_BLOCK, nil, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        weak var gone: EventLoop?
        do {
            let loop = try EventLoop()
            gone = loop
            kernel_begin()
            defer { kernel_rest() }
            kernel_fail(KERNEL_EPOLL_CTL, 0, 1, ENOSPC)
            #expect(throws: Errno.noSpace) { try loop.watchSignals([SIGUSR1]) { _ in Issue.record("it was called") } }
        }
        // What is registered with a loop keeps it alive until it is closed.
        #expect(gone == nil)
    }

    @Test func aHandlerMayDoAnything() throws {
        try watching([SIGUSR1]) { loop, _ in
            let handler = RecordingHandler()
            let (mine, peer) = try socketPair()
            let connection = try loop.adopt(socket: OwnedDescriptor(takingOver: mine), handler: handler)
            try loop.watchSignals([SIGUSR2]) { _ in
                connection.send("bye\n")
                connection.loop.stop()
            }
            pthread_kill(pthread_self(), SIGUSR2)
            try loop.run()
            #expect(try peer.receiveLine() == "bye")
        }
    }
}
