import Glibc
import TestSupport
import Testing

/// Out of descriptors, chatd turns callers away with a reason, neither spins nor dies, and accepts again as soon as it can.
@Suite struct FullServerTests {
    /// Starts a program with room for few descriptors.
    private static let launcher = ["sh", "-c", "ulimit -n 32; exec \"$0\" \"$@\""]
    private static let rejection = "! the server is full, try again later"

    @Test func `turns callers away, and accepts again when somebody leaves`() throws {
        try withDaemon(["--framing", "line"], launcher: Self.launcher) { daemon in
            let witness = try daemon.join(1)[0]
            var clients: [Peer] = []
            while let client = try admitted(to: daemon, witness: witness) {
                clients.append(client)
                try #require(clients.count < 32)
            }
            #expect(clients.count > 4)
            #expect(try daemon.process.error.text(through: "cannot accept").contains("warning"))

            // The clients that were accepted are served.
            try clients[0].send("full house\n")
            #expect(try witness.receiveLine() == "full house")

            clients.removeLast(2)
            var newcomer: Peer?
            try wait(for: "somebody to be let in again") {
                newcomer = try admitted(to: daemon, witness: witness)
                return newcomer != nil
            }
            try newcomer?.send("thank you\n")
            #expect(try witness.receiveLine() == "thank you")
        }
    }

    @Test func `callers that wait are turned away one by one, and cost no time`() throws {
        try withDaemon(["--framing", "line"], launcher: Self.launcher) { daemon in
            let callers = try (0..<40).map { _ in try daemon.connect() }
            let before = daemon.process.statistics
            let start = ContinuousClock.now
            var turnedAway = 0
            // The clients that came first were accepted.
            while turnedAway < 10 {
                let caller = callers[callers.count - 10 + turnedAway]
                let line = try caller.receiveLine()
                #expect(line == Self.rejection)
                turnedAway += 1
            }
            // A spinning loop would have used all of the time that had passed.
            let spent = daemon.process.statistics.ticks - before.ticks
            let passed = ContinuousClock.now - start
            #expect(Double(spent) / Double(sysconf(Int32(_SC_CLK_TCK))) < passed / .seconds(1) / 4)
        }
    }

    /// A client that has joined, or nil if it was turned away.
    private func admitted(to daemon: Daemon, witness: Peer) throws -> Peer? {
        let client = try daemon.connect()
        // A caller that is turned away may be reset while it speaks.
        try? client.send("may I?\n")
        let readiness = try waitForInput(on: [client.descriptor, witness.descriptor], atMost: patience)
        if readiness[1] {
            #expect(try witness.receiveLine() == "may I?")
            return client
        }
        #expect(try client.receiveLine() == Self.rejection)
        return nil
    }
}
