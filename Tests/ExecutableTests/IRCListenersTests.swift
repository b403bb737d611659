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

    /// So many that the answer to one command is far longer than what a socket takes. In one process with the server it would be twice as many
    /// descriptors, beside those of the tests that run at the same time: it could be 2,000 there.
    @Test func `who asks for the names of seven thousand people gets each, once`() throws {
        let arguments = ["--chat", "--listen", "127.0.0.1:0", "--listen", "irc:127.0.0.1:0", "--irc-name", "irc.example.org"]
        try withDaemon(arguments, listeners: 2) { daemon in
            var limit = rlimit()
            _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            // Where fewer are allowed, as many as leave something for the other tests.
            let count = min(7_000, Int(clamping: limit.rlim_cur) / 2)
            var people: [Peer] = []
            while people.count < count {
                people.append(try daemon.connect())
                // The kernel holds a few hundred for a server that has not come to accept them yet.
                if people.count % 100 == 0 { _ = try people[people.count - 1].receiveLine() }
            }
            _ = try people[count - 1].receiveLine()
            let place = try #require(daemon.addresses[1].split(separator: ":").last)
            let ana = try Peer(port: try #require(UInt16(place)))
            try say("NICK ana", "USER a 0 * :Ana", "JOIN #lobby", "WHO #lobby", to: ana)
            let expected = Set((1...count).map { "guest\($0)" } + ["ana"])
            var (names, found): ([String], [String]) = ([], [])
            while let line = try ana.receiveLine() {
                #expect(line.utf8.count < 512)
                let words = line.split(whereSeparator: { $0 == " " || $0 == "\r" })
                if words[1] == "353" { names += words.dropFirst(5).map { String($0.drop { $0 == ":" || $0 == "@" }) } }
                if words[1] == "352" { found.append(String(words[7])) }
                if words[1] == "315" { break }
            }
            #expect(names.count == expected.count && Set(names) == expected)
            #expect(found.count == expected.count && Set(found) == expected)
        }
    }
}
