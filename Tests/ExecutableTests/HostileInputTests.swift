import Glibc
import TestSupport
import Testing

/// No input ends the daemon, nor does anything that a client does to its connection.
@Suite struct HostileInputTests {
    @Test(arguments: ["auto", "line", "chunk"]) func `random bytes from many clients`(framing: String) throws {
        // Short lines, so that they are often too long, and a small log, so that it often wraps.
        let arguments = ["--framing", framing, "--max-line", "200", "--log-size", "4096", "--print"]
        try withDaemon(arguments, output: .null) { daemon in
            var generator = SeededGenerator(seed: 4)
            let interesting: [UInt8] = [0, 10, 10, 13, 27, 120, 255]
            var clients: [Peer] = []
            for _ in 0..<3_000 {
                if clients.count < 20 { clients.append(try daemon.connect()) }
                let index = Int.random(in: clients.indices, using: &generator)
                let client = clients[index]
                var bytes = generator.bytes(.random(in: 0...600, using: &generator))
                for position in bytes.indices where Bool.random(using: &generator) {
                    bytes[position] = interesting.randomElement(using: &generator) ?? 0
                }
                // One that was closed for its lines, or that left by a random `x`, is replaced.
                let isGone = (try? client.send(bytes)) == nil
                switch Int.random(in: 0..<(isGone ? 1 : 40), using: &generator) {
                case 0: clients.remove(at: index).close()
                case 1: clients.remove(at: index).reset()
                case 2: client.shutDownSending()
                default: drain(client)
                }
            }
            clients = []
            try expectService(of: daemon)
        }
    }

    @Test func `connections that come and go in every way`() throws {
        try withDaemon { daemon in
            let descriptors = daemon.process.descriptorCount
            let witness = try daemon.join(1)[0]
            for number in 0..<2_000 {
                let client = try daemon.connect()
                switch number % 5 {
                case 0: client.close()
                case 1: client.reset()
                case 2:
                    try client.send("a line\nand a half")
                    client.reset()
                case 3:
                    try client.send("half a line")
                    client.shutDownSending()
                default:
                    // With something unread, closing resets.
                    try client.send("x\nand more")
                }
                if number % 50 == 0 { drain(witness) }
            }
            // All that was taken has been given back, but for the witness.
            try wait(for: "the connections to be closed") {
                drain(witness)
                return daemon.process.descriptorCount == descriptors + 1
            }
            try expectService(of: daemon)
        }
    }

    private func expectService(of daemon: Daemon) throws {
        let clients = try (0..<2).map { _ in try daemon.connect() }
        try clients[1].send("still here\n")
        // What the others had sent last may come first.
        try StreamReader(takingOver: dup(clients[0].descriptor)).text(through: "still here\n")
    }

    private func drain(_ client: Peer) {
        while let readiness = try? waitForInput(on: [client.descriptor], atMost: .zero), readiness == [true] {
            guard let some = try? client.receiveSome(), !some.isEmpty else { return }
        }
    }
}
