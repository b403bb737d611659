import Glibc
import Reactor
import TestSupport
import Testing

/// `chatd --listen web:…`: those who come by WebSocket, and those who speak lines, are in one room.
@Suite struct WebListenerTests {
    /// Listens for lines and for the web.
    private static let both = ["--listen", "127.0.0.1:0", "--listen", "web:127.0.0.1:0"]

    private func webPort(of daemon: Daemon) throws -> UInt16 {
        let port = daemon.addresses.last?.firstMatch(of: #/^web:127\.0\.0\.1:(\d+)$/#)?.1
        return try #require(port.flatMap { UInt16($0) }, "\(daemon.addresses)")
    }

    // MARK: - One room

    @Test func `a chat of lines, of text and of JSON`() throws {
        try withDaemon(Self.both + ["--chat", "--name", "tea"], listeners: 2) { daemon in
            let port = try webPort(of: daemon)
            let lines = try daemon.connect()
            #expect(try lines.receiveLine() == "* welcome to tea; you are guest1; 1 online")
            let page = try WebSocketPeer(port: port, subprotocols: ["chat.json", "chat.text"])
            #expect(page.head.contains("Sec-WebSocket-Protocol: chat.json\r\n"))
            let welcome = try #require(try page.receiveText())
            #expect(
                welcome.hasPrefix(#"{"type":"welcome","server":"tea","version":1,"name":"guest2","room":"lobby""#), "\(welcome)")
            #expect(try lines.receiveLine() == "* guest2 joined (2 online)")
            let text = try WebSocketPeer(port: port)
            #expect(!text.head.contains("Sec-WebSocket-Protocol"))
            #expect(try text.receiveText() == "* welcome to tea; you are guest3; 3 online")
            #expect(try lines.receiveLine() == "* guest3 joined (3 online)")
            #expect(try page.receiveText()?.contains(#""type":"join""#) == true)

            try lines.send("from a line\n")
            #expect(try text.receiveText() == "guest1: from a line")
            #expect(try page.receiveText()?.contains(#""from":"guest1","text":"from a line""#) == true)
            try text.send(.text("olá <b>"))
            #expect(try lines.receiveLine() == "guest3: olá <b>")
            #expect(try page.receiveText()?.contains(#""from":"guest3","text":"olá <b>""#) == true)
            try page.send(.text("/me waves\r\n"))
            #expect(try lines.receiveLine() == "guest2: *waves*")
            #expect(try text.receiveText() == "guest2: *waves*")
            #expect(try page.receiveText()?.hasPrefix(#"{"type":"sent""#) == true)
            // An answer of several lines is a frame for each.
            try text.send(.text("/rooms"), .text("/history 2"))
            #expect(try text.receiveText() == "* lobby (3 online)")
            let history = try (0..<4).map { _ in try #require(try text.receiveText()) }
            #expect(history.first == "* history of lobby:" && history.last == "* end of history (2)")
            // And text can become JSON, over the same connection.
            try text.send(.text("/json"), .text("/ping"))
            #expect(try text.receiveText()?.hasPrefix(#"{"type":"welcome""#) == true)
            #expect(try text.receiveText()?.hasPrefix(#"{"type":"pong""#) == true)
            try text.send(.text("/quit bye"))
            var last = try text.receiveFrame()
            while last?.opcode == 1 { last = try text.receiveFrame() }
            #expect(last?.closeCode == 1000)
        }
    }

    @Test func `a relay`() throws {
        try withDaemon(Self.both + ["--print"], listeners: 2) { daemon in
            let port = try webPort(of: daemon)
            let line = try daemon.connect()
            let (ana, ben) = (
                try WebSocketPeer(port: port, subprotocols: ["chat.json", "chat.text"]), try WebSocketPeer(port: port)
            )
            #expect(ana.head.contains("Sec-WebSocket-Protocol: chat.text\r\n"))
            // Who comes last has come once its line is there.
            try ben.send(.text("one\ntwo"))
            #expect(try [ana.receiveText(), ana.receiveText()] == ["one", "two"])
            #expect(try line.receiveLines(2) == ["one", "two"])
            try line.send([0x61, 0xFF, 0x0D, 0x0A])
            // A text is UTF-8, and a line is what it was.
            #expect(try ana.receiveText() == "a\u{FFFD}")
            #expect(try ben.receiveText() == "a\u{FFFD}")
            #expect(try [daemon.process.output.line(), daemon.process.output.line()] == ["one", "two"])
            try ana.send(.text("x"))
            #expect(try ana.receiveFrame()?.closeCode == 1000)
            // The last that is sent when the daemon ends.
            daemon.process.send(signal: SIGTERM)
            #expect(try ben.receiveText() == "! goodbye: the server is shutting down")
            #expect(try ben.receiveFrame()?.closeCode == 1001)
            #expect(try line.receiveLine() == "! goodbye: the server is shutting down")
        }
    }

    @Test func `a line that is too long`() throws {
        try withDaemon(["--listen", "web:127.0.0.1:0", "--max-line", "100"]) { daemon in
            let peer = try WebSocketPeer(port: webPort(of: daemon))
            for _ in 1...2 {
                try peer.send(.text(String(repeating: "a", count: 101)))
                #expect(try peer.receiveText() == "! line too long: the limit is 100 bytes")
            }
            try peer.send(.text(String(repeating: "a", count: 3_000)))
            #expect(try peer.receiveText() == "! line too long: the limit is 100 bytes")
            #expect(try peer.receiveText() == "! goodbye: three lines were too long within a minute")
            #expect(try peer.receiveFrame()?.closeCode == 1009)
        }
    }

    // MARK: - HTTP

    @Test func `the page, and what there is besides`() throws {
        try withDaemon(Self.both + ["--metrics", "127.0.0.1:0"], listeners: 3) { daemon in
            let listener = daemon.addresses.first { $0.hasPrefix("web:") } ?? ""
            let port = try #require(UInt16(listener.split(separator: ":").last ?? ""))
            let get = { (path: String) in
                try Peer(port: port).ask("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?.first
            }
            let (first, second) = (try #require(try get("/")), try #require(try get("/")))
            #expect(first.status == 200 && first.fields["content-type"] == "text/html; charset=utf-8")
            #expect(first.content.lowercased().hasPrefix("<!doctype html>") && first.content.utf8.count <= 40_960 + 100)
            // The number that lets scripts run is in the page and in its policy, and another one each time.
            let policy = try #require(first.fields["content-security-policy"])
            let nonce = try #require(policy.firstMatch(of: #/script-src 'nonce-([A-Za-z0-9+\/]{22}==)'/#)?.1)
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(first.content.contains(" nonce=\"\(nonce)\">") && !first.content.contains("{{nonce}}"))
            #expect(!second.content.contains(nonce))
            #expect(try ["/healthz", "/nothing", "/ws"].map { try get($0)?.status } == [200, 404, 426])
            _ = try? WebSocketPeer(port: port, fields: ["Origin: http://elsewhere.example.org"])
            let metrics = try #require(daemon.addresses.last?.firstMatch(of: #/:(\d+)\/metrics/#)?.1)
            let counts = try Peer(port: #require(UInt16(metrics))).ask(
                "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?.first
            for (status, count) in [(200, 3), (403, 1), (404, 1), (426, 1)] {
                let sample = "chatd_web_responses_total{status=\"\(status)\"} \(count)\n"
                #expect(counts?.content.contains(sample) == true, "\(sample)")
            }
        }
    }

    @Test func `pages of other sites`() throws {
        let arguments = ["--listen", "web:127.0.0.1:0", "--web-origin", "https://Chat.example.org:443/"]
        try withDaemon(arguments) { daemon in
            let port = try webPort(of: daemon)
            for origin in ["http://localhost", "https://localhost:443", "https://chat.example.org", "HTTPS://Chat.Example.org"] {
                _ = try WebSocketPeer(port: port, fields: ["Origin: \(origin)"])
            }
            for origin in ["https://chat.example.org:8443", "http://chat.example.org", "https://evil.example.org", "null"] {
                let refused = #expect(throws: WebSocketPeer.Refused.self) {
                    try WebSocketPeer(port: port, fields: ["Origin: \(origin)"])
                }
                #expect(refused?.status == 403)
            }
        }
    }

    /// A page elsewhere can have its name mean 127.0.0.1, and is its own origin then.
    @Test(arguments: [
        ("localhost:3080", true), ("127.0.0.1:3080", true), ("[::1]:3080", true), ("evil.example.org:3080", false),
        ("127.0.0.1.evil.example.org", false), ("localhost.evil.example.org", false),
    ])
    func `a page whose name was made to mean this machine`(_ host: String, _ isServed: Bool) throws {
        try withDaemon(["--listen", "web:127.0.0.1:0"]) { daemon in
            let peer = try? WebSocketPeer(port: webPort(of: daemon), host: host, fields: ["Origin: http://\(host)"])
            #expect((peer != nil) == isServed)
            // What is no page has no origin, and may call this machine what it likes.
            _ = try WebSocketPeer(port: webPort(of: daemon), host: host)
        }
    }

    @Test func `a connection that was let in before`() throws {
        let denied = TemporaryPath()
        try denied.write("192.0.2.1\n")
        let configuration = TemporaryPath()
        try configuration.write(#"{"listen": ["web:127.0.0.1:0"], "deny": ["@\#(denied.path)"]}"#)
        try withDaemon(["--listen", "web:127.0.0.1:0", "--config", configuration.path]) { daemon in
            let kept = try Peer(port: webPort(of: daemon))
            try kept.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try kept.receiveLine() == "HTTP/1.1 200 OK\r")
            try denied.write("127.0.0.0/8\n")
            daemon.process.send(signal: SIGHUP)
            try wait(for: "the new list") {
                try Peer(port: webPort(of: daemon)).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")?.first?.status == 403
            }
            while let line = try kept.receiveLine(), line != "\r" {}
            _ = try kept.receiveLine()
            let refused = #expect(throws: WebSocketPeer.Refused.self) { try WebSocketPeer(asking: kept) }
            #expect(refused?.status == 403)
        }
    }

    @Test func `who is not let in gets a response that says why`() throws {
        try withDaemon(["--listen", "web:127.0.0.1:0", "--max-per-address", "1"]) { daemon in
            let port = try webPort(of: daemon)
            let first = try WebSocketPeer(port: port)
            let answer = try #require(try Peer(port: port).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")?.first)
            #expect(answer.status == 429 && answer.content == "there are too many connections from your address\n")
            first.peer.close()
            try wait(for: "room") { (try? WebSocketPeer(port: port)) != nil }
        }
        try withDaemon(["--listen", "web:127.0.0.1:0", "--deny", "127.0.0.1"]) { daemon in
            let answer = try #require(try Peer(port: webPort(of: daemon)).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")?.first)
            #expect(answer.status == 403 && answer.content == "you may not connect from your address\n")
        }
    }

    /// Who only loads the page, or says nothing, is no client, and counts as long as it is there.
    @Test func `half a head`() throws {
        try withDaemon(["--listen", "web:127.0.0.1:0", "--max-connections", "2", "--log-level", "debug"]) { daemon in
            let port = try webPort(of: daemon)
            let (silent, slow) = (try Peer(port: port), try Peer(port: port))
            try slow.send("GET / HTTP/1.1\r\nHo")
            try wait(for: "both") { try Peer(port: port).ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")?.first?.status == 503 }
            silent.close()
            try wait(for: "room") { (try? WebSocketPeer(port: port)) != nil }
            try slow.send("st: a\r\nConnection: close\r\n\r\n")
            #expect(HTTPAnswer.all(in: String(decoding: try slow.receiveAll(), as: UTF8.self))?.first?.status == 200)
        }
    }

    // MARK: - Proxies

    @Test(
        arguments: [
            (["X-Forwarded-For: 203.0.113.9"], "203.0.113.9:0"),
            (["X-Forwarded-For: 198.51.100.1, 203.0.113.9, 127.0.0.9"], "203.0.113.9:0"),
            (["X-Forwarded-For: 198.51.100.1", "X-Forwarded-For: 203.0.113.9"], "203.0.113.9:0"),
            (["X-Forwarded-For: 2001:db8::1"], "[2001:db8::1]:0"), (["X-Forwarded-For: [2001:db8::1]:4711"], "[2001:db8::1]:0"),
            (["Forwarded: for=198.51.100.1, for=\"[2001:db8::1]:4711\";proto=https"], "[2001:db8::1]:0"),
            (["Forwarded: by=10.0.0.1;FOR=203.0.113.9", "X-Forwarded-For: 203.0.113.9"], "203.0.113.9:0"),
            (["Forwarded: for=unknown"], "127.0.0.1"), (["X-Forwarded-For: nonsense"], "127.0.0.1"), ([], "127.0.0.1"),
            (["Forwarded: for=198.51.100.1", "X-Forwarded-For: 203.0.113.9"], nil),
        ] as [([String], String?)])
    func `a proxy names whom it calls for`(_ fields: [String], _ address: String?) throws {
        let control = TemporaryPath()
        let arguments = [
            "--listen", "web:127.0.0.1:0", "--web-proxy", "127.0.0.0/8", "--chat", "--control", "unix:\(control.path)",
        ]
        try withDaemon(arguments) { daemon in
            guard let address else {
                let refused = #expect(throws: WebSocketPeer.Refused.self) {
                    try WebSocketPeer(port: webPort(of: daemon), fields: fields)
                }
                #expect(refused?.status == 400)
                return
            }
            let peer = try WebSocketPeer(port: webPort(of: daemon), fields: fields)
            _ = try peer.receiveText()
            let who = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(control.path)", "who"])
            let answer = String(decoding: try who.output.all(), as: UTF8.self)
            #expect(answer.contains("from \(address)"), "\(answer)")
        }
    }

    @Test func `from elsewhere the field says nothing, and a ban is about whom the proxy names`() throws {
        let bans = TemporaryPath()
        let arguments = ["--listen", "web:127.0.0.1:0", "--web-proxy", "127.0.0.2", "--max-per-address", "1"]
        try withDaemon(arguments) { daemon in
            let port = try webPort(of: daemon)
            let proxy = SocketAddress.ipv4(address: 0x7F00_0002, port: 0)
            func come(from source: SocketAddress, as address: String) throws -> WebSocketPeer {
                try WebSocketPeer(
                    asking: Peer(to: .loopback(port: port), from: source), fields: ["X-Forwarded-For: \(address)"])
            }
            let first = try come(from: proxy, as: "203.0.113.1")
            let second = try come(from: proxy, as: "203.0.113.2")
            #expect(throws: WebSocketPeer.Refused.self) { try come(from: proxy, as: "203.0.113.1") }
            let direct = SocketAddress.ipv4(address: 0x7F00_0003, port: 0)
            let third = try come(from: direct, as: "203.0.113.3")
            #expect(throws: (any Error).self) { try come(from: direct, as: "203.0.113.4") }
            withExtendedLifetime((first, second, third, bans)) {}
        }
    }

    @Test func `a path is for a proxy`() throws {
        let directory = try TemporaryDirectory()
        let (path, control) = (directory.path + "/web", directory.path + "/control")
        let arguments = ["--listen", "web+unix:\(path)", "--chat", "--control", "unix:\(control)"]
        try withDaemon(arguments) { daemon in
            #expect(daemon.addresses == ["web+unix:\(path)"])
            let peer = try WebSocketPeer(asking: Peer(to: .unix(path: path)), fields: ["X-Forwarded-For: 203.0.113.9"])
            _ = try peer.receiveText()
            let who = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(control)", "who"])
            #expect(String(decoding: try who.output.all(), as: UTF8.self).contains("from 203.0.113.9"))
        }
    }

    // MARK: - What somebody may have written

    @Test(arguments: [
        (["--listen", "web:unix:/x,mode=9"], "mode"),
        (["--web-origin", "chat.example.org"], "is no origin"), (["--web-origin", "https://a/b"], "is no origin"),
        (["--web-origin", "https://u@a"], "is no origin"),
        (["--metrics", "web:127.0.0.1:0"], "no part of what web: serves"),
        (["--web-proxy", "x"], "no address"),
    ])
    func `a wrong option`(_ arguments: [String], _ words: String) throws {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
        #expect(try process.waitForEnd() == .exit(EX_USAGE))
        #expect(String(decoding: try process.error.all(), as: UTF8.self).contains(words))
    }
}
