import Glibc
import TestSupport
import Testing

/// With nothing to do, chatd does nothing: no wake-up, no processor time, in whatever state its clients are.
@Suite struct IdleTests {
    enum State: CaseIterable {
        case noClients, quietClients, halfLines, halfClosed, reset, consoleAtItsEnd, unreadOutput, stuckClient
    }

    @Test(arguments: State.allCases) func `makes no wake-ups`(state: State) throws {
        let arguments =
            switch state {
            case .consoleAtItsEnd: ["--console"]
            case .unreadOutput: ["--print"]
            default: [String]()
            }
        try withDaemon(arguments, input: state == .consoleAtItsEnd ? .pipe : .null) { daemon in
            var clients = state == .noClients ? [] : try daemon.join(3)
            let line = String(repeating: "a", count: 999) + "\n"
            switch state {
            case .noClients, .quietClients: break
            case .halfLines: for client in clients { try client.send("a line\nhalf a line") }
            case .halfClosed: clients[0].shutDownSending()
            case .reset: clients.removeFirst().reset()
            case .consoleAtItsEnd: daemon.process.closeInput()
            case .unreadOutput, .stuckClient:
                // More than a pipe takes, and more than the kernel takes for a client that does not read.
                for _ in 0..<4 {
                    try clients[0].send(String(repeating: line, count: 128))
                    for _ in 0..<128 { #expect(try clients[1].receiveLine()?.utf8.count == 999) }
                }
            }
            // Timers that were armed, and what is still in flight, may come first; but it must settle.
            try wait(for: "the daemon to be at rest") {
                let before = daemon.process.statistics
                usleep(400_000)
                #expect(before != ChildProcess.Statistics())
                return before == daemon.process.statistics
            }
            withExtendedLifetime(clients) {}
        }
    }
}
