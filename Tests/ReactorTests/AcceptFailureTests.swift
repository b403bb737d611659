import Glibc
import KernelFaults
import TestSupport
import Testing

@testable import Reactor

/// A listener that can accept nobody, for a reason that no closing connection takes away, rests between its attempts.
///
/// Such a reason is a security module's, or that of a filter of system calls: it refuses before the caller is taken from the queue, so
/// the listener stays readable.
@Suite(.enabled(if: kernel_faults_are_available()))
struct AcceptFailureTests {
    @Test(arguments: [EPERM, EACCES, ENETDOWN, ECONNABORTED, EINVAL])
    func aRefusalThatLastsDoesNotSpinTheLoop(_ error: Int32) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        var errors: Set<Errno> = []
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        listener.onAcceptFailure = { errors.insert($0) }
        let client = try Peer(port: try #require(listener.address.port))
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_ACCEPT4, 0, .max, error)
        let turns = try loop.turns(during: .milliseconds(350))
        #expect(turns <= 12)
        #expect(errors == [Errno(rawValue: error)])
        #expect(client.receiveAvailable() == [], "nobody is turned away for it")

        kernel_fail(KERNEL_ACCEPT4, 0, 0, 0)
        try loop.run(until: "accepted") { handler.connections.count == 1 }
    }

    @Test func oneCallerThatHasGoneAgainDoesNotDelayTheNext() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        let client = try Peer(port: try #require(listener.address.port))
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_ACCEPT4, 0, 1, ECONNABORTED)
        try loop.runOnce(waitingAtMost: .seconds(5))
        #expect(handler.connections.count == 1)
        withExtendedLifetime(client) {}
    }
}
