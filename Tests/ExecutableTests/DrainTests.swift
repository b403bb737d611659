import Glibc
import Reactor
import TestSupport
import Testing

/// SIGTERM and SIGINT end the daemon in order: it stops accepting, sends what waits, and exits with 0.
@Suite struct DrainTests {
    @Test(arguments: [SIGTERM, SIGINT]) func `what waits for a slow client is still sent`(signal: Int32) throws {
        try withDaemon { daemon in
            let slow = try daemon.join(1, receiveBuffer: 4_096)[0]
            let clients = try daemon.join(2)
            #expect(try slow.receiveLine() == "joined")
            // More than the kernel takes for one that does not read, and less than what makes it a slow subscriber.
            let text = String(repeating: String(repeating: "a", count: 99) + "\n", count: 4_000)
            let reader = StreamReader(takingOver: dup(clients[1].descriptor))
            try clients[0].send(text)
            // All of it has been relayed.
            #expect(try reader.bytes(text.utf8.count) == Array(text.utf8))
            daemon.process.send(signal: signal)
            let goodbye = Array("! goodbye: the server is shutting down\n".utf8)
            #expect(try reader.all() == goodbye)

            // It drains: there is nobody to connect to any more, but the slow one has its due.
            #expect(throws: Errno.connectionRefused) { try daemon.connect() }
            #expect(daemon.process.currentEnd == nil)
            #expect(try slow.receiveAll() == Array(text.utf8) + goodbye)
            slow.close()
            #expect(try daemon.process.waitForEnd() == .exit(0))
        }
    }

    @Test func `a client that never reads does not hold up the end beyond the drain timeout`() throws {
        try withDaemon(["--drain-timeout", "300ms"]) { daemon in
            let stuck = try Self.join(daemon)
            daemon.process.send(signal: SIGTERM)
            #expect(try daemon.process.waitForEnd() == .exit(0))
            _ = stuck
        }
    }

    @Test func `a second signal ends it at once`() throws {
        try withDaemon(["--drain-timeout", "86400"]) { daemon in
            let stuck = try Self.join(daemon)
            daemon.process.send(signal: SIGTERM)
            #expect(try stuck.witness.receiveLine() == "! goodbye: the server is shutting down")
            #expect(try stuck.witness.receiveAll() == [])
            #expect(daemon.process.currentEnd == nil)
            daemon.process.send(signal: SIGINT)
            #expect(try daemon.process.waitForEnd() == .exit(0))
        }
    }

    @Test func `without clients it ends at once`() throws {
        try withDaemon(["--drain-timeout", "86400"]) { daemon in
            daemon.process.send(signal: SIGTERM)
            let end = try daemon.process.waitForEnd()
            #expect(end == .exit(0))
        }
    }

    @Test(arguments: [SIGTERM, SIGINT]) func `a signal right after the announcement ends it in order, too`(signal: Int32) throws {
        for _ in 0..<10 {
            let daemon = try Daemon()
            daemon.process.send(signal: signal)
            let end = try daemon.process.waitForEnd()
            #expect(end == .exit(0))
        }
    }

    @Test func `Ctrl-C at its terminal ends it in order`() throws {
        try withDaemon(input: .terminal, output: .terminal) { daemon in
            let client = try daemon.join(1)[0]
            try daemon.process.write("goodbye\n")
            #expect(try client.receiveLine() == "goodbye")
            try daemon.process.write("\u{3}")
            #expect(try client.receiveLine() == "! goodbye: the server is shutting down")
            #expect(try client.receiveAll() == [])
            client.close()
            #expect(try daemon.process.waitForEnd() == .exit(0))
        }
    }

    /// A client that does not read, with more waiting for it than the kernel takes, and a witness that has got all of it.
    private static func join(_ daemon: Daemon) throws -> (stuck: Peer, witness: Peer) {
        let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
        let clients = try daemon.join(2)
        let line = String(repeating: "a", count: 99) + "\n"
        try clients[0].send(String(repeating: line, count: 4_000))
        for _ in 0..<4_000 { #expect(try clients[1].receiveLine()?.count == 99) }
        return (stuck, clients[1])
    }
}
