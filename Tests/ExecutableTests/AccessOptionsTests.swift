import Glibc
import Reactor
import TestSupport
import Testing

/// Who may come in to a chatd, by its options.
@Suite struct AccessOptionsTests {
    private static let full = "! the server is full, try again later"
    private static let crowded = "! there are too many connections from your address"
    private static let hasty = "! your address connects too often, try again in a minute"
    private static let denied = "! you may not connect from your address"

    private func caller(to daemon: Daemon, from last: UInt32 = 1) throws -> Peer {
        try Peer(to: .loopback(port: daemon.port), from: .ipv4(address: 0x7F00_0000 + last, port: 0))
    }

    /// What a caller is told who is not let in, and then closed.
    private func refusal(by daemon: Daemon, from last: UInt32 = 1) throws -> String {
        String(decoding: try caller(to: daemon, from: last).receiveAll(), as: UTF8.self)
    }

    /// Clients who hear each other: so all of them are in.
    private func expectServed(_ clients: [Peer]) throws {
        for client in clients {
            try client.send("are you there?\n")
            for other in clients where other !== client { #expect(try other.receiveLine() == "are you there?") }
        }
    }

    /// Waits until a client that has left is not counted any more.
    private func waitForRoom(_ join: () throws -> Peer) throws -> Peer {
        var client: Peer?
        try wait(for: "room") {
            let caller = try join()
            guard try waitForInput(on: [caller.descriptor], atMost: .milliseconds(100)) == [false] else { return false }
            client = caller
            return true
        }
        return try #require(client)
    }

    @Test func `--max-connections is how many there are`() throws {
        try withDaemon(["--max-connections", "2"]) { daemon in
            var clients = [try caller(to: daemon), try caller(to: daemon, from: 2)]
            #expect(try refusal(by: daemon, from: 3) == Self.full + "\n")
            try expectServed(clients)
            clients.removeLast()
            clients.append(try waitForRoom { try caller(to: daemon, from: 3) })
            try expectServed(clients)
            #expect(try refusal(by: daemon) == Self.full + "\n")
        }
    }

    @Test func `--max-per-address is how many there are from one`() throws {
        try withDaemon(["--max-per-address", "2"]) { daemon in
            var clients = try [1, 1, 2].map { try caller(to: daemon, from: $0) }
            #expect(try refusal(by: daemon) == Self.crowded + "\n")
            try expectServed(clients)
            clients.removeFirst()
            clients.append(try waitForRoom { try caller(to: daemon) })
            try expectServed(clients)
        }
    }

    @Test func `--connect-rate is how often one may come`() throws {
        try withDaemon(["--connect-rate", "2"]) { daemon in
            let clients = try [1, 1, 2].map { try caller(to: daemon, from: $0) }
            #expect(try refusal(by: daemon) == Self.hasty + "\n")
            try expectServed(clients)
        }
    }

    @Test func `--allow and --deny take addresses, blocks and files, and denying beats allowing`() throws {
        let (allowed, denied) = (TemporaryPath(), TemporaryPath())
        try allowed.write("# the office\n127.0.0.16/28\n")
        try denied.write("127.0.0.17 # the printer")
        let options = ["--allow", "127.0.0.1", "--allow", "@\(allowed.path)", "--deny", "@\(denied.path)"]
        try withDaemon(options + ["--deny", "127.0.0.20/31"]) { daemon in
            try expectServed(try [1, 16, 18, 19, 22, 31].map { try caller(to: daemon, from: $0) })
            for last in [2, 15, 17, 20, 21, 32] as [UInt32] {
                #expect(try refusal(by: daemon, from: last) == Self.denied + "\n", "\(last)")
            }
        }
    }

    @Test func `a file of nobody lets nobody in, except by a Unix-domain socket`() throws {
        let (file, socket) = (TemporaryPath(), TemporaryPath())
        try file.write("# nobody any more\n")
        let places = ["--listen", "127.0.0.1:0", "--listen", "unix:\(socket.path)"]
        try withDaemon(places + ["--allow", "@\(file.path)"], listeners: 2) { daemon in
            #expect(try refusal(by: daemon) == Self.denied + "\n")
            try expectServed([try Peer(path: socket.path), try Peer(path: socket.path)])
        }
    }

    @Test func `a line of a file that is no address ends it, and says where it is`() throws {
        let file = TemporaryPath()
        try file.write("10.0.0.1\n\n10.0.0.0/99\n")
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--port", "0", "--deny", "@\(file.path)"])
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(error.hasPrefix("chatd: cannot use the addresses \(file.path): line 3: '10.0.0.0/99' is no address"), "\(error)")
        #expect(try process.waitForEnd() == .exit(EX_DATAERR))
    }

    @Test(.enabled(if: geteuid() != 0, "root may read everything")) func `a file that may not be read ends it`() throws {
        let file = TemporaryPath()
        try file.write("10.0.0.1\n")
        #expect(unsafe chmod(file.path, 0) == 0)
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--port", "0", "--deny", "@\(file.path)"])
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(error == "chatd: cannot read the addresses \(file.path): Permission denied\n")
        #expect(try process.waitForEnd() == .exit(EX_NOPERM))
    }

    @Test func `refused callers leave no descriptor behind`() throws {
        try withDaemon(["--max-connections", "1"]) { daemon in
            let client = try caller(to: daemon)
            #expect(try refusal(by: daemon) == Self.full + "\n")
            let before = daemon.process.descriptorCount
            for _ in 0..<500 { #expect(try refusal(by: daemon) == Self.full + "\n") }
            // A caller sees its end a moment before chatd has closed it.
            try wait(for: "the last to be closed") { daemon.process.descriptorCount <= before }
            #expect(!client.hasEnded)
        }
    }

    // MARK: - The warning

    @Test(
        arguments: [
            (["--listen", "0.0.0.0:0"], true), (["--listen", "127.0.0.1:0"], false),
            (["--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0"], true),
            (["--listen", "0.0.0.0:0", "--deny", "10.0.0.1"], true),
            (["--listen", "0.0.0.0:0", "--allow", "10.0.0.0/8"], false),
            (["--listen", "0.0.0.0:0", "--max-connections", "9"], false),
            (["--listen", "0.0.0.0:0", "--max-per-address", "9"], false),
            (["--listen", "0.0.0.0:0", "--connect-rate", "9"], false),
        ] as [([String], Bool)])
    func `who listens to the world without a limit is warned once`(arguments: [String], isWarned: Bool) throws {
        let daemon = try Daemon(arguments, listeners: arguments.count { $0 == "--listen" })
        daemon.process.send(signal: SIGTERM)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        let rest = String(decoding: try daemon.process.error.all(), as: UTF8.self)
        let warning =
            "anybody who can reach it can take all of its connections: see --max-per-address, --connect-rate and --allow"
        #expect(rest == (isWarned ? "chatd: \(warning)\n" : ""))
    }

    // MARK: - Unix-domain sockets

    @Test(arguments: ["000", "022", "777"]) func `the path has its mode, whatever the umask is`(umask: String) throws {
        let path = TemporaryPath()
        let launcher = ["/bin/sh", "-c", "umask \(umask); exec \"$0\" \"$@\""]
        try withDaemon(["--listen", "unix:\(path.path),mode=0620"], launcher: launcher) { daemon in
            #expect(daemon.address == "unix:\(path.path)")
            let status = try status(of: path)
            #expect(status.st_mode & 0o7777 == 0o620)
        }
        #expect(!path.exists)
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give a path away"), arguments: ["nobody", "65534"])
    func `the path has its owner and its group, by name or by number`(owner: String) throws {
        let path = TemporaryPath()
        try withDaemon(["--listen", "unix:\(path.path),group=1,mode=0660,owner=\(owner)"]) { _ in
            let status = try status(of: path)
            #expect(status.st_mode & 0o7777 == 0o660)
            #expect(status.st_uid == 65_534)
            #expect(status.st_gid == 1)
            _ = try Peer(path: path.path)
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may give a path away")) func `a path that may not be given away ends it`() throws {
        let path = TemporaryPath()
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--listen", "unix:\(path.path),owner=0"])
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(error == "chatd: cannot give unix:\(path.path) this owner or group: Operation not permitted\n")
        #expect(try process.waitForEnd() == .exit(EX_NOPERM))
        #expect(!path.exists)
    }

    @Test func `a path may have commas`() throws {
        let path = TemporaryPath()
        try withDaemon(["--listen", "unix:\(path.path),a,,mode=0600"]) { daemon in
            #expect(daemon.address == "unix:\(path.path),a,")
            _ = try Peer(path: "\(path.path),a,")
        }
    }

    private func status(of path: TemporaryPath) throws -> stat {
        var status = stat()
        try #require(unsafe lstat(path.path, &status) == 0)
        return status
    }
}
