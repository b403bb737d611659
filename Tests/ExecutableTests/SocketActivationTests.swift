import Glibc
import Reactor
import TestSupport
import Testing

/// Sockets that a service manager has opened, and passes to the daemon when it starts it: `LISTEN_FDS` and what belongs to it.
@Suite struct SocketActivationTests {
    /// A socket that listens, as a service manager opens one.
    private final class PassedSocket {
        let descriptor: Int32
        let address: SocketAddress

        init(at address: SocketAddress = .loopback(port: 0), listens: Bool = true) throws {
            let descriptor = try makeSocket(for: address)
            self.descriptor = descriptor
            let result = unsafe withSystemAddress(address) { unsafe bind(descriptor, $0, $1) }
            guard result == 0, !listens || listen(descriptor, 16) == 0 else { throw Errno.last }
            if case .unix = address { self.address = address } else { self.address = .loopback(port: localPort(of: descriptor)) }
        }

        deinit { close(descriptor) }

        /// As `--listen` names it.
        var place: String { "\(address)" }
    }

    /// A shell that makes descriptors 3 and 4 of its standard streams, and becomes what it is told to run: so the process has the number that
    /// the variables name.
    private func launcher(count: String, names: String? = nil, pid: String = "$$") -> [String] {
        let names = names.map { "LISTEN_FDNAMES='\($0)' " } ?? ""
        return [
            "sh", "-c",
            "exec 3<&0 4>&1 </dev/null >/dev/null; LISTEN_PID=\(pid) LISTEN_FDS=\(count) \(names)exec \"$@\"", "sh",
        ]
    }

    private func withDaemon(
        passing first: PassedSocket, _ second: PassedSocket? = nil, names: String? = nil, _ arguments: [String] = [],
        listeners: Int = 1, _ body: (Daemon) throws -> Void
    ) throws {
        let launcher = launcher(count: second == nil ? "1" : "2", names: names)
        try ExecutableTests.withDaemon(
            arguments, listeners: listeners, launcher: launcher, input: .descriptor(first.descriptor),
            output: second.map { .descriptor($0.descriptor) } ?? .null, body)
    }

    // MARK: - What is passed is served

    @Test func `takes the place of the default, and outlives the daemon`() throws {
        let socket = try PassedSocket()
        // Somebody who came before the daemon did.
        let early = try Peer(to: socket.address)
        try withDaemon(passing: socket) { daemon in
            #expect(daemon.addresses == [socket.place])
            let late = try Peer(to: socket.address)
            try late.send("hello\n")
            #expect(try early.receiveLine() == "hello")
        }
        // The manager still listens: who comes now waits for the next daemon.
        let next = try Peer(to: socket.address)
        #expect(!next.hasEnded)
    }

    @Test func `neither blocks nor is inherited`() throws {
        let socket = try PassedSocket()
        try withDaemon(passing: socket) { daemon in
            let information = try text(of: "/proc/\(daemon.process.pid)/fdinfo/3")
            let flags = try #require(information.firstMatch(of: #/flags:\t([0-7]+)/#)?.1)
            let number = try #require(Int32(flags, radix: 8))
            #expect(number & O_NONBLOCK != 0 && number & O_CLOEXEC != 0)
        }
    }

    @Test func `the path stays`() throws {
        let directory = try TemporaryDirectory()
        let socket = try PassedSocket(at: .unix(path: directory.path + "/socket"))
        try withDaemon(passing: socket) { daemon in
            #expect(daemon.addresses == [socket.place])
            let peers = [try Peer(to: socket.address), try Peer(to: socket.address)]
            try peers[0].send("hello\n")
            #expect(try peers[1].receiveLine() == "hello")
        }
        let next = try Peer(to: socket.address)
        #expect(!next.hasEnded)
    }

    @Test func `comes before what --listen names`() throws {
        let socket = try PassedSocket()
        try withDaemon(passing: socket, nil, ["--listen", "127.0.0.1:0"], listeners: 2) { daemon in
            #expect(daemon.addresses[0] == socket.place)
            let named = try #require(UInt16(daemon.addresses[1].split(separator: ":").last ?? ""))
            let peers = [try Peer(to: socket.address), try Peer(port: named)]
            try peers[1].send("hello\n")
            #expect(try peers[0].receiveLine() == "hello")
        }
    }

