import Glibc
import Reactor
import TestSupport
import Testing

/// `chatd --loops`: one relay, or one chat, served by several threads.
@Suite struct LoopsTests {
    /// A daemon of several loops, and its metrics.
    private func withLoops(_ count: Int, _ arguments: [String] = [], _ body: (Daemon, _ metrics: UInt16) throws -> Void) throws {
        let places = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--loops", "\(count)"]
        try withDaemon(places + arguments, listeners: 2) { daemon in
            let place = try #require(daemon.addresses[1].firstMatch(of: #/:(\d+)\/metrics/#))
            try body(daemon, try #require(UInt16(place.1)))
        }
    }

    private func sample(_ name: String, at port: UInt16) throws -> Int {
        let text = try Peer(port: port).ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?.first?.content ?? ""
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + " ") })
        return try #require(Int(line.split(separator: " ")[1]))
    }

    /// Clients that are there: each may be on another loop, so that one which was let in later may be there earlier.
    private func join(_ count: Int, to daemon: Daemon, _ metrics: UInt16) throws -> [Peer] {
        let clients = try (0..<count).map { _ in try daemon.connect() }
        try wait(for: "all clients") { try sample("chatd_connections", at: metrics) == count }
        return clients
    }

    @Test func `what one says reaches all, is printed, and is counted once for each`() throws {
        try withLoops(3, ["--print"]) { daemon, metrics in
            let clients = try join(6, to: daemon, metrics)
            for (index, client) in clients.enumerated() { try client.send("hello from \(index)\n") }
            var heard: [[String]] = []
            for client in clients { heard.append(try client.receiveLines(5)) }
            for (index, lines) in heard.enumerated() {
                #expect(Set(lines) == Set((0..<6).filter { $0 != index }.map { "hello from \($0)" }))
            }
            var printed: Set<String> = []
            for _ in 0..<6 { printed.insert(try #require(try daemon.process.output.line())) }
            #expect(printed == Set((0..<6).map { "hello from \($0)" }))
            #expect(try sample("chatd_deliveries_total", at: metrics) == 30)
            #expect(try sample("chatd_messages_received_total", at: metrics) == 6)
            #expect(try sample("chatd_connections_accepted_total", at: metrics) == 6)
            #expect(try sample("chatd_rooms", at: metrics) == 1 && sample("chatd_room_members", at: metrics) == 6)
            try clients[5].send("x\n")
            #expect(try clients[5].receiveLine() == nil)
            try wait(for: "five clients") { try sample("chatd_connections", at: metrics) == 5 }
        }
    }

    @Test func `the operator's lines reach all loops, and their end tells all clients`() throws {
        let places = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--loops", "2", "--console"]
        let daemon = try Daemon(places, listeners: 2, input: .pipe)
        let place = try #require(daemon.addresses[1].firstMatch(of: #/:(\d+)\/metrics/#))
        let clients = try join(4, to: daemon, try #require(UInt16(place.1)))
        try daemon.process.write("tea is ready\n")
        for client in clients { #expect(try client.receiveLine() == "tea is ready") }
        try daemon.end()
        for client in clients { #expect(try client.receiveAll() == Array("! goodbye: the server is shutting down\n".utf8)) }
    }

    @Test func `what is set by a reload holds on all loops`() throws {
        let file = TemporaryPath()
        try file.write(#"{"quit-word": "x"}"#)
        try withLoops(2, ["--config", file.path]) { daemon, metrics in
            let clients = try join(4, to: daemon, metrics)
            try file.write(#"{"quit-word": "bye", "max-connections": 4, "log-level": "debug"}"#)
            daemon.process.send(signal: SIGHUP)
            let line = try daemon.process.error.line()
            #expect(line == "chatd: the configuration was read again; changed: log-level, quit-word, max-connections")
            let late = try daemon.connect()
            #expect(try late.receiveLine() == "! the server is full, try again later")
            for client in clients { try client.send("bye\n") }
            for client in clients { #expect(try client.receiveAll().isEmpty) }
            // Which loop's it was is said with each.
            var loops: Set<Substring> = []
            while loops.count < 2, let line = try daemon.process.error.line() {
                if let loop = line.firstMatch(of: #/debug closed .*loop=(\d)/#) { loops.insert(loop.1) }
            }
            #expect(loops == ["0", "1"])
        }
    }

    // MARK: - A chat

    /// Somebody in it, of whom all have heard.
    private func enter(_ daemon: Daemon, as name: String) throws -> Peer {
        let client = try daemon.connect()
        try client.send("/nick \(name)\n")
        while let line = try client.receiveLine(), line != "* you are now \(name)" {}
        return client
    }

    /// Reads on until a line has come.
    private func read(_ client: Peer, until line: String) throws { while let other = try client.receiveLine(), other != line {} }

    @Test func `a chat has the same people on all loops, and is printed once`() throws {
        let control = TemporaryPath()
        let arguments = [
            "--chat", "--name", "tea", "--print", "--control", "unix:\(control.path)", "--listen", "web:127.0.0.1:0",
        ]
        let places = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--loops", "3"]
        try withDaemon(places + arguments, listeners: 3) { daemon in
            let names = ["ana", "ben", "cleo", "dan"]
            let clients = try names.map { try enter(daemon, as: $0) }
            // Her loop may hear a moment later than his who is called what.
            try read(clients[0], until: "* guest4 is now dan")
            try clients[0].send("hello\n")
            for client in clients.dropFirst() { try read(client, until: "ana: hello") }
            try clients[0].send("/msg dan psst\n")
            try read(clients[3], until: "ana to you: psst")
            try clients[1].send("/who\n")
            try read(clients[1], until: "* in lobby: ana, ben, cleo, dan")
            var printed: [String] = []
            while printed.last?.hasSuffix("ana: hello") != true, let line = try daemon.process.output.line() {
                printed.append(line)
            }
            #expect(printed.count { $0.contains("hello") } == 1)
            let who = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(control.path)", "who"])
            let answer = String(decoding: try who.output.all(), as: UTF8.self)
            for name in names { #expect(answer.contains("\(name) in lobby from 127.0.0.1"), "\(answer)") }
            let place = try #require(daemon.addresses[2].firstMatch(of: #/:(\d+)\/metrics/#))
            let metrics = try #require(UInt16(place.1))
            #expect(try sample("chatd_connections", at: metrics) == 4 && sample("chatd_room_members", at: metrics) == 4)
            #expect(try sample("chatd_rooms", at: metrics) == 1)
            try daemon.end()
            for client in clients { try read(client, until: "! goodbye: the server is shutting down") }
        }
    }

    @Test func `what a chat's operator sets holds on all loops, also by one who has logged in on another`() throws {
        let (file, passwords, motd) = (TemporaryPath(), TemporaryPath(), TemporaryPath())
        let setting = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, "ana", "--operator"],
            input: .pipe)
        try setting.write("tea\n")
        setting.closeInput()
        #expect(try setting.waitForEnd() == .exit(0))
        try motd.write("be kind\n")
        try file.write(#"{"history": 3}"#)
        let arguments = ["--chat", "--motd", motd.path, "--password-file", passwords.path, "--config", file.path]
        try withLoops(2, arguments) { daemon, _ in
            let members = try ["ben", "cleo"].map { try enter(daemon, as: $0) }
            try motd.write("be kinder\n")
            daemon.process.send(signal: SIGHUP)
            #expect(try daemon.process.error.line() == "chatd: the configuration was read again; changed: motd")
            for _ in 0..<2 { try read(try daemon.connect(), until: "* be kinder") }
            // The first is on the second loop, and the second on the first: what they give as operators is run on the first.
            for member in members {
                try member.send("/login ana tea\n")
                try read(member, until: "* you are logged in as ana")
                try member.send("/op motd reload\n/op say hear, hear\n")
                try read(member, until: "* read 1 line")
                try read(member, until: "* hear, hear")
            }
            // Whoever logs in anew takes the place of the one before.
            try read(members[0], until: "! goodbye: you have logged in again, over another connection")
        }
    }

    // MARK: - Processors

    @Test func `each loop is kept on a processor`() throws {
        try withLoops(2, ["--pin-loops"]) { daemon, _ in
            let lists = try daemon.threads.map { try $0.status("Cpus_allowed_list") }
            #expect(lists.allSatisfy { Int($0) != nil }, "\(lists)")
            // The machine of the test may have one alone.
            #expect(Set(lists).count == min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 2))
        }
    }

    /// Those that judge passwords would hold up the loop on its own processor.
    @Test func `other threads are kept on no processor`() throws {
        let passwords = TemporaryPath()
        try passwords.write("ana:*\n")
        let arguments = ["--listen", "127.0.0.1:0", "--chat", "--password-file", passwords.path, "--pin-loops"]
        try withDaemon(arguments) { daemon in
            let lists = try daemon.threads.map { try $0.status("Cpus_allowed_list") }
            #expect(lists.count > 1)
            let expected = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 ? 1 : lists.count
            #expect(lists.count { Int($0) != nil } == expected, "\(lists)")
        }
    }
}
