import Glibc
import KernelFaults
import Reactor
import TestSupport
import Testing

/// Watching signals that fails.
struct SignalTests {
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
}
