import Glibc
import Reactor
import TestSupport
import Testing

/// chat reaches a server wherever it listens. If it cannot, or if the server goes away, it prints the reason.
@Suite struct ReachingTheServerTests {
    @Test func `a server that ends`() throws {
        let daemon = try Daemon()
        let peer = try daemon.join(1)[0]
        let chat = try startChat([daemon.address])
        try chat.write("ready\n")
        #expect(try peer.receiveLine() == "ready")
        try peer.send("goodbye\n")
        peer.close()
        try daemon.end()
        // What came before is still printed, and the server's last line is also why it has closed the connection.
        #expect(try chat.output.all() == Array("goodbye\n! goodbye: the server is shutting down\n".utf8))
        let sentence = "chat: the server has closed the connection: the server is shutting down\n"
        #expect(try chat.error.all() == Array(sentence.utf8))
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `a server that is killed while input waits`() throws {
        let daemon = try Daemon()
        let peer = try daemon.join(1)[0]
        let chat = try startChat([daemon.address], input: .terminal)
        try chat.write("ready\n")
        #expect(try peer.receiveLine() == "ready")
        try peer.send("go on\n")
        #expect(try chat.output.line() == "go on")
        daemon.process.kill()
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
        let error = String(decoding: try chat.error.all(), as: UTF8.self)
        #expect(error.hasPrefix("chat: the server "))
        #expect(error.count { $0 == "\n" } == 1)
    }

    @Test(.enabled(if: hasIPv6Loopback)) func `localhost finds a server that listens on IPv6 alone`() throws {
        try withDaemon(["--listen", "[::1]:0"]) { daemon in
            for place in ["[::1]:\(daemon.port)", "localhost:\(daemon.port)"] {
                let peer = try Peer(port6: daemon.port)
                let chat = try startChat([place])
                try chat.write("ready\n")
                #expect(try peer.receiveLine() == "ready")
            }
        }
    }

    @Test func `a Unix-domain socket is a place, too`() throws {
        let directory = try TemporaryDirectory()
        let place = "unix:\(directory.path)/socket"
        try withDaemon(["--listen", place]) { _ in
            let peer = try Peer(path: "\(directory.path)/socket")
            let chat = try startChat([place])
            try chat.write("ready\n")
            #expect(try peer.receiveLine() == "ready")
            try peer.send("answer\n")
            #expect(try chat.output.line() == "answer")
        }
    }

    @Test func `the addresses of a name are tried in their order`() throws {
        // localhost is ::1 and 127.0.0.1; the one at which nobody listens must not end it.
        let server = try PlayedServer()
        let chat = try startChat(["localhost:\(server.address.port ?? 0)"])
        try chat.write("ready\n")
        #expect(try server.accept().receiveLine() == "ready")
    }

    @Test func `each address has as long as the connect timeout`() throws {
        let deaf = try DeafAddress(listens: true)
        let start = ContinuousClock.now
        let chat = try startChat(["\(deaf.address)", "--connect-timeout", "200ms"])
        #expect(try chat.waitForEnd() == .exit(EX_UNAVAILABLE))
        #expect(start.duration(to: .now) >= .milliseconds(200))
        let error = String(decoding: try chat.error.all(), as: UTF8.self)
        #expect(error == "chat: cannot connect to \(deaf.address): connecting took too long\n")
    }

    @Test func `every address that was tried is named, each with its error`() throws {
        // One that nobody listens at, on both families: localhost may be one address or two.
        let deaf = try DeafAddress()
        let port = deaf.address.port ?? 0
        let addresses = try Endpoint("localhost:\(port)").resolve()
        let chat = try startChat(["localhost:\(port)"])
        #expect(try chat.waitForEnd() == .exit(EX_UNAVAILABLE))
        let error = String(decoding: try chat.error.all(), as: UTF8.self)
        #expect(error.hasPrefix("chat: cannot connect to "))
        #expect(error.count { $0 == "\n" } == 1)
        for address in addresses { #expect(error.contains("to \(address): "), "\(error)") }
        #expect(error.contains("127.0.0.1:\(port): Connection refused"))
    }

    @Test func `a Unix-domain socket whose queue is full is told by a sentence`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/socket"
        let server = try PlayedServer(at: .unix(path: path), backlog: 0)
        // The one caller that a queue of no length takes.
        let caller = try Peer(path: path)
        let chat = try startChat(["unix:\(path)"])
        let sentence = "chat: cannot connect to unix:\(path): too many others are waiting to be accepted there\n"
        #expect(try chat.error.all() == Array(sentence.utf8))
        #expect(try chat.waitForEnd() == .exit(EX_UNAVAILABLE))
        withExtendedLifetime((server, caller)) {}
    }

    @Test(arguments: [
        ("hello\n! goodbye: you are reading too slowly\n", ": you are reading too slowly"),
        // What another client may have said must not harm a terminal.
        ("! goodbye: \u{1B}[2J\n", ": ^[[2J"),
        ("! goodbye: and then something else\nhello\n", ""), ("goodbye\n", ""),
        ("hello\n! another notice\n", ""), ("", " without a word; if it speaks TLS, use --tls"), ("! goodbye: unfinished", ""),
        ("! goodbye: " + String(repeating: "a", count: 2_000) + "\n", ""),
        (String(repeating: "a", count: 100_000) + "\n! goodbye: after much\n", ": after much"),
    ])
    func `what a server says in its last line is why it has closed the connection`(sent: String, told: String) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"])
        let client = try server.accept()
        for half in [sent.prefix(sent.count / 2), sent.suffix(sent.count - sent.count / 2)] {
            try client.send(String(half))
            _ = try chat.output.bytes(half.utf8.count)
        }
        client.close()
        #expect(try chat.error.all() == Array("chat: the server has closed the connection\(told)\n".utf8))
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test(arguments: ["the server is full, try again later", "you are banned: \u{1B}[2J"])
    func `a server that says why it lets nobody in, and nothing else, has refused`(reason: String) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"])
        let client = try server.accept()
        try client.send("! \(reason)\n")
        client.close()
        let sentence = "chat: the server has refused: \(reason.replacing("\u{1B}", with: "^["))\n"
        #expect(try chat.error.all() == Array(sentence.utf8))
        #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
    }

    @Test func `a server that resets the connection after its reason`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"])
        let client = try server.accept()
        let line = "! goodbye: you are reading too slowly\n"
        try client.send(line)
        #expect(try chat.output.bytes(line.utf8.count) == Array(line.utf8))
        client.reset()
        let sentence = "chat: the server has closed the connection: you are reading too slowly\n"
        #expect(try chat.error.all() == Array(sentence.utf8))
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }

    @Test func `a server that resets the connection without a reason`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"])
        let client = try server.accept()
        try client.send("hello\n")
        #expect(try chat.output.line() == "hello")
        client.reset()
        #expect(try chat.error.all() == Array("chat: the server is gone: Connection reset by peer\n".utf8))
        #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL))
    }
}
