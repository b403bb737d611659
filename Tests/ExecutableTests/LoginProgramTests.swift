import Glibc
import Reactor
import TestSupport
import Testing

/// Logins at a chatd that runs: its file of passwords, the options, and `chatd passwd`.
@Suite struct LoginProgramTests {
    private let passwords = TemporaryPath()
    private let control = TemporaryPath()

    private var arguments: [String] { ["--listen", "127.0.0.1:0", "--chat", "--name", "tea", "--password-file", passwords.path] }

    /// Runs a `chatd` that is no daemon. Returns its exit code and all that it has said.
    private func run(_ arguments: String..., input: String? = nil) throws -> (code: Int32?, text: String) {
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), arguments, input: input == nil ? .null : .pipe)
        if let input {
            try process.write(input)
            process.closeInput()
        }
        let text = String(decoding: try process.output.all() + process.error.all(), as: UTF8.self)
        guard case .exit(let code) = try process.waitForEnd() else { return (nil, text) }
        return (code, text)
    }

    private func setPassword(_ password: String, _ name: String, _ more: String...) throws {
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, name] + more, input: .pipe)
        try process.write(password + "\nnot this\n")
        process.closeInput()
        #expect(try process.error.all() == [])
        #expect(try process.waitForEnd() == .exit(0))
    }

    private func lines() throws -> [String] {
        let descriptor = try passwords.open(O_RDONLY)
        return String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self).split(separator: "\n").map(
            String.init)
    }

    // MARK: - chatd passwd

    @Test func `a password is set, changed and removed`() throws {
        try setPassword("open sesame", "ana", "--operator")
        try setPassword("tea", "ben")
        var status = stat()
        #expect(unsafe stat(passwords.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let before = try lines()
        #expect(
            before.count == 2 && before[0].hasPrefix("ana:$") && before[0].hasSuffix(":operator") && before[1].hasPrefix("ben:$"))
        try setPassword("another", "ana")
        let after = try lines()
        // Who was an operator is one.
        #expect(after[0] != before[0] && after[0].hasSuffix(":operator") && after[1] == before[1])
        try setPassword("another", "ana", "--no-operator")
        #expect(try !lines()[0].hasSuffix(":operator"))
        #expect(try run("passwd", "--password-file", passwords.path, "--delete", "ana").code == 0)
        #expect(try lines() == [before[1]])
        let gone = try run("passwd", "--password-file", passwords.path, "--delete", "ana")
        #expect(gone.code == EX_NOUSER && gone.text.contains("ana is not in \(passwords.path)"))
    }

    @Test(arguments: [
        ("\n", EX_DATAERR, "there is no password in the first line of standard input"),
        (" x\n", EX_DATAERR, "a password does not begin or end with a space"),
        ("x\u{1B}\n", EX_DATAERR, "a password has no control characters"),
        (String(repeating: "x", count: 512) + "\n", EX_DATAERR, "a password has at most 511 bytes"),
    ])
    func `what nobody could log in by is no password`(input: String, code: Int32, reason: String) throws {
        let result = try run("passwd", "--password-file", passwords.path, "ana", input: input)
        #expect(result.code == code && result.text.hasPrefix("chatd passwd: \(reason)"), "\(result)")
        #expect(unsafe access(passwords.path, F_OK) != 0)
    }

    @Test func `it says what it has done`() throws {
        func said(_ arguments: String..., input: String? = "tea\n") throws -> String {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, "ana"] + arguments,
                input: .pipe)
            if let input { try process.write(input) }
            process.closeInput()
            let text = String(decoding: try process.output.all(), as: UTF8.self)
            #expect(try process.waitForEnd() == .exit(0))
            return text
        }
        #expect(try said() == "ana: password set in \(passwords.path)\n")
        #expect(try said("--operator") == "ana: password set, and made an operator, in \(passwords.path)\n")
        #expect(try said("--no-operator") == "ana: password set, and made no operator, in \(passwords.path)\n")
        #expect(try said("--delete", input: nil) == "ana: removed from \(passwords.path)\n")
    }

    @Test func `ten at a time undo nothing of each other`() throws {
        // All have looked at the file before one of them changes it.
        let setters = try (0..<10).map { number in
            try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, "name\(number)"],
                input: .terminal, output: .terminal)
        }
        for setter in setters { try setter.output.text(through: "New password of ") }
        for setter in setters { try setter.write("tea\r") }
        for setter in setters { try setter.output.text(through: "The same again: ") }
        for setter in setters { try setter.write("tea\r") }
        for setter in setters { #expect(try setter.waitForEnd() == .exit(0)) }
        let names = try lines().compactMap { $0.split(separator: ":").first.map(String.init) }
        #expect(names.sorted() == (0..<10).map { "name\($0)" })
    }

    @Test(.enabled(if: Unprivileged.isPossible, "root may read everything"))
    func `a folder that may be written and not read cannot be locked, and that is said`() throws {
        let folder = try TemporaryDirectory()
        #expect(unsafe chmod(folder.path, 0o300) == 0)
        defer { unsafe chmod(folder.path, 0o700) }
        let path = "\(folder.path)/passwords"
        let command =
            Unprivileged.launcher + [ChildProcess.pathOfExecutable("chatd"), "passwd", "--password-file", path, "ana"]
        let process = try ChildProcess(command[0], Array(command.dropFirst()), input: .pipe)
        try process.write("tea\n")
        process.closeInput()
        #expect(
            String(decoding: try process.error.all(), as: UTF8.self)
                == "chatd passwd: cannot change \(path): its folder has to be locked, and may not be read, which that needs\n")
        #expect(try process.waitForEnd() == .exit(EX_NOPERM))
        #expect(unsafe access(path, F_OK) != 0)
    }

    @Test func `at a terminal it is asked for twice, and not shown`() throws {
        let process = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, "ana"], input: .terminal,
            output: .terminal)
        defer { process.kill() }
        var shown = ""
        for (prompt, answer) in [("New password of ana: ", "open sesame"), ("The same again: ", "open sesame")] {
            shown += try process.output.text(through: prompt)
            try process.write(answer + "\r")
        }
        #expect(try process.waitForEnd() == .exit(0))
        #expect(!shown.contains("sesame"))
        #expect(try lines().count == 1)
    }

    // MARK: - A chatd with passwords

    /// Waits for a line, whatever comes before it.
    private func receive(_ line: String, from peer: Peer) throws {
        while let next = try peer.receiveLine() { if next == line { return } }
        throw TimedOut("'\(line)', and the connection has ended")
    }

    @Test func `names, guests, operators, and a password that shows up nowhere`() throws {
        try setPassword("open sesame", "ana", "--operator")
        try setPassword("tea", "ben")
        let daemon = try Daemon(arguments + ["--print", "--log-level", "info", "--control", "unix:\(control.path)"])
        let (one, two) = (try daemon.connect(), try daemon.connect())
        #expect(try one.receiveLine() == "* welcome to tea; you are guest1; 1 online")
        #expect(try two.receiveLine() == "* welcome to tea; you are guest2; 2 online")
        #expect(try one.receiveLine() == "* guest2 joined (2 online)")
        try one.send("/nick ana\n/login ana open\n/login ana open sesame\n")
        #expect(
            try one.receiveLines(3) == [
                "! that name is somebody's, who takes it by /login ana PASSWORD",
                "! that is not the password of that name, or nobody has the name", "* you are logged in as ana",
            ])
        try one.send("/kick guest2 out\nhello\n/history 10\n/op who\n")
        #expect(try two.receiveLines(2) == ["* guest1 is now ana", "! kicked: out"])
        // Neither what was said nor what happened has it, nor do the log and the console.
        let all = try one.receiveLines(6)
        #expect(all.contains("* kicked guest2") && all.last?.hasSuffix(", logged in") == true, "\(all)")
        #expect(!all.joined().contains("open"))
        one.close()
        daemon.process.send(signal: SIGTERM)
        let output = String(decoding: try daemon.process.output.all() + daemon.process.error.all(), as: UTF8.self)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        #expect(output.contains("* guest1 is now ana") && output.contains("login refused address=127.0.0.1 "), "\(output)")
        #expect(output.contains("operator's command") && !output.contains("open"), "\(output)")
    }

    @Test func `the file is read again, and a bad one is refused`() throws {
        try setPassword("tea", "ana")
        try withDaemon(arguments + ["--require-login", "--control", "unix:\(control.path)"]) { daemon in
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            for peer in [ana, ben] { #expect(try peer.receiveLine() == "* welcome to tea; log in by /login NAME PASSWORD") }
            try ana.send("hello\n/login ana tea\n")
            #expect(
                try ana.receiveLines(3) == [
                    "! log in first, by /login NAME PASSWORD", "* you are logged in as ana",
                    "* welcome to tea; you are ana; 1 online",
                ])
            try setPassword("coffee", "ben")
            daemon.process.send(signal: SIGHUP)
            #expect(try daemon.process.error.line() == "chatd: the configuration was read again; changed: password-file")
            try ben.send("/login ben coffee\n")
            #expect(try ben.receiveLine() == "* you are logged in as ben")
            let good = try lines()
            try passwords.write("ben:*\nana tea\n")
            let refused = try run("ctl", "--control", "unix:\(control.path)", "reload")
            #expect(refused.code == EX_DATAERR && refused.text.contains("line 2: write NAME:HASH"), "\(refused)")
            // Who is gone is closed.
            try passwords.write(good[1] + "\n")
            #expect(try run("ctl", "--control", "unix:\(control.path)", "reload").text.contains("changed: password-file"))
            #expect(try ana.receiveLines(2).last == "! goodbye: nobody can log in as ana any more")
        }
    }

    @Test func `who has come in by a password that was changed is closed, and nobody else`() throws {
        for name in ["ana", "ben"] { try setPassword("tea", name) }
        try withDaemon(arguments + ["--control", "unix:\(control.path)"]) { daemon in
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            for (peer, name) in [(ana, "ana"), (ben, "ben")] {
                try peer.send("/login \(name) tea\n")
                try receive("* you are logged in as \(name)", from: peer)
            }
            try setPassword("coffee", "ana")
            #expect(try run("ctl", "--control", "unix:\(control.path)", "reload").text.contains("changed: password-file"))
            let last = try ana.receiveAll().split(separator: 10).last.map { String(decoding: $0, as: UTF8.self) }
            #expect(last == "! kicked: the password of ana is another one now")
            let again = try daemon.connect()
            try again.send("/login ana tea\n/login ana coffee\n")
            try receive("* you are logged in as ana", from: again)
            try ben.send("/who\n")
            try receive("* in lobby: ana, ben", from: ben)
        }
    }

    @Test func `a password does not go over the network in plain text`() throws {
        guard let address = Self.ownAddress() else { return }
        try setPassword("tea", "ana")
        let arguments = [
            "--listen", "\(address):0", "--chat", "--name", "tea", "--password-file", passwords.path, "--allow", address,
        ]
        for allows in [false, true] {
            try withDaemon(arguments + (allows ? ["--allow-plain-login"] : [])) { daemon in
                let number = address.split(separator: ".").reduce(UInt32(0)) { $0 << 8 | (UInt32($1) ?? 0) }
                let peer = try Peer(to: .ipv4(address: number, port: daemon.port))
                _ = try peer.receiveLine()
                try peer.send("/login ana tea\n")
                let answer = try peer.receiveLine()
                #expect(
                    answer
                        == (allows
                            ? "* you are logged in as ana"
                            : "! this connection is not encrypted: others may have read the password, which was not looked at"))
            }
        }
    }

    /// An address of this machine that is none of the loopback interface.
    private static func ownAddress() -> String? {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return nil }
        defer { unsafe freeifaddrs(first) }
        var next = unsafe first
        while let interface = unsafe next?.pointee {
            unsafe next = interface.ifa_next
            guard let address = unsafe interface.ifa_addr, unsafe Int32(address.pointee.sa_family) == AF_INET else { continue }
            let number = unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
            }
            if number >> 24 != 127 { return [24, 16, 8, 0].map { "\(number >> $0 & 255)" }.joined(separator: ".") }
        }
        return nil
    }

    @Test func `options that make no sense are refused`() throws {
        try passwords.write("ana:*\n")
        #expect(unsafe chmod(passwords.path, 0o600) == 0)
        #expect(try run("--password-file", passwords.path).text.contains("--password-file needs --chat"))
        #expect(try run("--chat", "--require-login").text.contains("--require-login needs --password-file"))
        #expect(try run("--chat", "--guests", "local").text.contains("--guests needs --require-login"))
        #expect(unsafe chmod(passwords.path, 0o644) == 0)
        let open = try run("--chat", "--password-file", passwords.path)
        #expect(open.code == EX_NOPERM && open.text.contains("others may read or write it"), "\(open)")
        let missing = try run("--chat", "--password-file", "/no/such/file", "--check-config")
        #expect(missing.code == EX_NOINPUT, "\(missing)")
    }
}
