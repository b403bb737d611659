import Glibc
import Reactor
import TestSupport
import Testing

/// chatd behind a proxy.
@Suite struct ProxyProtocolTests {
    private func `operator`(_ socket: TemporaryPath, _ command: String) throws -> String {
        let control = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(socket.path)", command])
        return String(decoding: try control.output.all(), as: UTF8.self)
    }

    @Test func `the address that the proxy names is the one that the operator sees, and that a ban is about`() throws {
        let control = TemporaryPath()
        try withDaemon(["--chat", "--control", "unix:\(control.path)", "--proxy-protocol", "127.0.0.1"]) { daemon in
            let client = try daemon.connect()
            try client.send("PROXY TCP4 203.0.113.9 192.0.2.1 50312 3001\r\n")
            #expect(try client.receiveLine()?.hasPrefix("* welcome") == true)
            #expect(try `operator`(control, "who").contains("from 203.0.113.9:50312"))
            #expect(try `operator`(control, "ban 203.0.113.0/24 rude") != "")
            #expect(try client.receiveLine() == "! banned: rude")
            let again = try daemon.connect()
            try again.send("PROXY TCP4 203.0.113.7 192.0.2.1 50312 3001\r\n")
            #expect(try again.receiveLine() == "! banned: rude")
            // From another source it is what somebody says.
            let other = try Peer(to: .loopback(port: daemon.port), from: .ipv4(address: 0x7F00_0002, port: 0))
            #expect(try other.receiveLine()?.hasPrefix("* welcome") == true)
            let observer = try Peer(to: .loopback(port: daemon.port), from: .ipv4(address: 0x7F00_0003, port: 0))
            #expect(try observer.receiveLine()?.hasPrefix("* welcome") == true)
            _ = try other.receiveLine()
            try other.send("PROXY TCP4 203.0.113.7 192.0.2.1 50312 3001\r\n")
            #expect(try observer.receiveLine()?.hasSuffix(": PROXY TCP4 203.0.113.7 192.0.2.1 50312 3001") == true)
        }
    }

    @Test func `a proxy that sends no header is what the operator is warned of`() throws {
        try withDaemon(["--listen", "127.0.0.1:0", "--proxy-protocol", "127.0.0.0/8"]) { daemon in
            let client = try daemon.connect()
            try client.send("hello\n")
            #expect(try client.receiveAll() == [])
            let line = try #require(try daemon.process.error.line())
            #expect(line.contains(" warning refused address=127.0.0.1:"), "\(line)")
            #expect(line.hasSuffix(#"reason="the proxy has not said for whom it connects""#), "\(line)")
        }
    }

    @Test(
        .enabled(if: ChildProcess.isInstalled("haproxy")),
        arguments: ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id check check-send-proxy"])
    func `HAProxy passes on the addresses of its clients`(option: String) throws {
        let configuration = TemporaryPath()
        try withDaemon(["--max-per-address", "1", "--proxy-protocol", "127.0.0.1"]) { daemon in
            let port = try freePort()
            try configuration.write(
                """
                defaults
                  mode tcp
                  timeout connect 60s
                  timeout client 60s
                  timeout server 60s
                frontend people
                  bind 127.0.0.1:\(port)
                  default_backend chat
                backend chat
                  server chatd 127.0.0.1:\(daemon.port) \(option)

                """)
            let proxy = try ChildProcess("haproxy", ["-db", "-f", configuration.path])
            func connect(from last: UInt32) throws -> Peer {
                try Peer(to: .loopback(port: port), from: .ipv4(address: 0x7F00_0000 + last, port: 0))
            }
            try wait(for: "HAProxy") { (try? Peer(port: port)) != nil }
            let clients = [try connect(from: 5), try connect(from: 6)]
            try wait(for: "both of them") {
                try clients[0].send("hello\n")
                return try waitForInput(on: [clients[1].descriptor], atMost: .milliseconds(100)) == [true]
            }
            #expect(try clients[1].receiveLine() == "hello")
            #expect(try connect(from: 5).receiveLine() == "! there are too many connections from your address")
            proxy.send(signal: SIGKILL)
            _ = try proxy.waitForEnd()
        }
    }

    /// A port at which nobody listens. Another program could take it before HAProxy does; the kernel gives others first.
    private func freePort() throws -> UInt16 {
        let loop = try EventLoop()
        defer { loop.close() }
        return try #require(try loop.listen(on: .loopback(port: 0), handler: RecordingHandler()).address.port)
    }
}
