import Glibc
import TestSupport
import Testing

/// In a pipe, a name, a room and a history are asked for once the server is known to be a chat; and nothing is lost, however fast it comes.
struct ChatInAPipeTests {
    @Test func `a name, a room and a history`() throws {
        try withDaemon(["--chat"]) { daemon in
            let ana = try daemon.connect()
            try ana.send("/nick ana\n/join tea\none\ntwo\nthree\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            let chat = try startChat([daemon.address, "--name", "bot", "--room", "tea", "--history", "2", "--linger", "0"])
            try chat.write("hello\n")
            let output = try chat.output.text(through: "* end of history (2)\n")
            chat.closeInput()
            let said = output.split(separator: "\n").compactMap { $0.wholeMatch(of: #/\d\d:\d\d (ana: .*)/#)?.1 }
            #expect(said == ["ana: two", "ana: three"], "\(output)")
            #expect(try chat.waitForEnd() == .exit(0))
            #expect(try ana.receiveLines(2).map { $0.prefix(10) } == ["* bot join", "bot: hello"])
        }
    }

    @Test func `a relay gets the lines alone`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--name", "bot", "--room", "tea", "--history", "2", "--linger", "0"])
        let client = try server.accept()
        try client.send("hello\n")
        #expect(try chat.output.line() == "hello")
        try chat.write("one\nx\n/nick ben\n")
        chat.closeInput()
        #expect(try client.receiveAll() == Array("one\nx\n/nick ben\n".utf8))
        client.close()
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test func `a lost server is told, and not looked for again`() throws {
        for arguments in [["--json"], ["--name", "bot"], ["--json", "--reconnect"]] {
            let server = try PlayedServer()
            let chat = try startChat(["\(server.address)"] + arguments)
            let played = try PlayedChat(accepting: server)
            _ = try played.commands(1)
            try played.enter(sequence: 10)
            try played.say(11, "hello")
            _ = try chat.output.text(through: "hello")
            try played.end()
            #expect(try chat.waitForEnd() == .exit(EX_TEMPFAIL), "\(arguments)")
            #expect(try chat.error.lines(9) == ["chat: the server has closed the connection"])
        }
    }

    @Test(arguments: [["--json"], ["--name", "bot"]], [true, false])
    func `a million lines reach a server that is slow to take them, in bounded memory`(arguments: [String], isChat: Bool) throws {
        let server = try PlayedServer()
        let source = TemporaryPath()
        var content: [UInt8] = []
        for number in 0..<1_000_000 { content += Array("\(number)\n".utf8) }
        try source.write(content)
        let descriptor = try source.open(O_RDONLY)
        defer { close(descriptor) }
        let chat = try startChat(
            ["\(server.address)", "--linger", "0"] + arguments, input: .descriptor(descriptor), output: .null)
        let client = try server.accept()
        if isChat {
            try client.send("* welcome to tea; you are guest1; 1 online\n")
            while try client.receiveLine() != "/json" {}
            try client.send(
                "{\"type\":\"welcome\",\"server\":\"tea\",\"version\":1,\"name\":\"guest1\",\"room\":\"lobby\",\"epoch\":7,\"seq\":1,\"online\":1}\n"
            )
            for command in arguments == ["--json"] ? ["/who lobby"] : ["/nick bot", "/who lobby", "/ping"] {
                #expect(try client.receiveLine() == command)
            }
            if arguments != ["--json"] { try PlayedChat(peer: client).pong() }
        } else {
            try client.send("hello\n")
        }
        // It has sent what the kernel takes, and waits: then it must not read on.
        var before = -1
        try wait(for: "the client to stop") {
            defer { before = client.unreadCount }
            usleep(50_000)
            return before > 0 && before == client.unreadCount
        }
        let peak = chat.peakMemory
        var received: [UInt8] = []
        while received.count < content.count, case let piece = try client.receiveSome(), !piece.isEmpty { received += piece }
        #expect(received == content)
        client.close()
        // Twice what waits for the server, and room for the allocator: all of it would be some 7 MiB of text, and far more in strings.
        #expect(peak > 0 && chat.peakMemory - peak < 6 << 20, "\(chat.peakMemory)")
        #expect(try chat.waitForEnd() == .exit(0))
    }

    @Test(arguments: [["--json"], ["--name", "bot"]]) func `an output that is slow makes the server wait, and loses nothing`(
        arguments: [String]
    ) throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)"] + arguments)
        let client = try server.accept()
        try client.send("first\n")
        var (sent, number) = (0, 0)
        var waiting: [UInt8] = []
        // Until the kernel takes no more for a while: the client does not read on.
        var idle = ContinuousClock.now
        while idle.duration(to: .now) < .milliseconds(500) {
            while waiting.count < 65_536 {
                waiting += Array("\(number)\n".utf8)
                number += 1
            }
            let count = client.sendAvailable(waiting)
            waiting.removeFirst(count)
            sent += count
            if count > 0 { idle = .now } else { usleep(1_000) }
            try #require(sent < 200 << 20, "the client reads without end")
        }
        let peak = chat.peakMemory
        #expect(peak < 300 << 20)
        var next = 0
        _ = try chat.output.line()
        // All that was sent whole is printed, in its order.
        let whole = number - waiting.count { $0 == 10 }
        while next < whole - 1, let line = try chat.output.line() {
            let text = arguments == ["--json"] ? try JSONValue(line)["text"]?.string : line
            guard text == "\(next)" else {
                Issue.record("\(line) and not \(next)")
                return
            }
            next += 1
        }
        #expect(chat.peakMemory - peak < 16 << 20)
    }
}

extension ChildProcess {
    /// The most memory that it has had at once, in bytes, as the kernel counts it: VmHWM. See proc(5).
    var peakMemory: Int {
        let descriptor = unsafe open("/proc/\(pid)/status", O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return 0 }
        let text = String(decoding: (try? StreamReader(takingOver: descriptor).all()) ?? [], as: UTF8.self)
        return text.firstMatch(of: #/VmHWM:\s*(\d+) kB/#).flatMap { Int($0.1) }.map { $0 << 10 } ?? 0
    }
}
