import Glibc
import TestSupport
import Testing

@testable import ChatReactor

/// Rooms that keep what is said in files of a directory, so that it outlives them, and the server.
struct RoomLogTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func makeChat(_ change: (inout Chat.Configuration) -> Void = { _ in }) throws -> ChatFixture {
        try ChatFixture {
            $0.roomLogDirectory = folder.path
            $0.lobbySize = 65_536
            $0.roomSize = 8_192
            change(&$0)
        }
    }

    /// What somebody is told who comes, less the first line and the last one.
    private func history(of chat: ChatFixture, room: String? = nil) throws -> [String] {
        let reader = try chat.join(keepsWelcome: true)
        if let room { try reader.send("/join \(room)") }
        try chat.settle()
        let lines = reader.takeLines()
        let start = lines.lastIndex { $0.hasPrefix("* welcome") || $0.hasPrefix("* you are in") } ?? 0
        try reader.send("/quit")
        try chat.run { reader.isGone }
        return lines.dropFirst(start + 1).map { $0.replacing(#/^\[\d\d:\d\d\] /#, with: "[] ") }
    }

    @Test("What was said in the lobby is there after a restart, with the same numbers")
    func lobby() throws {
        var epoch: UInt64?
        for run in 1...3 {
            let chat = try makeChat()
            let records = try #require(try chat.chat.lobby.conversation?.records)
            if let epoch { #expect(records.epoch == epoch) }
            epoch = records.epoch
            let told = try history(of: chat)
            #expect(told == (1..<run).map { "[] ana: run \($0)" } + (run > 1 ? ["* end of history (\(run - 1))"] : []))
            let ana = try chat.join("ana")
            try ana.send("run \(run)")
            try chat.settle()
            #expect(records.lostCount == 0)
        }
        #expect(folder.names == ["room-lobby"])
    }

    @Test("A room that empties keeps its file, and its history is there when it is opened again")
    func emptied() throws {
        let chat = try makeChat()
        let (ana, _) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/join tea")
        try ana.send("/topic green tea")
        try ana.send("hello")
        try ana.send("/leave")
        try chat.settle()
        #expect(try chat.chat.room(named: ChatName("tea")) == nil)
        #expect(folder.names == ["room-lobby", "room-tea"])
        #expect(
            try history(of: chat, room: "tea") == ["* the topic is: green tea", "[] ana: hello", "* end of history (1)"])
        // Its descriptor is closed with it.
        #expect(throws: Never.self) { try RecordLog(file: folder.path + "/room-tea", capacity: 4_096) }
    }

    @Test(
        "Names that are the same have one file, in whatever way they are written",
        arguments: [
            ["Tea", "tea", "TEA", "#tea"], ["Straße", "STRASSE"], ["caf\u{E9}", "cafe\u{301}", "CAFÉ"], ["-rf", "-RF"],
        ])
    func sameName(_ names: [String]) throws {
        let chat = try makeChat()
        for (number, name) in names.enumerated() {
            let ana = try chat.join("ana\(number)")
            try ana.send("/join \(name)")
            try ana.send("said \(number)")
            try ana.send("/leave")
            try chat.settle()
        }
        #expect(folder.names.count == 2)
    }

    @Test("A file whose name is written in another way is the room's, after a restart too")
    func equivalentFile() throws {
        let spellings = ["caf\u{E9}", "cafe\u{301}"]
        for (number, name) in spellings.enumerated() {
            let chat = try makeChat()
            let ana = try chat.join("ana")
            try ana.send("/join \(name)")
            try ana.send("said \(number)")
            try chat.settle()
        }
        #expect(folder.names.count == 2)
        let chat = try makeChat()
        #expect(try history(of: chat, room: "CAFÉ") == ["[] ana: said 0", "[] ana: said 1", "* end of history (2)"])
    }

    @Test(
        "No name leads out of the directory",
        arguments: [
            "../lobby", "/etc/passwd", ".", "..", "a/b", "a\0b", "room\u{202E}",
        ])
    func paths(_ name: String) throws {
        let chat = try makeChat()
        let ana = try chat.join("ana")
        try ana.send("/join \(name)")
        let lines = try ana.newLines
        #expect(lines.count == 1 && lines[0].hasPrefix("! a name "), "\(lines)")
        #expect(folder.names == ["room-lobby"])
    }

    @Test(
        "The longest name has a file, also if it becomes longer by being folded",
        arguments: [
            String(repeating: "a", count: 24), String(repeating: "ß", count: 24), String(repeating: "ΐ", count: 24),
            String(repeating: "ΐ\u{331}", count: 24), String(repeating: "𐐀", count: 24), String(repeating: "ᾷ\u{331}", count: 19),
        ])
    func longNames(_ name: String) throws {
        for count in 1...2 {
            // The second server knows the file by its name.
            let chat = try makeChat()
            let ana = try chat.join("ana")
            try ana.send("/join \(name)")
            try ana.send("hello")
            try ana.send("/leave")
            try chat.settle()
            #expect(folder.names.count == 2)
            #expect(
                try history(of: chat, room: name)
                    == Array(repeating: "[] ana: hello", count: count) + ["* end of history (\(count))"])
        }
    }

    @Test("A room that an embedder keeps is the same one when it is opened again")
    func keptRoom() throws {
        let chat = try makeChat()
        let witness = Witness()
        chat.server.addObserver(witness)
        let ana = try chat.join("ana")
        try ana.send("/join tea")
        try chat.settle()
        let kept = try #require(try chat.chat.room(named: ChatName("tea")))
        try ana.send("hello\n/leave")
        try chat.settle()
        ana.clear()
        #expect(try chat.chat.room(named: ChatName("tea")) == nil)
        #expect(kept.say("still here", as: .server))
        try ana.send("/join tea")
        let lines = try ana.newLines.map { $0.replacing(#/^\[.*?\]/#, with: "[]") }
        #expect(lines == ["* you are in tea; 1 online", "[] ana: hello", "[] server: still here", "* end of history (2)"])
        #expect(try chat.chat.room(named: ChatName("tea")) === kept)
        #expect(witness.lost == [0, 0])
    }

    enum Obstacle: String, CaseIterable {
        case foreign, damaged, version, shortened, locked, directory, link

        var reason: String {
            switch self {
            case .foreign: "it is not a room log"
            case .damaged: "its first page is damaged"
            case .version: "its format is version 3, not 1"
            case .shortened: "it has 4096 bytes, and says that it has 12288"
            case .locked: "it is in use"
            case .directory: "Is a directory"
            case .link: "Too many levels of symbolic links"
            }
        }
    }

    @Test("A file that cannot be used is refused in words, and stays as it is", arguments: Obstacle.allCases)
    func refused(_ obstacle: Obstacle) throws {
        let path = folder.path + "/room-tea"
        var holder: RecordLog?
        switch obstacle {
        case .foreign: try Self.write(Array("somebody's diary".utf8), to: path)
        case .directory: #expect(unsafe mkdir(path, 0o700) == 0)
        case .link: #expect(unsafe symlink("/etc/passwd", path) == 0)
        case .damaged, .version, .shortened, .locked:
            holder = try RecordLog(file: path, capacity: 8_192)
            holder?.append(.message, from: "ana", text: "hello", time: 0)
            if obstacle == .locked { break }
            holder = nil
            var bytes = try Self.read(path)
            if obstacle == .damaged { bytes[20] ^= 1 }
            if obstacle == .version { bytes[8] = 3 }
            if obstacle == .shortened { bytes.removeLast(8_192) }
            try Self.write(bytes, to: path)
        }
        defer { unsafe rmdir(path) }
        let before = try? Self.read(path)
        let chat = try makeChat()
        let witness = Witness()
        chat.server.addObserver(witness)
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/join tea")
        #expect(try ana.newLines == ["! this room cannot be opened now: \(obstacle.reason)"])
        #expect(witness.errors.count == 1 && witness.errors[0].contains(path))
        // She is still where she was, and nothing has ended.
        try ana.send("hello")
        #expect(try ben.newLines == ["ana: hello"])
        #expect((try? Self.read(path)) == before)
        withExtendedLifetime(holder) {}
    }

    @Test("A lobby that cannot be had is an error with the path", arguments: [false, true])
    func refusedLobby(isDirectoryMissing: Bool) throws {
        if !isDirectoryMissing { try Self.write([1, 2, 3], to: folder.path + "/room-lobby") }
        var configuration = ChatServer.Configuration()
        configuration.chat = Chat.Configuration(name: "tea")
        configuration.chat?.roomLogDirectory = folder.path + (isDirectoryMissing ? "/none" : "")
        let loop = try EventLoop()
        defer { loop.close() }
        let error = #expect(throws: ChatServer.StartError.self) { try ChatServer(on: loop, configuration: configuration) }
        let sentence =
            isDirectoryMissing
            ? "cannot keep room logs in \(folder.path)/none: No such file or directory"
            : "cannot use the room log \(folder.path)/room-lobby: it is not a room log"
        #expect(error?.description == sentence)
    }

    @Test(
        "A room in which nothing was said leaves no file, and each of these is worth one",
        arguments: ["", "hi", "/me waves", "/topic green"])
    func nothingSaid(_ line: String) throws {
        let chat = try makeChat()
        let ana = try chat.join("ana")
        try ana.send("/join tea")
        try chat.settle()
        #expect(folder.names == ["room-lobby", "room-tea"])
        let kept = try #require(try chat.chat.room(named: ChatName("tea")))
        if !line.isEmpty { try ana.send(line) }
        try ana.send("/leave")
        try chat.settle()
        #expect(folder.names == ["room-lobby"] + (line.isEmpty ? [] : ["room-tea"]))
        // Whoever opens it again has a file in any case, also if an embedder keeps the room that was there.
        try ana.send("/join tea\nhi\n/leave")
        try chat.settle()
        #expect(folder.names == ["room-lobby", "room-tea"])
        withExtendedLifetime(kept) {}
    }

    @Test("There are no more files than there may be, and those that are there are opened")
    func limit() throws {
        let chat = try makeChat { $0.maximumRoomLogs = 3 }
        let ana = try chat.join("ana")
        for name in ["one", "two", "three"] { try ana.send("/join \(name)\nhi") }
        var lines = try ana.newLines
        #expect(
            lines == ["* you are in one; 1 online", "* you are in two; 1 online", "! there are too many rooms already"])
        try ana.send("/join one")
        lines = try ana.newLines
        #expect(lines.first == "* you are in one; 1 online")
        #expect(folder.names == ["room-lobby", "room-one", "room-two"])
    }

    @Test("A file that the operator removes makes place for another")
    func removedFile() throws {
        let chat = try makeChat { $0.maximumRoomLogs = 2 }
        let ana = try chat.join("ana")
        try ana.send("/join one\nhi\n/join two\n/leave")
        #expect(try ana.newLines.prefix(2) == ["* you are in one; 1 online", "! there are too many rooms already"])
        unsafe unlink(folder.path + "/room-one")
        try ana.send("/join two\nhi")
        #expect(try ana.newLines == ["* you are in two; 1 online"])
        #expect(folder.names == ["room-lobby", "room-two"])
    }

    @Test("What a power failure has cost is counted, and the operator hears of it")
    func powerFailure() throws {
        let path = folder.path + "/room-tea"
        var log: RecordLog? = try RecordLog(file: path, capacity: 8_192, boot: anotherBoot)
        for number in 1...3 { log?.append(.message, from: "ana", text: "said \(number)", time: 0) }
        log = nil
        var bytes = try Self.read(path)
        // The last one has not come to the disk as a whole.
        let last = try #require(bytes.indices.last { bytes[$0...].starts(with: Array("said 3".utf8)) })
        bytes[last] = 0
        try Self.write(bytes, to: path)
        let chat = try makeChat()
        let witness = Witness()
        chat.server.addObserver(witness)
        let told = try history(of: chat, room: "tea").map { $0.suffix(11) }
        #expect(told == ["ana: said 1", "ana: said 2", "history (2)"])
        #expect(witness.lost == [1])
    }

    private final class Witness: ChatServerObserver {
        var errors: [String] = []
        var lost: [UInt64] = []

        func server(_ server: ChatServer, didOpen room: ChatServer.Room) { lost.append(room.lostRecordCount) }
        func server(_ server: ChatServer, cannotOpenRoom name: ChatName, error: RoomLogError) { errors.append("\(error)") }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        #expect(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        return try StreamReader(takingOver: descriptor).all()
    }
}
