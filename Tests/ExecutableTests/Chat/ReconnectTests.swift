import Glibc
import TestSupport
import Testing

/// At a terminal, a lost connection is made again: the name and the rooms are taken back, and nothing is sent or shown twice.
struct ReconnectTests {
    private let server: PlayedServer
    private let chat: ChildProcess

    init() throws {
        server = try PlayedServer()
        chat = try startChat(["\(server.address)", "--plain"], input: .terminal, output: .terminal, error: .terminal)
    }

    /// The first connection, in the lobby at the record 10.
    private func enter() throws -> PlayedChat {
        let played = try PlayedChat(accepting: server)
        #expect(try played.commands(1) == ["/json"])
        try played.enter(sequence: 10)
        return played
    }

    @Test func `the name and the place are taken back, in this order, and nothing else is sent`() throws {
        let first = try enter()
        try chat.write("/nick ana\n")
        #expect(try first.commands(1) == ["/nick ana"])
        try first.tell("'type':'notice','text':'you are now ana','name':'ana'")
        try first.say(11, "one")
        try chat.write("mine\n")
        #expect(try first.commands(1) == ["mine"])
        try first.confirm(12)
        try first.say(13, "two")
        try chat.output.text(through: "ben: two\r\n")
        try first.end()
        try chat.output.text(through: "* connection lost: the server has closed the connection\r\n")
        // It waits in the terminal until there is somebody to take it.
        try chat.write("typed meanwhile\n")

        let second = try PlayedChat(accepting: server, name: "guest2")
        // What a chat says to people before it speaks JSON comes again in the replay.
        try second.peer.send("[19:03] ben: one\n[19:03] ana: mine\n* end of history (2)\n")
        #expect(try second.commands(3) == ["/json", "/nick ana", "/resume lobby 7 13"])
        try second.enter(name: "guest2", sequence: 15)
        try second.say(13, "two", isReplayed: true)
        try second.tell("'type':'notice','text':'you are now ana','name':'ana'")
        try second.enter(name: "ana", sequence: 15)
        try second.say(14, "three", isReplayed: true)
        try second.say(15, "four", isReplayed: true)
        try second.tell("'type':'history-end','room':'lobby','count':2")
        try second.say(16, "five")
        #expect(try second.commands(1) == ["typed meanwhile"])
        let shown = try chat.output.text(through: "ben: five\r\n")
        #expect(shown.matches(of: #/ben: (\w+)/#).map { String($0.1) } == ["three", "four", "five"])
        #expect(shown.matches(of: #/connected again/#).count == 1)
        #expect(!shown.contains("mine") && !shown.contains("you are now"))
        try chat.write("x\n")
        #expect(try second.commands(.max) == ["/quit"])
        try second.end()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test func `one without a name of its own takes none back, and what is missing is shown with its count`() throws {
        let first = try enter()
        try first.say(11, "one")
        try chat.output.text(through: "ben: one\r\n")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        #expect(try second.commands(2) == ["/json", "/resume lobby 7 11"])
        try second.enter(name: "guest2", sequence: 150)
        try second.enter(name: "guest2", sequence: 150)
        try second.tell("'type':'gap','room':'lobby','missed':137")
        try second.say(149, "late", isReplayed: true)
        try second.tell("'type':'history-end','room':'lobby','count':1")
        try chat.output.text(through: "! 137 messages are missing here\r\n")
        try chat.output.text(through: "ben: late\r\n")
    }

    @Test func `every room is taken back, the one spoken to last`() throws {
        let first = try enter()
        try first.enter("tea", sequence: 3)
        try first.enter("kitchen", epoch: 9, sequence: 0)
        try first.enter("lobby", sequence: 10)
        try first.say(4, "one", room: "tea")
        try chat.output.text(through: "[tea] ben: one\r\n")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        #expect(try second.commands(4) == ["/json", "/resume tea 7 4", "/resume kitchen 9 0", "/resume lobby 7 10"])
    }

    /// Has the chat come back to the lobby, and the connection break: after that it is in no other room.
    private func expectOnlyLobbyIsResumed(after first: PlayedChat) throws {
        try first.enter("lobby", sequence: 10)
        try first.say(11, "one")
        try chat.output.text(through: "ben: one\r\n")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        try second.enter(name: "guest2", sequence: 11)
        #expect(try second.commands(2) == ["/json", "/resume lobby 7 11"])
        try chat.write("hello\n")
        #expect(try second.commands(1) == ["hello"])
    }

    @Test func `a room that was left is not entered again`() throws {
        let first = try enter()
        try first.enter("tea", sequence: 3)
        try chat.write("/leave\n")
        #expect(try first.commands(1) == ["/leave"])
        try expectOnlyLobbyIsResumed(after: first)
    }

    @Test func `what may not have arrived is told, and not sent again`() throws {
        let first = try enter()
        for text in ["arrived", "lost"] { try chat.write(text + "\n") }
        #expect(try first.commands(2) == ["arrived", "lost"])
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest1")
        #expect(try second.commands(2) == ["/json", "/resume lobby 7 10"])
        try second.enter(sequence: 11)
        try second.enter(sequence: 11)
        try second.say(11, "arrived", from: "guest1", isReplayed: true)
        try second.tell("'type':'history-end','room':'lobby','count':1")
        try second.say(12, "the end")
        let shown = try chat.output.text(through: "ben: the end\r\n")
        #expect(shown.contains("* perhaps not sent: lost\r\n"))
        #expect(!shown.contains("perhaps not sent: arrived"))
        try chat.write("next\n")
        #expect(try second.commands(1) == ["next"])
    }

    @Test func `what a guest had said is the guest's, who is another one now`() throws {
        let first = try enter()
        for text in ["arrived", "/me waves", "/msg ben hi"] { try chat.write(text + "\n") }
        #expect(try first.commands(3) == ["arrived", "/me waves", "/msg ben hi"])
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        try second.enter(name: "guest2", sequence: 13)
        try second.enter(name: "guest2", sequence: 13)
        try second.say(11, "arrived", from: "guest1", isReplayed: true)
        try second.tell(
            "'type':'action','seq':12,'time':'2026-11-27T19:03:07.004Z','room':'lobby','from':'guest1','text':'waves','replayed':true"
        )
        try second.say(13, "others", isReplayed: true)
        try second.tell("'type':'history-end','room':'lobby','count':3")
        try second.say(14, "the end")
        let shown = try chat.output.text(through: "ben: the end\r\n")
        #expect(shown.contains("ben: others") && !shown.contains("guest1: "))
        #expect(shown.matches(of: #/perhaps not sent: (.*)\r\n/#).map { String($0.1) } == ["/msg ben hi"])
    }

    @Test func `a room that was entered and left at once is left, and the one before is not`() throws {
        let first = try enter()
        try chat.write("/join tea\n/leave\n")
        #expect(try first.commands(2) == ["/join tea", "/leave"])
        try first.enter("tea", sequence: 3)
        try expectOnlyLobbyIsResumed(after: first)
    }

    @Test func `who is in a room is told to one who asks, whatever was not answered before the break`() throws {
        let first = try enter()
        #expect(try first.peer.receiveLine() == "/who lobby")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        try second.enter(name: "guest2", sequence: 10)
        try second.enter(name: "guest2", sequence: 10)
        try second.tell("'type':'history-end','room':'lobby','count':0")
        try second.tell("'type':'who','room':'lobby','names':['guest2']")
        try second.tell("'type':'who','room':'lobby','names':['ana','guest2']")
        #expect(try chat.output.text(through: "ana, guest2\r\n").matches(of: #/in lobby/#).count == 1)
    }

    @Test func `a server's name for a room is not said by the user`() throws {
        let played = try enter()
        try played.enter("tea\\n/msg ben hi\\n/quit", sequence: 3)
        try played.say(11, "one")
        try chat.output.text(through: "ben: one\r\n")
        try chat.write("mine\n")
        #expect(try played.commands(1) == ["mine"])
    }

    @Test func `a name that is still taken is asked for again, and told once`() throws {
        let first = try enter()
        try chat.write("/nick ana\n")
        #expect(try first.commands(1) == ["/nick ana"])
        try first.tell("'type':'notice','text':'you are now ana','name':'ana'")
        try chat.output.text(through: "you are now ana\r\n")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        #expect(try second.commands(3) == ["/json", "/nick ana", "/resume lobby 7 10"])
        try second.enter(name: "guest2", sequence: 10)
        try second.tell("'type':'error','text':'somebody else has that name'")
        try second.enter(name: "guest2", sequence: 10)
        try second.tell("'type':'history-end','room':'lobby','count':0")
        try chat.output.text(through: "! somebody else has that name\r\n")
        // After the next break it is asked for again.
        try second.end()
        let third = try PlayedChat(accepting: server, name: "guest3")
        #expect(try third.commands(3) == ["/json", "/nick ana", "/resume lobby 7 10"])
    }

    @Test(arguments: ["the server is shutting down", "you are reading too slowly"])
    func `a server that says goodbye is looked for again`(reason: String) throws {
        let first = try enter()
        try first.tell("'type':'error','text':'goodbye: \(reason)'")
        try first.end()
        let shown = try chat.output.text(through: "* connection lost: \(reason)\r\n")
        #expect(!shown.contains("! goodbye"))
        #expect(try PlayedChat(accepting: server).commands(1) == ["/json"])
    }

    @Test func `a relay is found again, too, and gets what is typed then`() throws {
        let first = try server.accept()
        try first.send("hello\n")
        try chat.output.text(through: "hello\r\n")
        try chat.write("one\n")
        #expect(try first.receiveLine() == "one")
        first.reset()
        try chat.output.text(through: "* connection lost: ")
        try chat.write("two\n")
        let second = try server.accept()
        try second.send("hello again\n")
        try chat.output.text(through: "* connected again\r\n")
        try chat.output.text(through: "hello again\r\n")
        #expect(try second.receiveLine() == "two")
    }

    @Test func `a real server that restarts`() throws {
        let directory = try TemporaryDirectory()
        let place = "unix:\(directory.path)/socket"
        let arguments = ["--chat", "--listen", place, "--room-log", directory.path]
        let first = try Daemon(arguments)
        let chat = try startChat([place, "--plain", "--name", "ana"], input: .terminal, output: .terminal, error: .terminal)
        try chat.output.text(through: "you are now ana\r\n")
        let ben = try Peer(path: "\(directory.path)/socket")
        try ben.send("/nick ben\nbefore\n")
        try chat.output.text(through: "ben: before\r\n")
        try first.end()
        try chat.output.text(through: "* connection lost: the server is shutting down\r\n")
        let second = try Daemon(arguments)
        let again = try Peer(path: "\(directory.path)/socket")
        try again.send("/nick ben\nmeanwhile\n")
        let shown = try chat.output.text(through: "ben: meanwhile\r\n")
        #expect(!shown.contains("before"))
        try chat.write("hello\n")
        while let line = try again.receiveLine(), line != "ana: hello" {}
        try chat.write("x\n")
        #expect(try chat.waitForEnd() == .exit(0))
        again.close()
        try second.end()
    }

    @Test func `it can be left while the server is away`() throws {
        let first = try enter()
        try first.say(11, "one")
        try chat.output.text(through: "ben: one\r\n")
        try first.end()
        try chat.output.text(through: "connection lost")
        chat.send(signal: SIGINT)
        #expect(try chat.waitForEnd() == .signal(SIGINT))
    }
}
