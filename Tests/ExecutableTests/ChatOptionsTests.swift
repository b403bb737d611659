import Glibc
import TestSupport
import Testing

/// The options of `chatd --chat`.
@Suite struct ChatOptionsTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test("The message of the day is told line by line, with the host's name if there is no other")
    func messageOfTheDay() throws {
        // Editors of other systems begin a file of UTF-8 with a mark.
        let path = try file("\u{FEFF}be kind\r\n\n\u{1B}[31mred, 你好\n\n")
        try withDaemon(["--chat", "--motd", path]) { daemon in
            let peer = try daemon.connect()
            var host = [CChar](repeating: 0, count: 256)
            #expect(unsafe gethostname(&host, host.count) == 0)
            let name = String(decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            #expect(
                try peer.receiveLines(4) == [
                    "* welcome to \(name); you are guest1; 1 online", "* be kind", "* ", "* ^[[31mred, 你好",
                ])
            try peer.send("/ping\n")
            #expect(try peer.receiveLine() == "* pong")
        }
    }

    @Test("History is as long as asked for", arguments: [0, 2, 30])
    func history(length: Int) throws {
        try withDaemon(["--chat", "--history", "\(length)"]) { daemon in
            let ana = try daemon.connect()
            try ana.send((0..<25).map { "line \($0)\n" }.joined() + "/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            let ben = try daemon.connect()
            _ = try ben.receiveLine()
            let count = min(length, 25)
            for number in (25 - count)..<25 { #expect(try ben.receiveLine()?.hasSuffix("] guest1: line \(number)") == true) }
            if count > 0 { #expect(try ben.receiveLine() == "* end of history (\(count))") }
            try ben.send("/ping\n")
            #expect(try ben.receiveLine() == "* pong")
        }
    }

    @Test(
        "A line is labelled as asked for",
        arguments: [
            ("ncat", "<guest1> hi"), ("none", "hi"), ("({name}) - {text}.", "(guest1) - hi."), ("{name}: {text}", "guest1: hi"),
        ])
    func label(template: String, shown: String) throws {
        try withDaemon(["--chat", "--label", template]) { daemon in
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            for peer in [ana, ben] { #expect(try peer.receiveLine()?.hasPrefix("* welcome") == true) }
            #expect(try ana.receiveLine() == "* guest2 joined (2 online)")
            try ana.send("hi\n")
            #expect(try ben.receiveLine() == shown)
        }
    }

    @Test("The longest line is 8192 bytes, unless another limit is asked for", arguments: [nil, "100", "65536"] as [String?])
    func longestLine(limit: String?) throws {
        try withDaemon(["--chat"] + (limit.map { ["--max-line", $0] } ?? [])) { daemon in
            let ana = try daemon.connect()
            let number = Int(limit ?? "8192") ?? 0
            try ana.send(String(repeating: "a", count: number) + "\n" + String(repeating: "b", count: number + 1) + "\n")
            _ = try ana.receiveLine()
            #expect(try ana.receiveLine() == "! line too long: the limit is \(number) bytes")
        }
    }

    @Test("A room keeps as much as asked for")
    func roomSize() throws {
        try withDaemon(["--chat", "--room-size", "4k", "--history", "1000"]) { daemon in
            let ana = try daemon.connect()
            try ana.send((0..<200).map { "line \($0)\n" }.joined() + String(repeating: "a", count: 2_000) + "\n/ping\n")
            _ = try ana.receiveLine()
            #expect(try ana.receiveLines(2) == ["! that is too long for this room", "* pong"])
            let ben = try daemon.connect()
            _ = try ben.receiveLine()
            var count = 0
            while let line = try ben.receiveLine(), line.hasPrefix("[") { count += 1 }
            #expect((40...100).contains(count))
        }
    }

    // MARK: - What is refused

    @Test(
        "What cannot be is said in one line, with an exit code",
        arguments: [
            (["--name", "tea"], EX_USAGE, "--name needs --chat"), (["--motd", "file"], EX_USAGE, "--motd needs --chat"),
            (["--history", "5"], EX_USAGE, "--history needs --chat"),
            (["--room-size", "5"], EX_USAGE, "--room-size needs --chat"),
            (["--label", "none"], EX_USAGE, "--label needs --chat"), (["--room-log", "."], EX_USAGE, "--room-log needs --chat"),
            (["--chat", "--history", "many"], EX_USAGE, "many"), (["--chat", "--history", "10001"], EX_USAGE, "10001"),
            (["--chat", "--room-size", "0"], EX_USAGE, "--room-size"), (["--chat", "--label", "{text}"], EX_USAGE, "{name}"),
            (["--chat", "--label", "* {name}: {text}"], EX_USAGE, "begin"),
            (["--chat", "--label", "address"], EX_USAGE, "addresses"),
            (["--chat", "--name", "two\nlines"], EX_USAGE, "--name"), (["--chat", "--name", ""], EX_USAGE, "--name"),
            (["--chat", "--framing", "chunk"], EX_USAGE, "--framing chunk"),
            (["--chat", "--motd", "/no/such/file"], EX_NOINPUT, "/no/such/file: No such file"),
            (["--chat", "--motd", "/tmp"], EX_NOINPUT, "/tmp: Is a directory"),
            (["--chat", "--motd", "/dev/zero"], EX_DATAERR, "/dev/zero has more than 65536 bytes"),
            (["--chat", "--room-log", "/no/such/place"], EX_CANTCREAT, "/no/such/place: No such file"),
            (["--chat", "--room-log", "/dev/null"], EX_CANTCREAT, "/dev/null: Not a directory"),
        ])
    func refused(arguments: [String], code: Int32, mentions: String) throws {
        try expectFailure(arguments, code: code, mentions: mentions)
    }

    @Test("A message of the day that is not text, or not to be read")
    func messageOfTheDayRefused() throws {
        let path = try file("ol\u{E1}")
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        #expect(unsafe write(descriptor, [UInt8(0xE1)], 1) == 1)
        close(descriptor)
        try expectFailure(["--chat", "--motd", path], code: EX_DATAERR, mentions: "\(path) is not UTF-8")
        if geteuid() == 0 { return }
        #expect(unsafe chmod(path, 0) == 0)
        try expectFailure(["--chat", "--motd", path], code: EX_NOPERM, mentions: "\(path): Permission denied")
    }

    @Test("A directory for room logs that cannot be written to", .enabled(if: geteuid() != 0, "root may do everything"))
    func directoryRefused() throws {
        #expect(unsafe chmod(directory.path, 0o500) == 0)
        try expectFailure(
            ["--chat", "--room-log", directory.path], code: EX_NOPERM, mentions: "\(directory.path): Permission denied")
    }

    private func file(_ text: String) throws -> String {
        let path = directory.path + "/motd"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        #expect(unsafe write(descriptor, text, text.utf8.count) == text.utf8.count)
        return path
    }

    private func expectFailure(_ arguments: [String], code: Int32, mentions: String) throws {
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--port", "0"] + arguments)
        let error = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(try process.waitForEnd() == .exit(code))
        #expect(try process.output.all() == [])
        #expect(error.hasPrefix("chatd: ") && error.contains(mentions), "\(error)")
        #expect(error.count { $0 == "\n" } == 1 && error.hasSuffix("\n"), "\(error)")
    }
}
