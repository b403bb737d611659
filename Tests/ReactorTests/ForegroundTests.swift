import Glibc
import KernelFaults
import TestSupport
import Testing

@testable import Reactor

/// A terminal answers EIO to a job in the background, and once it has hung up.
struct ForegroundTests {
    private let handler = RecordingHandler()

    /// Has a loop read a terminal, and returns its other end.
    private func adoptTerminal(on loop: EventLoop) throws -> StreamReader {
        let (screen, path) = try ChildProcess.openTerminal()
        let terminal = unsafe open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        try #require(terminal >= 0)
        try loop.adopt(OwnedDescriptor(takingOver: terminal), for: .input, handler: handler)
        return screen
    }

    private func type(_ text: String, at screen: StreamReader) {
        let bytes = Array(text.utf8)
        #expect(unsafe write(screen.descriptor, bytes, bytes.count) == bytes.count)
    }

    /// A shell brings the job to the foreground right after its read has failed.
    @Test(.enabled(if: kernel_faults_are_available()))
    func whatTheBackgroundWasAnsweredIsNoEndOfInput() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let screen = try adoptTerminal(on: loop)
        // The terminal hangs up with its screen.
        defer { withExtendedLifetime(screen) {} }
        kernel_begin()
        defer { kernel_rest() }
        kernel_fail(KERNEL_READ, 0, 1, EIO)
        type("typed\n", at: screen)
        try loop.run(until: "received") { handler.texts == ["typed"] || !handler.closeReasons.isEmpty }
        #expect(handler.texts == ["typed"])
        #expect(kernel_strikes() == 1)
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test func aTerminalThatHasHungUpIsAtItsEnd() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        do {
            let screen = try adoptTerminal(on: loop)
            defer { withExtendedLifetime(screen) {} }
            type("last\n", at: screen)
            // The kernel drops what was not read by the time of the hang-up.
            try loop.run(until: "received") { !handler.texts.isEmpty }
        }
        try loop.run(until: "closed") { !handler.closeReasons.isEmpty }
        #expect(handler.texts == ["last"])
        #expect(handler.closeReasons == [.endOfInput])
    }
}
