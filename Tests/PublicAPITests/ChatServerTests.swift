import ChatReactor
import TestSupport
import Testing

/// A server and its clients.
final class ChatRoom {
    let loop: EventLoop
    let server: ChatServer
    let address: SocketAddress
    private(set) var clients: [Peer] = []

    init(_ count: Int, _ change: (inout ChatServer.Configuration) -> Void = { _ in }) throws {
        loop = try EventLoop()
        var configuration = ChatServer.Configuration()
        change(&configuration)
        server = try ChatServer(on: loop, configuration: configuration)
        address = try server.listen(on: .loopback(port: 0)).address
        for _ in 0..<count { try join() }
    }

    deinit { loop.close() }

    @discardableResult
    func join() throws -> Peer {
        let count = server.clientCount
        let client = try Peer(to: address)
        clients.append(client)
        try loop.run(until: "the client") { server.clientCount == count + 1 }
        return client
    }

    func run(until goal: Comment, _ isReached: () throws -> Bool) throws { try loop.run(until: goal, isReached) }
}

/// What `ChatServer` and the description of what goes over the wire promise.
struct ChatServerTests {
    /// Notes down what a server tells.
    private final class Observer: ChatServerObserver {
        var events: [String] = []
        func server(_ server: ChatServer, didAccept client: ChatServer.Client) { events.append("accepted") }
        func server(
            _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
        ) {
            for index in range { events.append("relayed \(messages.withMessage(at: index) { text($0) })") }
        }
        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
            events.append("closed: \(reason)")
        }
    }

    @Test("What one client sends reaches every other client, and never itself")
    func relay() throws {
        let room = try ChatRoom(3)
        try room.clients[0].send("hello\n")
        try room.clients[1].send("you\n")
        try room.run(until: "all deliveries") { room.clients.map(\.lines.count) == [1, 1, 2] }
        #expect(room.clients[0].text == "you\n")
        #expect(room.clients[1].text == "hello\n")
        #expect(Set(room.clients[2].lines) == ["hello", "you"])
    }

    @Test("A client gets what is published after it was accepted; there is no history")
    func noHistory() throws {
        let room = try ChatRoom(2)
        try room.clients[0].send("early\n")
        try room.run(until: "the first line") { room.clients[1].text == "early\n" }
        let late = try room.join()
        try room.clients[0].send("late\n")
        try room.run(until: "the second line") { late.text.hasSuffix("late\n") }
        #expect(late.text == "late\n")
    }

    @Test("A carriage return before the newline is dropped, an empty line is a message, and bytes are not interpreted")
    func bytes() throws {
        let room = try ChatRoom(2)
        try room.clients[0].send(Array("one\r\n\n".utf8) + [0, 27, 0xFF, 10])
        try room.run(until: "all of it") { room.clients[1].bytes.count >= 9 }
        #expect(room.clients[1].bytes == Array("one\n\n".utf8) + [0, 27, 0xFF, 10])
    }

    @Test("A client that sends no newline at all is served all the same, and what it says is relayed as a line")
    func noNewline() throws {
        let room = try ChatRoom(2)
        try room.clients[0].send("hello")
        try room.run(until: "the line") { room.clients[1].text == "hello\n" }
    }

    @Test("What is unfinished at the end of a client's input counts as a message")
    func unfinished() throws {
        let room = try ChatRoom(2) { $0.framing = .lines }
        try room.clients[0].send("one\nrest")
        room.clients[0].shutDownSending()
        try room.run(until: "the lines") { room.clients[1].lines.count == 2 }
        #expect(room.clients[1].text == "one\nrest\n")
    }

    @Test(
        "The quit word closes its sender's connection and is relayed to nobody; what came before it is relayed, what comes after it is not"
    )
    func quitWord() throws {
        let room = try ChatRoom(2)
        try room.clients[0].send("before\nx\nafter\n")
        try room.run(until: "the end") { room.clients[0].hasEnded }
        room.clients[0].close()
        try room.run(until: "the client's end") { room.server.clientCount == 1 }
        room.server.announce("end")
        try room.run(until: "the announcement") { room.clients[1].lines.last == "end" }
        #expect(room.clients[1].text == "before\nend\n")
    }

    @Test("A client that quits gets what was published before")
    func quitterGetsEverything() throws {
        let room = try ChatRoom(2)
        try room.clients[1].send("for you\n")
        try room.run(until: "the line") { room.clients[0].text == "for you\n" }
        room.server.announce("bye")
        try room.clients[0].send("x\n")
        try room.run(until: "the end") { room.clients[0].hasEnded }
        #expect(room.clients[0].text == "for you\nbye\n")
    }

    @Test("Only a whole line that is the quit word counts", arguments: ["xx", "X", " x", "x "])
    func almostTheQuitWord(line: String) throws {
        let room = try ChatRoom(2)
        try room.clients[0].send(line + "\n")
        try room.run(until: "the line") { room.clients[1].lines.count == 1 }
        #expect(room.clients[1].text == line + "\n")
        #expect(room.server.clientCount == 2)
    }

    @Test("The quit word can be another, or none", arguments: ["leave now", nil])
    func otherQuitWord(word: String?) throws {
        let room = try ChatRoom(2) { $0.quitWord = word }
        try room.clients[0].send("x\n")
        try room.run(until: "the line") { room.clients[1].text == "x\n" }
        if let word {
            try room.clients[0].send(word + "\n")
            try room.run(until: "the end") { room.clients[0].hasEnded }
            #expect(room.clients[1].text == "x\n")
        }
        #expect(!room.clients[1].hasEnded)
    }

    @Test("The sender of a line that is too long is told, and the lines around it are relayed")
    func longLine() throws {
        let room = try ChatRoom(2) { $0.maximumMessageLength = 10 }
        try room.clients[0].send("1234567890\n12345678901\nend\n")
        try room.run(until: "the last line") { room.clients[1].lines.last == "end" && !room.clients[0].lines.isEmpty }
        #expect(room.clients[0].text == "! line too long: the limit is 10 bytes\n")
        #expect(room.clients[1].text == "1234567890\nend\n")
        #expect(!room.clients[0].hasEnded)
    }

    @Test("The third such line within a minute closes it, after the reply has been sent")
    func threeLongLines() throws {
        let room = try ChatRoom(2) { $0.maximumMessageLength = 10 }
        for count in 1...3 {
            #expect(!room.clients[0].hasEnded)
            try room.clients[0].send("12345678901\n")
            try room.run(until: "reply \(count)") { room.clients[0].lines.count >= count }
        }
        try room.run(until: "the end") { room.clients[0].hasEnded }
        #expect(room.clients[0].lines.prefix(3).allSatisfy { $0 == "! line too long: the limit is 10 bytes" })
        #expect(room.clients[0].lines.dropFirst(3) == ["! goodbye: three lines were too long within a minute"])
        #expect(room.clients[1].text == "")
    }

    @Test(
        "With chunks, the same bytes are relayed and nothing is added; a chunk of the quit word alone counts",
        arguments: ["x", "x\n"])
    func chunks(quit: String) throws {
        let room = try ChatRoom(2) { $0.framing = .chunks }
        try room.clients[0].send("no newline")
        try room.run(until: "the chunk") { room.clients[1].text == "no newline" }
        try room.clients[0].send(quit)
        try room.run(until: "the end") { room.clients[0].hasEnded }
        #expect(room.clients[1].text == "no newline")
    }

    @Test("An announcement is a line for every client, if it is short enough to be published")
    func announce() throws {
        let room = try ChatRoom(3)
        #expect(room.server.announce("welcome"))
        #expect(!room.server.announce(String(repeating: "a", count: 1_000_000)))
        #expect(room.server.announce(""))
        try room.run(until: "the announcements") { room.clients.allSatisfy { $0.lines.count == 2 } }
        #expect(room.clients.map(\.text) == ["welcome\n\n", "welcome\n\n", "welcome\n\n"])
    }

    @Test("A client that shuts down its sending side is sent what was published before, and is then closed")
    func halfClose() throws {
        let room = try ChatRoom(2)
        room.server.announce("before")
        try room.clients[0].send("last words\n")
        room.clients[0].shutDownSending()
        try room.run(until: "the end") { room.clients[0].hasEnded && room.server.clientCount == 1 }
        #expect(room.clients[0].text == "before\n")
        #expect(room.clients[1].lines.contains("last words"))
    }

    @Test("How many clients are connected is known")
    func clientCount() throws {
        let room = try ChatRoom(0)
        #expect(room.server.clientCount == 0)
        for count in 1...3 {
            try room.join()
            #expect(room.server.clientCount == count)
        }
        room.clients[1].close()
        try room.run(until: "the end") { room.server.clientCount == 2 }
    }

    @Test("Observers are told who comes, what is relayed and who goes, in the order in which they were added")
    func observers() throws {
        let room = try ChatRoom(0)
        let observers = [Observer(), Observer()]
        for observer in observers { room.server.addObserver(observer) }
        try room.join()
        try room.join()
        try room.clients[0].send("one\ntwo\nx\nthree\n")
        try room.run(until: "the end") { room.clients[0].hasEnded }
        room.clients[0].close()
        room.clients[1].shutDownSending()
        try room.run(until: "both ends") { room.server.clientCount == 0 }
        for observer in observers {
            #expect(observer.events.prefix(4) == ["accepted", "accepted", "relayed one", "relayed two"])
            #expect(
                Set(observer.events.dropFirst(4)) == ["closed: \(CloseReason.requested)", "closed: \(CloseReason.endOfInput)"])
            #expect(observer.events.count == 6)
        }
    }

    @Test("An observer that was taken back is told nothing more; the others are")
    func removedObserver() throws {
        let room = try ChatRoom(0)
        let observers = [Observer(), Observer()]
        for observer in observers { room.server.addObserver(observer) }
        room.server.removeObserver(observers[0])
        room.server.removeObserver(observers[0])
        try room.join()
        #expect(observers.map(\.events) == [[], ["accepted"]])
    }

    @Test("Each client is in the server's room, and has a name that stays; its connection is there until it is closed")
    func clients() throws {
        let room = try ChatRoom(2)
        #expect(room.server.clients.count == 2)
        #expect(Set(room.server.clients.map(\.id)) == Set(room.server.room.clients.map(\.id)))
        let client = try #require(room.server.clients.first)
        #expect(client.room === room.server.room)
        #expect(client.connection?.handler === client)
        client.connection?.finish()
        let id = client.id
        try room.run(until: "the end") {
            for peer in room.clients where peer.hasEnded { peer.close() }
            return room.server.clientCount == 1
        }
        #expect(client.connection == nil)
        #expect(client.id == id)
        #expect(room.server.clients.count == 1)
        #expect(room.server.room.clients.count == 1)
    }

    @Test("A client that is closed as too slow is told so in its last line")
    func tooSlow() throws {
        let room = try ChatRoom(2) { $0.slowClients = .disconnect }
        let connection = try #require(room.server.clients.compactMap(\.connection).min { $0.id.description < $1.id.description })
        while !connection.isFinishing {
            room.server.announce(String(repeating: "a", count: 9_999))
            try room.loop.runOnce(waitingAtMost: .zero)
            room.clients[1].read()
        }
        try room.run(until: "its end") { room.clients[0].hasEnded }
        #expect(room.clients[0].lines.last == "! goodbye: you are reading too slowly")
        #expect(!room.clients[1].hasEnded)
    }

    @Test("A client that is skipped is told between two messages how many it missed")
    func skipped() throws {
        let room = try ChatRoom(2) {
            $0.slowClients = .skip
            $0.logCapacity = 524_288
        }
        // Much more than the log and the kernel take for the one that does not read.
        let line = String(repeating: "a", count: 999) + "\n"
        for number in 0..<20_000 {
            room.server.announce(String(line.dropLast()))
            if number % 50 == 0 {
                try room.loop.runOnce(waitingAtMost: .zero)
                room.clients[0].read()
            }
        }
        room.server.announce("end")
        try room.run(until: "the last line") { room.clients.allSatisfy { $0.ends(in: "\nend\n") } }
        var (received, missed) = (0, 0)
        for line in room.clients[1].lines {
            if line.hasPrefix("! ") {
                let words = line.split(separator: " ")
                missed += try #require(Int(words[1]))
                #expect(words.dropFirst(2).joined(separator: " ") == "messages skipped: you are reading too slowly")
            } else {
                received += 1
            }
        }
        #expect(missed > 0)
        #expect(received + missed == 20_001)
        #expect(room.clients[0].lines.count == 20_001)
    }

    @Test("A server is put up as in its documentation's example, on every address of a name")
    func example() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let server = try ChatServer(on: loop)
        var addresses: [SocketAddress] = []
        for address in try Endpoint("127.0.0.1:0").resolve() { addresses.append(try server.listen(on: address).address) }
        let path = TemporaryPath()
        addresses.append(try server.listen(on: .unix(path: path.path)).address)
        let clients = try addresses.map { try Peer(to: $0) }
        try loop.run(until: "the clients") { server.clientCount == clients.count }
        try clients[0].send("hello\n")
        try loop.run(until: "the line") { clients[1].text == "hello\n" }
        #expect(server.loop === loop)
    }

    @Test("Its settings are those that the documentation states")
    func defaults() throws {
        let configuration = ChatServer.Configuration()
        #expect(configuration.framing as? AutomaticFraming == .automatic())
        #expect(configuration.maximumMessageLength == 65_536)
        #expect(configuration.quitWord == "x")
        #expect(configuration.logCapacity == 1_048_576)
        #expect(configuration.slowClients == .backpressure())
    }
}
