import Glibc
import TestSupport
import Testing

/// What `chatd --chat --room-log` keeps: what was said outlives the process, however that ends.
@Suite struct ChatRoomLogTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private var arguments: [String] { ["--chat", "--name", "tea", "--room-log", directory.path] }

    /// A line of JSON that a program gets, as far as these tests look at it.
    private struct Object {
        let line: String

        subscript(key: String) -> String? {
            guard let start = line.firstRange(of: "\"\(key)\":")?.upperBound else { return nil }
            let rest = line[start...]
            if rest.first == "\"" { return String(rest.dropFirst().prefix { $0 != "\"" }) }
            return String(rest.prefix { $0 != "," && $0 != "}" })
        }

        var sequence: UInt64 { UInt64(self["seq"] ?? "") ?? 0 }
    }

    /// Somebody who gets JSON, and has read what came with that.
    private func join(_ daemon: Daemon) throws -> (peer: Peer, welcome: Object) {
        let peer = try daemon.connect()
        try peer.send("/json\n")
        while let line = try peer.receiveLine() {
            if line.hasPrefix(#"{"type":"welcome""#) { return (peer, Object(line: line)) }
        }
        throw TimedOut("the welcome")
    }

    /// What is said under a number: of any length up to 300 bytes, and nobody could make it up of two others.
    private static func text(_ number: Int) -> String {
        let length = Int(UInt64(number) &* 0x9E37_79B9_7F4A_7C15 >> 40) % 300
        return "\(number) \(String(repeating: "abcdefghij", count: length / 10)) \(number)"
    }

    @Test("SIGKILL in the middle of a burst, again and again, loses nothing that a client has received, and tears nothing")
    func kills() throws {
        var generator = SeededGenerator()
        var epoch: String?
        /// The number of the newest record that is known to be in the log, and what is said next.
        var (known, next): (UInt64, Int) = (0, 1)
        for kill in 0...50 {
            // Large enough for two bursts, so that it wraps.
            let daemon = try Daemon(arguments + ["--room-size", "131072"])
            let (reader, welcome) = try join(daemon)
            if let epoch { #expect(welcome["epoch"] == epoch) }
            epoch = welcome["epoch"]
            // All that is there: what was received before the kill, and perhaps more that was appended and did not leave.
            #expect(welcome.sequence >= known)
            try reader.send("/resume lobby \(welcome["epoch"] ?? "") \(known > 40 ? known - 40 : 0)\n")
            var expected = known > 40 ? known - 39 : 1
            var numbers: [Int] = []
            while expected <= welcome.sequence {
                let object = Object(line: try #require(try reader.receiveLine()))
                if object["type"] == "welcome" { continue }
                #expect(object.sequence == expected, "kill \(kill): \(object.line)")
                expected += 1
                if object["type"] == "message", let text = object["text"] {
                    let number = Int(text.prefix { $0 != " " }) ?? 0
                    #expect(text == Self.text(number), "kill \(kill)")
                    numbers.append(number)
                }
            }
            for (one, other) in zip(numbers, numbers.dropFirst()) { #expect(other == one + 1, "kill \(kill)") }
            // A line that was appended, but not received, is said no more.
            if let last = numbers.last { next = max(next, last + 1) }
            known = welcome.sequence
            if kill == 50 { return try daemon.end() }

            let speaker = try daemon.connect()
            let burst = (next..<next + 400).map { Self.text($0) + "\n" }.joined()
            let count = speaker.sendAvailable(Array(burst.utf8))
            let lineCount = burst.utf8.prefix(count).count { $0 == 10 }
            var wanted = Int.random(in: 1...100, using: &generator)
            try #require(lineCount >= wanted)
            while wanted > 0 {
                let object = Object(line: try #require(try reader.receiveLine()))
                if object["type"] == "message", object.sequence > welcome.sequence { wanted -= 1 }
            }
            daemon.process.kill()
            // What has come to the reader's socket was received, too.
            while let line = try reader.receiveLine() { known = max(known, Object(line: line).sequence) }
        }
    }

    @Test("After a restart, newcomers get what was said before")
    func restart() throws {
        for run in 1...2 {
            try withDaemon(arguments) { daemon in
                let ana = try daemon.connect()
                #expect(try ana.receiveLine() == "* welcome to tea; you are guest1; 1 online")
                for number in 1..<run { #expect(try ana.receiveLine()?.hasSuffix("] guest1: run \(number)") == true) }
                if run > 1 { #expect(try ana.receiveLine() == "* end of history (\(run - 1))") }
                try ana.send("run \(run)\n/ping\n")
                #expect(try ana.receiveLine() == "* pong")
            }
        }
    }

    // MARK: - What cannot be used

    @Test(
        "A lobby's log that cannot be used ends chatd with a sentence, and stays as it is",
        arguments: [
            ("foreign", EX_DATAERR, "is not a room log"), ("damaged", EX_DATAERR, "is damaged"),
            ("version", EX_DATAERR, "version 2, not 1"), ("shortened", EX_DATAERR, "says that it has"),
            ("not permitted", EX_NOPERM, "Permission denied"), ("locked", EX_UNAVAILABLE, "in use"),
        ])
    func refused(obstacle: String, code: Int32, mentions: String) throws {
        if obstacle == "not permitted", geteuid() == 0 { return }
        let path = directory.path + "/room-lobby"
        let holder = try Daemon(arguments)
        if obstacle != "locked" { try holder.end() }
        var bytes = try read(path)
        switch obstacle {
        case "foreign": bytes = Array("somebody's diary".utf8)
        case "damaged": bytes[17] ^= 4
        case "version": bytes[8] = 2
        case "shortened": bytes.removeLast()
        case "not permitted": #expect(unsafe chmod(path, 0) == 0)
        default: break
        }
        if obstacle != "locked", obstacle != "not permitted" { try write(bytes, to: path) }
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--port", "0"] + arguments)
        let sentence = String(decoding: try process.error.all(), as: UTF8.self)
        #expect(try process.waitForEnd() == .exit(code))
        #expect(sentence.hasPrefix("chatd: cannot ") && sentence.contains(path) && sentence.contains(mentions), "\(sentence)")
        #expect(sentence.count { $0 == "\n" } == 1)
        if obstacle != "not permitted" { #expect(try read(path) == bytes) }
        if obstacle == "locked" { try holder.end() }
    }

    /// Otherwise anybody could fill the journal.
    @Test("Who asks for such a room again and again fills no log")
    func warnings() throws {
        let daemon = try Daemon(arguments)
        let file = unsafe open(directory.path + "/room-tea", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        close(file)
        let ana = try daemon.connect()
        try ana.send(String(repeating: "/join tea\n", count: 100) + "/ping\n")
        var refusals = 0
        while let line = try ana.receiveLine(), line != "* pong" {
            if line == "! this room cannot be opened now: it is not a room log" { refusals += 1 }
        }
        #expect(refusals == 100)
        daemon.process.send(signal: SIGTERM)
        let log = String(decoding: try daemon.process.error.all(), as: UTF8.self)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        #expect(log.split(separator: "\n").count { $0.contains("cannot open") } == 1, "\(log)")
    }

    /// What starts chatd where the disk is nearly full: a file system of its own, of 128 KiB. Nil if this machine allows none.
    private func smallDisk() throws -> [String]? {
        let test = try ChildProcess("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", directory.path])
        guard try test.waitForEnd() == .exit(0) else { return nil }
        let script = "mount -t tmpfs -o size=128k tmpfs \"$0\" && exec \"$@\""
        return ["unshare", "-rm", "sh", "-c", script, directory.path]
    }

    @Test("A full disk refuses a new room in words, and nothing that is said", .enabled(if: ChildProcess.isInstalled("unshare")))
    func fullDisk() throws {
        guard let launcher = try smallDisk() else { return }
        try withDaemon(arguments + ["--room-size", "40000"], launcher: launcher) { daemon in
            let (ana, ben) = (try daemon.connect(), try daemon.connect())
            for peer in [ana, ben] { #expect(try peer.receiveLine()?.hasPrefix("* welcome") == true) }
            try ana.send("/join one\n/join two\n/join three\n")
            while let line = try ana.receiveLine(), !line.hasPrefix("!") {
                #expect(line.hasPrefix("* guest") || line.hasPrefix("* you are in "))
            }
            #expect(try daemon.process.error.text(through: "No space left on device").contains("room-"))
            // More than a room holds: all of its pages are written.
            let line = String(repeating: "a", count: 1_000) + "\n"
            try ben.send("/join one\n" + String(repeating: line, count: 100) + "/ping\n")
            while let line = try ben.receiveLine(), line != "* pong" { #expect(!line.hasPrefix("!"), "\(line)") }
        }
    }

    @Test("So does a limit on the size of files", .enabled(if: ChildProcess.isInstalled("prlimit")))
    func fileSizeLimit() throws {
        try withDaemon(arguments) { daemon in
            let ana = try daemon.connect()
            try ana.send("/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            // Not before it runs: the thread sanitizer has files of its own, and they are longer. So is what the lobby's lines are kept in.
            let limit = try ChildProcess("prlimit", ["--pid", "\(daemon.process.pid)", "--fsize=50000"])
            try #require(limit.waitForEnd() == .exit(0))
            try ana.send("/join kitchen\n")
            while let line = try ana.receiveLine(), !line.hasPrefix("! this room cannot be opened now: ") {
                #expect(line.hasPrefix("* "))
            }
            #expect(try daemon.process.error.text(through: "File too large").contains("room-kitchen"))
        }
    }

    private func read(_ path: String) throws -> [UInt8] {
        try StreamReader(takingOver: unsafe open(path, O_RDONLY | O_CLOEXEC)).all()
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
        defer { close(descriptor) }
        #expect(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    @Test func `a room that was last open before the machine was booted`() throws {
        let directory = try TemporaryDirectory()
        let arguments = ["--chat", "--name", "tea", "--room-log", directory.path]
        func joinKitchen(_ daemon: Daemon, saying words: String) throws -> [String] {
            let ana = try daemon.connect()
            try ana.send("/join kitchen\n\(words)\n/ping\n")
            var lines: [String] = []
            while lines.last != "* pong" { lines.append(try #require(try ana.receiveLine())) }
            return lines
        }
        try withDaemon(arguments) { daemon in _ = try joinKitchen(daemon, saying: "one") }
        for room in ["lobby", "kitchen"] {
            // The file names the boot during which it was last open: see `RecordFile`.
            let file = unsafe open("\(directory.path)/room-\(room)", O_RDWR | O_CLOEXEC)
            defer { close(file) }
            #expect(unsafe pwrite(file, "00000000", 8, 72) == 8)
        }
        try withDaemon(arguments) { daemon in
            let (first, second) = (try joinKitchen(daemon, saying: "two"), try joinKitchen(daemon, saying: "three"))
            #expect(first.contains { $0.hasSuffix("guest1: one") }, "\(first)")
            #expect(second.contains { $0.hasSuffix("guest1: two") }, "\(second)")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root may mount")) func `a file system that cannot reserve space`() throws {
        let directory = try TemporaryDirectory()
        let mount = try ChildProcess("mount", ["-t", "ramfs", "ramfs", directory.path])
        // A container may not mount anything.
        guard try mount.waitForEnd() == .exit(0) else { return }
        defer { _ = try? ChildProcess("umount", ["-l", directory.path]).waitForEnd() }
        try withDaemon(["--chat", "--name", "tea", "--room-log", directory.path]) { daemon in
            let ana = try daemon.connect()
            try ana.send("/join kitchen\n/ping\n")
            var lines: [String] = []
            while lines.last != "* pong" { lines.append(try #require(try ana.receiveLine())) }
            #expect(lines.contains { $0.hasPrefix("* you are in kitchen") })
        }
    }
}
