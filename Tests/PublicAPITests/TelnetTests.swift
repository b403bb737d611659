import ChatReactor
import Glibc
import TestSupport
import Testing

/// Under the automatic framing, telnet's commands are taken out of what comes, and answered so that a client waits for nothing.
struct TelnetTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var sent: [UInt8]
        var received: [String]
        var answer: [UInt8] = []
    }

    private static let cases = [
        Case(
            testDescription: "Ctrl-C: interrupt process, and a timing mark that telnet(1) waits for",
            sent: [255, 244, 255, 253, 6] + Array("still here\r\n".utf8), received: ["still here"], answer: [255, 252, 6]),
        Case(
            testDescription: "offers and requests are refused",
            sent: [255, 251, 1, 255, 253, 3, 255, 251, 255] + Array("a\n".utf8), received: ["a"],
            answer: [255, 254, 1, 255, 252, 3, 255, 254, 255]),
        Case(testDescription: "refusals are not answered", sent: [255, 252, 1, 255, 254, 3, 97, 10], received: ["a"]),
        Case(
            testDescription: "other commands are ignored, in the middle of a line",
            sent: [97, 255, 246, 98, 255, 241, 99, 255, 249, 255, 236, 100, 10], received: ["abcd"]),
        Case(
            testDescription: "a subnegotiation is ignored, with newlines, commands and an escaped 255 in it",
            sent: [97, 255, 250, 24, 0, 10, 13, 255, 255, 120, 255, 240, 98, 10], received: ["ab"]),
        Case(
            testDescription: "another command ends a subnegotiation, too",
            sent: [255, 250, 24, 0, 255, 253, 6, 97, 10], received: ["a"], answer: [255, 252, 6]),
        Case(
            testDescription: "a subnegotiation without end is text from its thousandth byte on",
            sent: [255, 250] + [UInt8](repeating: 10, count: 1_024) + Array("text\n".utf8), received: ["text"]),
        Case(
            testDescription: "a carriage return and a NUL end a line", sent: Array("a\r\0b\r\0\r\0".utf8),
            received: ["a", "b", ""]),
        Case(
            testDescription: "a NUL elsewhere is a byte like any other", sent: Array("\0a\0b\r\rc\0\n".utf8),
            received: ["\0a\0b\r\rc\0"]),
        Case(
            testDescription: "with a command between the carriage return and the NUL", sent: [97, 13, 255, 241, 0, 98, 13, 10],
            received: ["a", "b"]),
    ]

    @Test("Commands are taken out", arguments: cases)
    func commands(_ example: Case) throws {
        let stream = example.sent
        for pieces in [[stream], stream.map { [$0] }, [Array(stream[..<2]), Array(stream[2...])]] {
            let member = try TestConnection(options: .framed(.automatic(idle: .seconds(3_600))))
            for piece in pieces {
                try member.peer.send(piece)
                try member.loop.run(until: "read") { member.peer.isRead }
            }
            try member.loop.run(until: "received") { member.handler.texts.count >= example.received.count }
            #expect(member.handler.texts == example.received)
            try member.loop.settle()
            #expect(member.peer.bytes == example.answer)
        }
    }

    @Test("255 255 is one byte 255; after 255 and what is no command, nothing is taken out any more")
    func escapes() throws {
        let member = try TestConnection(options: .framed(.automatic()))
        try member.peer.send([255, 255, 97, 255, 255, 255, 255, 255, 241, 98, 255, 10, 255, 0, 255, 216, 255, 244, 10])
        try member.loop.run(until: "received") { member.handler.messages.count == 2 }
        #expect(member.handler.messages == [[255, 97, 255, 255, 98, 255], [255, 0, 255, 216, 255, 244]])
        #expect(member.handler.wireBytes == [255, 97, 255, 255, 98, 255, 10, 255, 0, 255, 216, 255, 244, 10])
    }

    @Test("In what is no text, nothing is taken out", arguments: 0..<8)
    func binary(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        // The first bytes of a JPEG image, of a PNG image, of an ELF file, and of a gzip archive.
        let beginnings: [[UInt8]] = [
            [255, 216, 255, 224, 0, 16], [137, 80, 78, 71, 13, 10], [127, 69, 76, 70, 2, 1, 1, 0], [31, 139, 8],
        ]
        let beginning = beginnings.randomElement(using: &random) ?? []
        let likely: [UInt8] = [255, 255, 0, 13, 10, 240]
        let rest = (0..<20_000).map { _ in likely.randomElement(using: &random) ?? 0 }
        let noise = random.bytes(50_000)
        let bytes = beginning + [128, 128, 128, 128, 0] + rest + noise + [10]
        let member = try TestConnection(options: .framed(.automatic(idle: .seconds(3_600)), longest: 1 << 20))
        var unsent = bytes[...]
        while !unsent.isEmpty {
            let piece = Array(unsent.prefix(.random(in: 10...50_000, using: &random)))
            unsent = unsent.dropFirst(piece.count)
            try member.peer.send(piece)
            try member.loop.run(until: "read") { member.peer.isRead }
        }
        let lines: [[UInt8]] = bytes.split(separator: 10, omittingEmptySubsequences: false).dropLast().map { line in
            Array(line.last == 13 ? line.dropLast() : line)
        }
        #expect(member.handler.messages == lines)
        #expect(member.peer.bytes.isEmpty)
    }

    @Test("Who floods the connection with requests and reads no answer does not fill the memory, and is still heard")
    func flood() throws {
        let member = try TestConnection(options: .framed(.automatic()), sendBuffer: 1)
        var most = 0
        for _ in 0..<100 {
            try member.peer.send((0..<10_000).flatMap { _ in [255, 253, 6] as [UInt8] })
            try member.loop.run(until: "read") { member.peer.isRead }
            most = max(most, member.connection.pendingOutput)
        }
        #expect(most > 0 && most < 4_200)
        try member.peer.send("hello\n")
        try member.loop.run(until: "received") { member.handler.texts == ["hello"] }
        #expect(member.connection.isOpen)
    }

    @Test("Two ends that both take out commands do not answer each other for ever")
    func noLoop() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (near, far) = try socketPair()
        let (first, second) = (RecordingHandler(), RecordingHandler())
        let connection = try loop.adopt(
            socket: OwnedDescriptor(takingOver: near), options: .framed(.automatic()), handler: first)
        try loop.adopt(socket: OwnedDescriptor(takingOver: dup(far.descriptor)), options: .framed(.automatic()), handler: second)
        far.close()
        connection.send([255, 251, 1, 255, 253, 1, 255, 252, 1, 255, 254, 1, 10].span)
        try loop.run(until: "received") { second.texts == [""] }
        try loop.settle()
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
    }

    @Test("Lines and chunks take out nothing")
    func otherFramings() throws {
        let bytes: [UInt8] = [255, 253, 6, 255, 255, 13, 0, 10]
        for (framing, expected) in [(.lines, Array(bytes.dropLast())), (.chunks, bytes)] as [(any Framing, [UInt8])] {
            let member = try TestConnection(options: .framed(framing))
            try member.peer.send(bytes)
            try member.loop.run(until: "received") { !member.handler.messages.isEmpty }
            #expect(member.handler.messages == [expected])
            #expect(member.peer.bytes.isEmpty)
        }
    }

    @Test("What a handler that upgrades leaves is as it came")
    func upgrade() throws {
        var options = Connection.Options.framed(.automatic())
        options.batchesMessages = false
        let member = try TestConnection(options: options)
        let framed = RecordingHandler()
        member.handler.onMessage = {
            $0.upgrade(to: .framed(.lengthPrefixed(.oneByte)), handler: framed); _ = $1
        }
        try member.peer.send([97, 255, 241, 98, 13, 0, 5, 255, 255, 13, 0, 10])
        try member.loop.run(until: "received") { !framed.messages.isEmpty }
        #expect(member.handler.texts == ["ab"])
        #expect(framed.messages == [[255, 255, 13, 0, 10]])
    }
}
