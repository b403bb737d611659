import Glibc
import Reactor
import TestSupport
import Testing

/// `chatd --listen irc:…`: what the places and the options of access are for IRC clients.
@Suite struct IRCListenersTests {
    private func say(_ lines: String..., to peer: Peer) throws {
        for line in lines { try peer.send("\(line)\r\n") }
    }

    /// The first line with a text in it; of what precedes it nothing is looked at.
    @discardableResult
    private func line(of peer: Peer, with text: String) throws -> String {
        while let line = try peer.receiveLine() { if line.contains(text) { return String(line.filter { $0 != "\r" }) } }
        throw TimedOut("'\(text)'")
    }

    @Test func `a path is a place for IRC clients, for those who may open it`() throws {
        let (path, cloak) = (TemporaryPath(), TemporaryPath())
        try cloak.write("0123456789abcdef\n")
        try withDaemon([
            "--chat", "--name", "tea", "--listen", "irc+unix:\(path.path),mode=0600", "--irc-name", "irc.example.org",
            "--irc-cloak", cloak.path,
        ]) { daemon in
            #expect(daemon.addresses == ["irc+unix:\(path.path)"])
            var status = stat()
            #expect(unsafe stat(path.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            let (ana, ben) = (try Peer(to: .unix(path: path.path)), try Peer(to: .unix(path: path.path)))
            try say("NICK ana", "USER a 0 * :Ana", "JOIN #tea", to: ana)
            #expect(try line(of: ana, with: " 001 ") == ":irc.example.org 001 ana :Welcome to tea, ana!a@localhost")
            try line(of: ana, with: " 366 ana #tea ")
            try say("NICK ben", "USER b 0 * :Ben", "JOIN #tea", "PRIVMSG #tea :hi", to: ben)
            #expect(try line(of: ana, with: "JOIN") == ":ben!b@localhost JOIN #tea")
            #expect(try line(of: ana, with: "PRIVMSG") == ":ben!b@localhost PRIVMSG #tea :hi")
        }
        #expect(unsafe access(path.path, F_OK) != 0)
    }

    @Test func `the address that a proxy names is cloaked, and is what the operator bans`() throws {
        let control = TemporaryPath()
        func `operator`(_ command: String) throws -> String {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["ctl", "--control", "unix:\(control.path)", command])
            return String(decoding: try process.output.all(), as: UTF8.self)
        }
        let arguments = [
            "--chat", "--listen", "irc:127.0.0.1:0", "--control", "unix:\(control.path)", "--proxy-protocol", "127.0.0.1",
        ]
        try withDaemon(arguments) { daemon in
            let ana = try daemon.connect()
            try say("PROXY TCP4 203.0.113.9 192.0.2.1 50312 6667", "NICK ana", "USER a 0 * :Ana", to: ana)
            let welcome = try line(of: ana, with: " 001 ")
            #expect(welcome.contains(#/ ana!a@[a-z2-9]{8}\.[a-z2-9]{8}\.[a-z2-9]{8}\.ip$/#), "\(welcome)")
            #expect(try `operator`("who").contains("from 203.0.113.9:50312"))
            #expect(try `operator`("ban 203.0.113.0/24 rude") != "")
            #expect(try line(of: ana, with: "ERROR").hasPrefix("ERROR :Closing link: "))
            let again = try daemon.connect()
            try say("PROXY TCP4 203.0.113.7 192.0.2.1 50312 6667", "NICK ana", to: again)
            #expect(try line(of: again, with: "") == "ERROR :Closing link: banned: rude")
        }
    }

    @Test func `guests of this machine come in where others have to log in`() throws {
        let passwords = TemporaryPath()
        try passwords.write("ana:$2b$05$\(String(repeating: "a", count: 53)):operator\n")
        let arguments = [
            "--chat", "--listen", "irc:127.0.0.1:0", "--password-file", passwords.path, "--require-login", "--proxy-protocol",
            "127.0.0.2",
        ]
        for guests in [[], ["--guests", "local"]] {
            try withDaemon(arguments + guests) { daemon in
                let near = try daemon.connect()
                try say("NICK eve", "USER e 0 * :Eve", to: near)
                try line(of: near, with: guests.isEmpty ? "ERROR :Closing link: you have to log in" : " 001 eve ")
                let far = try Peer(to: .loopback(port: daemon.port), from: .ipv4(address: 0x7F00_0002, port: 0))
                try say("PROXY TCP4 203.0.113.7 192.0.2.1 50312 6667", "NICK dan", "USER d 0 * :Dan", to: far)
                try line(of: far, with: "ERROR :Closing link: you have to log in")
            }
        }
    }
}
