import Glibc
import TestSupport
import Testing

/// The client knows a chat by its first line, and says nothing of its own to any other server.
struct GreetingTests {
    private let server: PlayedServer

    init() throws {
        server = try PlayedServer()
    }

    private func start(_ arguments: [String] = []) throws -> ChildProcess {
        try startChat(["\(server.address)", "--plain"] + arguments, input: .terminal, output: .terminal, error: .terminal)
    }

    @Test(arguments: [
        "hello\n", "* welcome\n", "* welcome to tea\n", " * welcome to tea; you are guest1; 1 online\n",
        "welcome to tea; you are guest1; 1 online\n",
        "ana: * welcome to tea; you are guest1; 1 online\n", "\n* welcome to tea; you are guest1; 1 online\n",
        "{\"type\":\"welcome\"}\n",
        "hello\n* welcome to tea; you are guest1; 1 online\n",
        "* welcome to \(String(repeating: "a", count: 2_000)); you are guest1; 1 online\n",
    ])
    func `any other first line is a relay's, which gets what is typed and nothing else`(first: String) throws {
        let chat = try start(["--name", "ana", "--room", "tea", "--history", "5"])
        let client = try server.accept()
        try client.send(first)
        try chat.write("typed\nx\n")
        #expect(try client.receiveAll() == Array("typed\nx\n".utf8))
        client.close()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test func `a relay that says nothing gets what is typed`() throws {
        let chat = try start()
        let client = try server.accept()
        try chat.write("typed\nx\n")
        #expect(try client.receiveAll() == Array("typed\nx\n".utf8))
        client.close()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test(arguments: [0, 100, 500]) func `a chat that is late is still a chat`(milliseconds: UInt32) throws {
        let chat = try start()
        let client = try server.accept()
        usleep(milliseconds * 1_000)
        // In two pieces, as a slow network may have it.
        try client.send("* welcome to tea; you are guest1")
        usleep(milliseconds * 200)
        try client.send("; 1 online\n* be kind\n")
        #expect(try client.receiveLine() == "/json")
        try client.send(
            #"{"type":"welcome","server":"tea","version":1,"name":"guest1","room":"lobby","epoch":7,"seq":1,"online":1}"# + "\n")
        #expect(try client.receiveLines(2) == ["/who lobby", "/history 20"])
        try client.send(
            #"{"type":"message","seq":2,"time":"2026-11-27T19:03:07.004Z","room":"lobby","from":"ben","text":"hi"}"# + "\n")
        let shown = try chat.output.text(through: "ben: hi\r\n")
        #expect(shown.contains("* be kind\r\n"))
        #expect(!shown.contains("{"))
        try chat.write("hello\n")
        #expect(try client.receiveLine() == "hello")
    }

    @Test func `what is typed to a chat that is late is sent, once`() throws {
        let chat = try start()
        let client = try server.accept()
        try chat.write("typed\n")
        // It was taken for a relay.
        #expect(try client.receiveLine() == "typed")
        try client.send("* welcome to tea; you are guest1; 1 online\n")
        #expect(try client.receiveLine() == "/json")
        try chat.write("more\n")
        #expect(try client.receiveLine() == "more")
    }
}
