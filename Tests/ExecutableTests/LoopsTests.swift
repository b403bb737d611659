import Glibc
import Reactor
import TestSupport
import Testing

/// `chatd --loops`: one relay, served by several threads.
@Suite struct LoopsTests {
    /// A daemon of several loops, its metrics, and what it prints.
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
