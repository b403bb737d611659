import ChatReactor
import Reactor
import TestSupport
import Testing

/// With chunks for messages, a client's bytes reach the others as they are: nothing is added, and nothing dropped.
struct ChunkFramingTests {
    @Test(arguments: [1_048_576, 4_096])
    func everyByteIsRelayedAsItCame(logCapacity: Int) throws {
        let fixture = try ServerFixture {
            $0.framing = .chunks
            $0.quitWord = nil
            $0.logCapacity = logCapacity
            $0.maximumMessageLength = 100
        }
        let clients = try fixture.join(2)
        var random = SeededGenerator()
        var sent: [UInt8] = []
        // From a byte to more than one read takes.
        for length in [1, 2, 3, 100, 1_000, 10_000, 30_000, 100_000, 5] {
            let piece = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            try clients[0].send(piece)
            sent += piece
            try fixture.run(until: { clients[1].received.count >= sent.count })
        }
        try fixture.settle()
        #expect(isSame(clients[1].received, sent))
        #expect(clients[0].received == [])
    }

    /// People who type the quit word end it with a newline.
    @Test(arguments: ["x", "x\n", "x\r\n"])
    func theQuitWordIsAChunk(word: String) throws {
        let fixture = try ServerFixture { $0.framing = .chunks }
        let clients = try fixture.join(2)
        try clients[0].send("xx\n")
        try fixture.run(until: { clients[1].text == "xx\n" })
        try clients[0].send(word)
        try fixture.run(until: { clients[0].isAtEnd })
        try fixture.settle()
        #expect(clients[1].text == "xx\n")
    }
}
