import Glibc
import KernelFaults
import TestSupport
import Testing

@testable import Reactor

/// Every system call fails once, in each way and at each point at which it may: whatever was under way then is either done all the
/// same, or its failure is reported; nothing crashes, spins or leaks.
@Suite(.enabled(if: kernel_faults_are_available()))
struct SystemCallFailureTests {
    struct Failure: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var call: kernel_call
        var errors: [Int32]

        init(_ name: String, _ call: kernel_call, _ errors: [Int32]) {
            testDescription = name
            self.call = call
            self.errors = errors
        }
    }

    /// What the manual pages say.
    static let failures = [
        Failure("epoll_create1", KERNEL_EPOLL_CREATE1, [EMFILE, ENFILE, ENOMEM]),
        Failure("eventfd", KERNEL_EVENTFD, [EMFILE, ENFILE, ENOMEM, ENODEV]),
        Failure("socket", KERNEL_SOCKET, [EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM]),
        Failure("listen", KERNEL_LISTEN, [EADDRINUSE]),
        Failure("open", KERNEL_OPEN, [EMFILE, ENFILE, ENOENT]),
        Failure("connect", KERNEL_CONNECT, [EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, ETIMEDOUT, EACCES]),
        Failure(
            "accept4", KERNEL_ACCEPT4,
            [EAGAIN, EINTR, ECONNABORTED, EPROTO, EPERM, EHOSTUNREACH, EMFILE, ENFILE, ENOBUFS, ENOMEM]),
        Failure("recv", KERNEL_RECV, [EAGAIN, EINTR, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH]),
        Failure("send", KERNEL_SEND, [EAGAIN, EINTR, ECONNRESET, EPIPE]),
        Failure("sendmsg", KERNEL_SENDMSG, [EAGAIN, EINTR, ECONNRESET, EPIPE, ENOBUFS, ENOMEM, ETIMEDOUT]),
        Failure("shutdown", KERNEL_SHUTDOWN, [ENOTCONN, ENOBUFS]),
        Failure("epoll_ctl", KERNEL_EPOLL_CTL, [ENOMEM, ENOSPC]),
        Failure("epoll_wait", KERNEL_EPOLL_WAIT, [EINTR, EINVAL]),
    ]

    @Test(arguments: failures)
    func aCallThatFailsIsSurvivedOrTold(_ failure: Failure) throws {
        for error in failure.errors {
            var skipped: Int32 = 0
            while true {
                kernel_begin()
                kernel_fail(failure.call, skipped, 1, error)
                let outcome = ShortTalk.outcome()
                kernel_rest()
                let place: Comment = "call \(skipped + 1) fails with \(Errno(rawValue: error)): \(outcome)"
                #expect(kernel_open_descriptors() == 0, place)
                #expect(outcome.turns <= 60, place)
                #expect(outcome.isComplete || outcome.told.contains(Errno(rawValue: error)), place)
                // One is enough: the others would tell the same, slowly.
                if outcome.turns > 60 || !(outcome.isComplete || !outcome.told.isEmpty) { return }
                if kernel_strikes() == 0 {
                    #expect(outcome.isComplete && outcome.told.isEmpty, place)
                    break
                }
                skipped += 1
            }
            // Only what a conversation does not do at all can have gone without a failure.
            if failure.call != KERNEL_SEND { #expect(skipped > 0) }
        }
    }

    /// A signal that is nobody's business ends the wait, and nothing else.
    @Test func anInterruptedWaitIsATurnInWhichNothingHappens() throws {
        let wire = try TestConnection()
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_EPOLL_WAIT, 0, 1, EINTR)
        try wire.loop.runOnce(waitingAtMost: .seconds(60))
        #expect(kernel_strikes() == 1)
        #expect(wire.handler.events == [.opened])
        try wire.peer.send("hello\n")
        try wire.loop.run(until: "received") { wire.handler.texts == ["hello"] }
    }

    /// All of a call's errors at once, again and again: a kernel that fails at random, but less and less often.
    @Test func manyFailuresAtOnceAreSurvivedOrTold() {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        for round in 0..<300 {
            kernel_begin()
            var scripted: Set<Int32> = []
            for failure in Self.failures where Int.random(in: 0..<3, using: &random) == 0 {
                let error = failure.errors.randomElement(using: &random)!
                kernel_fail(failure.call, .random(in: 0..<6, using: &random), .random(in: 1...2, using: &random), error)
                scripted.insert(error)
            }
            kernel_limit(.random(in: 0...5, using: &random))
            let outcome = ShortTalk.outcome()
            kernel_rest()
            let place: Comment = "round \(round) of seed \(seed): \(outcome)"
            #expect(kernel_open_descriptors() == 0, place)
            #expect(outcome.turns <= 200, place)
            #expect(outcome.isComplete || outcome.told.contains { scripted.contains($0.rawValue) }, place)
        }
    }
}
