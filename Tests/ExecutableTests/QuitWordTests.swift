import TestSupport
import Testing

/// The line `x` closes its sender's connection and is relayed to nobody; which line that is can be chosen.
@Suite struct QuitWordTests {
    struct Case: CustomTestStringConvertible {
        let arguments: [String]
        let sent: String
        let relayed: [String]
        var closes = true

        var testDescription: String { "\(arguments) \(sent.debugDescription)" }
    }

    @Test(arguments: [
        Case(arguments: [], sent: "x\n", relayed: []),
        Case(arguments: [], sent: "x\r\n", relayed: []),
        // As the client without newlines says it.
        Case(arguments: [], sent: "x", relayed: []),
        Case(arguments: [], sent: "before\nx\nafter\n", relayed: ["before"]),
        Case(arguments: [], sent: "X\n x\nx \nxx\n", relayed: ["X", " x", "x ", "xx"], closes: false),
        Case(arguments: ["--quit-word", "bye"], sent: "x\nbye\n", relayed: ["x"]),
        Case(arguments: ["--quit-word", "tschüß"], sent: "tschüß\n", relayed: []),
        Case(arguments: ["--no-quit-word"], sent: "x\nbye\n", relayed: ["x", "bye"], closes: false),
        Case(arguments: ["--framing", "line"], sent: "a\nx\n", relayed: ["a"]),
        Case(arguments: ["--framing", "chunk"], sent: "x", relayed: []),
    ])
    func `closes its sender's connection and no other`(_ test: Case) throws {
        try withDaemon(test.arguments) { daemon in
            let clients = try daemon.join(2)
            try clients[0].send(test.sent)
            if test.closes { #expect(try clients[0].receiveAll() == []) }
            #expect(try clients[1].receiveLines(test.relayed.count) == test.relayed)

            // The other one is still served, and has not heard the word.
            let late = try daemon.connect()
            try late.send("still here\n")
            #expect(try clients[1].receiveLine() == "still here")
            if !test.closes { #expect(try clients[0].receiveLine() == "still here") }
        }
    }
}