    @Test func `metrics by its name`() throws {
        let (clients, metrics) = (try PassedSocket(), try PassedSocket())
        try withDaemon(passing: metrics, clients, names: "metrics:chatd.socket", listeners: 2) { daemon in
            #expect(daemon.addresses == [clients.place, "http://\(metrics.place)/metrics"])
            let answers = try Peer(to: metrics.address).ask("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(answers?.first?.status == 200)
        }
    }

    @Test func `commands by its name`() throws {
        let directory = try TemporaryDirectory()
        let control = try PassedSocket(at: .unix(path: directory.path + "/control"))
        let clients = try PassedSocket()
        try withDaemon(passing: clients, control, names: "chatd.socket:control", ["--chat"]) { daemon in
            #expect(daemon.addresses == [clients.place])
            let chatd = ChildProcess.pathOfExecutable("chatd")
            let process = try ChildProcess(chatd, ["ctl", "--control", control.place, "rooms"])
            let line = try process.output.line()
            #expect(line == "lobby (0 online)")
            #expect(try process.waitForEnd() == .exit(0))
        }
    }

    @Test(.enabled(if: ChildProcess.isInstalled("systemd-socket-activate"), "systemd is not installed"))
    func `systemd starts it when somebody comes`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/socket"
        let process = try ChildProcess(
            "systemd-socket-activate", ["--listen", path, ChildProcess.pathOfExecutable("chatd")])
        _ = try process.error.text(through: "Listening on \(path)")
        let peers = [try Peer(path: path), try Peer(path: path)]
        _ = try process.error.text(through: "chatd: listening on unix:\(path)\n")
        try peers[0].send("hello\n")
        #expect(try peers[1].receiveLine() == "hello")
        process.send(signal: SIGTERM)
        #expect(try process.waitForEnd() == .exit(0))
    }

    // MARK: - What is wrong is said

    private func refusal(
        passing input: ChildProcess.Stream, output: ChildProcess.Stream = .null, _ launcher: [String], _ arguments: [String] = []
    ) throws -> String {
        let process = try ChildProcess(
            launcher[0], launcher.dropFirst() + [ChildProcess.pathOfExecutable("chatd"), "--port", "0"] + arguments, input: input,
            output: output)
        let sentence = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(try process.waitForEnd() == .exit(EX_CONFIG), "\(sentence)")
        return sentence
    }

    @Test(
        arguments: [
            ("0", nil, "$$", "LISTEN_FDS is '0', and not a number of descriptors"),
            ("-1", nil, "$$", "LISTEN_FDS is '-1', and not a number of descriptors"),
            ("two", nil, "$$", "LISTEN_FDS is 'two', and not a number of descriptors"),
            ("2147483647", nil, "$$", "LISTEN_FDS is '2147483647', and not a number of descriptors"),
            ("1", nil, "self", "LISTEN_PID is 'self', and not the number of a process"),
            ("1", nil, "0", "LISTEN_PID is '0', and not the number of a process"),
            ("1", "a:b", "$$", "LISTEN_FDNAMES has 2 names for 1 descriptors"),
            ("3", nil, "$$", "descriptor 5 of LISTEN_FDS=3: Bad file descriptor"),
            ("1", "control", "$$", "a socket called 'control' was passed, and commands need --chat"),
        ] as [(String, String?, String, String)])
    func variables(count: String, names: String?, pid: String, sentence: String) throws {
        let socket = try PassedSocket()
        let launcher = launcher(count: count, names: names, pid: pid)
        #expect(try refusal(passing: .descriptor(socket.descriptor), launcher) == "chatd: \(sentence)\n")
    }

    @Test func `a descriptor that is no listening stream socket`() throws {
        let silent = try PassedSocket(listens: false)
        let (datagrams, peer) = try socketPair(SOCK_DGRAM)
        defer { close(datagrams) }
        for input: ChildProcess.Stream in [.descriptor(silent.descriptor), .descriptor(datagrams), .null] {
            let sentence = "chatd: descriptor 3, called 'unknown', is no listening stream socket\n"
            #expect(try refusal(passing: input, launcher(count: "1")) == sentence)
        }
        withExtendedLifetime(peer) {}
    }

    @Test func `commands at a socket that tells nobody's user`() throws {
        let socket = try PassedSocket()
        #expect(
            try refusal(passing: .descriptor(socket.descriptor), launcher(count: "1", names: "control"), ["--chat"])
                == "chatd: descriptor 3, called 'control', is no listening Unix-domain socket\n")
    }

    #if TLS
        @Test(.enabled(if: TestCertificates.canBeMade)) func `one called 'tls' is for clients with TLS`() throws {
            let (plain, encrypted) = (try PassedSocket(), try PassedSocket())
            let certificates = try TestCertificates()
            let server = try certificates.issue("server", for: ["localhost"])
            let options = ["--chat", "--tls-certificate", server.certificateFile, "--tls-key", server.keyFile]
            try withDaemon(passing: plain, encrypted, names: "chatd.socket:tls", options, listeners: 2) { daemon in
                #expect(daemon.addresses == [plain.place, "tls:\(encrypted.place)"])
                let client = try TLSPeer.openssl.connect(to: encrypted.address.port ?? 0, trusting: server)
                #expect(try client.output.line()?.hasPrefix("* welcome") == true)
            }
            #expect(
                try refusal(passing: .descriptor(encrypted.descriptor), launcher(count: "1", names: "tls"))
                    == "chatd: a socket called 'tls' was passed: there is no --tls-certificate for it\n")
        }
    #endif

    @Test func `what was passed to another process is left alone`() throws {
        let socket = try PassedSocket()
        try ExecutableTests.withDaemon(
            launcher: launcher(count: "1", pid: "1"), input: .descriptor(socket.descriptor), output: .null
        ) { daemon in
            #expect(daemon.addresses != [socket.place])
            _ = try daemon.join(2)
        }
    }

    private func text(of path: String) throws -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        return String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
    }
}
