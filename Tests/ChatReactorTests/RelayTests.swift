import ChatReactor
import Glibc
import Reactor
import TestSupport
import Testing

/// Every message of a client reaches every other client, byte for byte, and its sender never.
struct RelayTests {
    @Test func aLineReachesEveryOtherClientAndNotItsSender() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(4)
        try clients[0].send("hello\n")
        try fixture.run(until: { clients[1...].allSatisfy { !$0.received.isEmpty } })
        try fixture.settle()
        #expect(clients.map(\.text) == ["", "hello\n", "hello\n", "hello\n"])
        #expect(fixture.server.clientCount == 4)
    }

    @Test(arguments: [
        ("one\r\ntwo\n", "one\ntwo\n"),
        ("\n\r\n", "\n\n"),
        ("a\rb\r\r\n", "a\rb\r\n"),
        ("! not from the server\n", "! not from the server\n"),
        ("xx\nX\n x\n", "xx\nX\n x\n"),
    ])
    func aLineIsRelayed(_ sent: String, as relayed: String) throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(2)
        try clients[0].send(sent)
        try fixture.run(until: { clients[1].received.count >= relayed.utf8.count })
        try fixture.settle()
        #expect(clients[1].text == relayed)
    }

    @Test(arguments: [.lines, .automatic(idle: .seconds(3_600))] as [any Framing])
    func anyBytesAreRelayed(framing: any Framing) throws {
        let fixture = try ServerFixture {
            $0.framing = framing
            $0.quitWord = nil
        }
        let clients = try fixture.join(3)
        var random = SeededGenerator()
        var expected: [UInt8] = []
        for _ in 0..<300 {
            var sent: [UInt8] = []
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let length = Int.random(in: 0...200, using: &random)
                sent += (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) } + [10]
            }
            expected += sent
            // In pieces, wherever they may be cut; some of them are read together.
            while !sent.isEmpty {
                let length = Int.random(in: 1...sent.count, using: &random)
                try clients[0].send(Array(sent[..<length]))
                sent.removeFirst(length)
                if Bool.random(using: &random) { try fixture.loop.runOnce(waitingAtMost: .zero) }
            }
        }
        // The one thing that is not relayed as it came: a carriage return right before a newline.
        let pairs = zip(expected, expected.dropFirst() + [0])
        expected = pairs.compactMap { $0 == 13 && $1 == 10 ? nil : $0 }
        try fixture.run(until: { clients[1...].allSatisfy { $0.received.count >= expected.count } })
        try fixture.settle()
        #expect(clients[0].received == [])
        #expect(isSame(clients[1].received, expected))
        #expect(isSame(clients[2].received, expected))
    }

    @Test(arguments: [.lines, .automatic()] as [any Framing])
    func whatIsUnfinishedAtTheEndOfInputIsALine(framing: any Framing) throws {
        let fixture = try ServerFixture { $0.framing = framing }
        let clients = try fixture.join(2)
        try clients[0].send("finished\nunfinished")
        clients[0].socket.shutDownSending()
        try fixture.run(until: { clients[0].isAtEnd })
        try fixture.settle()
        #expect(clients[1].text == "finished\nunfinished\n")
        #expect(fixture.reasons[clients[0].id] == .endOfInput)
    }

    @Test func aClientWithoutNewlinesIsUnderstood() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(2)
        for message in ["one", "two"] {
            let length = clients[1].received.count
            try clients[0].send(message)
            try fixture.run(until: { clients[1].received.count > length })
        }
        #expect(clients[1].text == "one\ntwo\n")
    }

    @Test func afterItsFirstNewlineAClientIsWaitedFor() throws {
        let fixture = try ServerFixture { $0.framing = .automatic(idle: .milliseconds(20)) }
        let clients = try fixture.join(3)
        try clients[0].send("whole\nunfin")
        try fixture.run(until: { clients[2].text == "whole\n" })
        // Another one's unfinished line, begun later, is taken for whole: so the first one's would have been before.
        try clients[1].send("idle")
        try fixture.run(until: { clients[2].received.count > "whole\n".utf8.count })
        #expect(clients[2].text == "whole\nidle\n")
        try clients[0].send("ished\n")
        try fixture.run(until: { clients[2].text.hasSuffix("ished\n") })
        #expect(clients[2].text == "whole\nidle\nunfinished\n")
    }

    @Test func observersAreToldWhatIsRelayedAndByWhom() throws {
        let fixture = try ServerFixture()
        let clients = try fixture.join(2)
        try clients[0].send("a\nb\n")
        try fixture.run(until: { clients[1].lines.count == 2 })
        try clients[1].send("c\nx\nd\n")
        try fixture.run(until: { clients[1].isAtEnd })
        #expect(fixture.relayed.map { String(decoding: $0.message, as: UTF8.self) } == ["a\n", "b\n", "c\n"])
        #expect(fixture.relayed.map(\.sender) == [clients[0].id, clients[0].id, clients[1].id])
    }
}
