import Glibc
import TestSupport
import Testing

/// Where chatd listens, and that it removes its paths.
@Suite struct ListenersTests {
    @Test(.enabled(if: hasIPv6Loopback)) func `by default it listens on both loopback addresses, at one port`() throws {
        try withDaemon(listeners: 2) { daemon in
            #expect(daemon.addresses == ["127.0.0.1:\(daemon.port)", "[::1]:\(daemon.port)"])
            let client = try daemon.join(1)[0]
            try Peer(port6: daemon.port).send("from IPv6\n")
            #expect(try client.receiveLine() == "from IPv6")
        }
    }

    @Test func `a host and port 0 pick a port, and nothing else is listened on`() throws {
        try withDaemon(["--listen", "127.0.0.1:0"]) { daemon in
            #expect(daemon.port != 0)
            if hasIPv6Loopback { #expect(throws: (any Error).self) { try Peer(port6: daemon.port) } }
        }
    }

    @Test(.enabled(if: hasIPv6Loopback)) func `all places that are asked for are one chat`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/socket"
        let arguments = ["--listen", "127.0.0.1:0", "--listen", "[::1]:0", "--listen", "unix:\(path)"]
        try withDaemon(arguments, listeners: 3) { daemon in
            #expect(daemon.addresses[1].hasPrefix("[::1]:"))
            #expect(daemon.addresses[2] == "unix:\(path)")
            let port6 = try #require(UInt16(daemon.addresses[1].dropFirst("[::1]:".count)))
            let clients = try [Peer(port: daemon.port), Peer(port6: port6), Peer(path: path)]
            // Two listeners accept in any order. A client that has received a line has joined.
            for (number, client) in clients.enumerated() {
                while true {
                    try client.send("\(number)?\n")
                    if try clients[(number + 1) % 3].hears("\(number)?") { break }
                }
            }
            for (number, client) in clients.enumerated() {
                try client.send("from \(number)\n")
                for other in clients where other !== client {
                    while let line = try other.receiveLine(), line != "from \(number)" { #expect(line.hasSuffix("?")) }
                }
            }
        }
    }

    @Test(.enabled(if: hasIPv6Loopback), arguments: ["*", "[::]"])
    func `every address means both families, at one port`(host: String) throws {
        try withDaemon(["--listen", "\(host):0"], listeners: 2) { daemon in
            #expect(daemon.addresses == ["0.0.0.0:\(daemon.port)", "[::]:\(daemon.port)"])
            let client = try daemon.join(1)[0]
            try Peer(port6: daemon.port).send("from IPv6\n")
            #expect(try client.receiveLine() == "from IPv6")
        }
    }

    @Test(.enabled(if: hasIPv6Loopback)) func `an address that several places have in common is listened on once`() throws {
        let free = try freePort()
        let arguments = ["127.0.0.1", "0.0.0.0", "[::]", "*", "localhost"].flatMap { ["--listen", "\($0):\(free)"] }
        try withDaemon(arguments, listeners: 2) { daemon in
            #expect(daemon.addresses == ["0.0.0.0:\(free)", "[::]:\(free)"])
            _ = try Peer(port6: free)
        }
    }

    /// In a network of its own, where the loopback interface is down, the process has no IPv6 address.
    @Test(
        .enabled(if: canUnshare, "needs the right to make a network namespace"),
        arguments: [
            [], ["--listen", "localhost:0"], ["--listen", "*:0"], ["--listen", "127.0.0.1:3001", "--listen", "localhost:3001"],
        ])
    func `a machine without IPv6 addresses starts it all the same`(arguments: [String]) throws {
        let daemon = try Daemon(arguments, launcher: ["unshare", "-rn"])
        #expect(daemon.addresses[0].hasPrefix("127.0.0.1:") || daemon.addresses[0].hasPrefix("0.0.0.0:"))
        try daemon.end()
    }

    /// In a network of its own, the kernel may pick four ports. Another daemon has three of them, on IPv6 alone.
    @Test(.enabled(if: canUnshare && canSetUpNetwork, "needs a network namespace, bash and ip"))
    func `the port that is picked is free at all addresses of the host`() throws {
        let script = """
            ip link set lo up
            echo 40000 40003 > /proc/sys/net/ipv4/ip_local_port_range
            exec 3< <("$1" --listen [::1]:40000 --listen [::1]:40001 --listen [::1]:40002 2>&1)
            for _ in 1 2 3; do read -r -u 3; done
            exec "$@"
            """
        // Both daemons end when this one is killed, with their process namespace.
        let launcher = ["unshare", "-rnpf", "--kill-child", "bash", "-c", script, "bash"]
        let daemon = try Daemon(listeners: 2, launcher: launcher)
        #expect(daemon.addresses == ["127.0.0.1:40003", "[::1]:40003"])
    }

    private static let canUnshare =
        (try? ChildProcess("unshare", ["-rn", "true"]).waitForEnd()) == .exit(0)
    private static let canSetUpNetwork = ChildProcess.isInstalled("ip") && ChildProcess.isInstalled("bash")

    /// A port at which nobody listens.
    private func freePort() throws -> UInt16 {
        let daemon = try Daemon()
        defer { daemon.process.kill() }
        return daemon.port
    }

    @Test func `the path of a Unix-domain socket is gone once the daemon has ended`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/socket"
        try withDaemon(["--listen", "unix:\(path)"]) { _ in
            _ = try Peer(path: path)
            #expect(unsafe access(path, F_OK) == 0)
        }
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func `a path that a killed daemon has left behind is taken over`() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/socket"
        let killed = try Daemon(["--listen", "unix:\(path)"])
        killed.process.kill()
        #expect(unsafe access(path, F_OK) == 0)
        try withDaemon(["--listen", "unix:\(path)"]) { _ in _ = try Peer(path: path) }
    }
}

extension Peer {
    /// Whether the line comes soon.
    fileprivate func hears(_ wanted: String) throws -> Bool {
        guard try waitForInput(on: [descriptor], atMost: .milliseconds(50)) == [true] else { return false }
        return try receiveLine() == wanted
    }
}
