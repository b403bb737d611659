import ArgumentParser
import ChatCommandLine
import Glibc
import TestSupport
import Testing

@testable import chat

/// Preferences come from the command line, from the server's entry in the file, and from the rest of the file, in this order.
struct PreferencesFileTests {
    private let file = TemporaryPath()

    private func resolve(_ content: String, _ arguments: [String] = []) throws -> (server: String?, preferences: Preferences) {
        try file.write(content)
        return try PreferencesFile.resolve(try Chat.parse(["--config", file.path] + arguments))
    }

    @Test func `every preference can be in the file`() throws {
        let (server, preferences) = try resolve(
            """
            {"server": "example.org:7", "name": "ana", "room": "tea", "history": 7, "bell": true, "color": false, "plain": true,
             "reconnect": false, "linger": "2s", "connect-timeout": 3, "quit-word": "bye"}
            """)
        #expect(server == "example.org:7")
        #expect((preferences.name, preferences.room, preferences.history) == ("ana", "tea", 7))
        #expect((preferences.bell, preferences.color, preferences.plain, preferences.reconnect) == (true, false, true, false))
        #expect((preferences.lingerTime, preferences.connectTime, preferences.word) == (.seconds(2), .seconds(3), "bye"))
        #expect(try resolve(#"{"no-quit-word": true}"#).preferences.word == nil)
        #expect(try resolve(#"{"no-quit-word": false}"#).preferences.word == "x")
    }

    private static let servers = """
        {
          "server": "work", "name": "general", "room": "general", "history": 1, "quit-word": "general",
          "servers": {
            "work": {"server": "unix:/work", "name": "entry", "room": "entry", "quit-word": "entry"},
            "home": {"no-quit-word": true}
          }
        }
        """

    @Test func `the command line goes before the server's entry, and that before the rest`() throws {
        let (server, preferences) = try resolve(Self.servers, ["work", "--name", "argument", "--quit-word", "argument"])
        #expect(server == "unix:/work")
        #expect((preferences.name, preferences.room, preferences.history) == ("argument", "entry", 1))
        #expect(preferences.word == "argument")
        #expect(try resolve(Self.servers, ["work", "--no-quit-word"]).preferences.word == nil)
        #expect(try resolve(Self.servers, ["work"]).preferences.word == "entry")
        #expect(try resolve(Self.servers, ["home"]).preferences.word == nil)
        #expect(try resolve(Self.servers, ["home", "--quit-word", "y"]).preferences.word == "y")
        #expect(try resolve(Self.servers, ["elsewhere"]).preferences.word == "general")
    }

    @Test func `a server is found by its name, and one that is not there is a host`() throws {
        #expect(try resolve(Self.servers).server == "unix:/work")
        #expect(try resolve(Self.servers, ["work"]).server == "unix:/work")
        #expect(try resolve(Self.servers, ["home"]).server == "home")
        #expect(try resolve(Self.servers, ["elsewhere:3"]).server == "elsewhere:3")
        // A host of the same name is meant with its port.
        #expect(try resolve(Self.servers, ["work:3001"]).server == "work:3001")
        #expect(try resolve("{}").server == nil)
    }

    @Test(arguments: [
        (#""#, "line 1, column 1"), (#"[]"#, "line 1, column 1: the preferences are an object"),
        ("{\n  \"name\" 7}", "line 2, column 10"),
        ("{\"name\": \"ana\",\n \"name\": \"ben\"}", "line 2, column 2: name is there twice"),
        ("{\n\"colour\": true}", "line 2, column 1: there is no preference colour"),
        ("{\n \"name\": null}", "line 2, column 10: name takes"), ("{\"name\": [\"ana\"]}", "line 1, column 10: name takes"),
        ("{\"name\": \"a b\"}", "line 1, column 2: name: --name takes one word"),
        ("{\"name\": \"\"}", "line 1, column 2: name: "),
        ("{\"name\": true}", "line 1, column 2: name: "), ("{\"name\": false}", "line 1, column 2: name: "),
        ("{\"bell\": \"yes\"}", "line 1, column 2: bell: "), ("{\"bell\": 1}", "line 1, column 2: bell: "),
        ("{\"history\": -1}", "line 1, column 2: history: "), ("{\"history\": 1.5}", "line 1, column 2: history: "),
        ("{\"history\": 1e3}", "line 1, column 2: history: "), ("{\"linger\": \"soon\"}", "line 1, column 2: linger: "),
        ("{\"quit-word\": \"a\\nb\"}", "line 1, column 2: quit-word: "),
        ("{\"no-quit-word\": \"x\"}", "line 1, column 2: no-quit-word: "),
        ("{\"server\": 7}", "line 1, column 12: server takes a string"),
        ("{\"servers\": []}", "line 1, column 13: servers: an object"),
        ("{\"servers\":\n{\"work\": \"example.org\"}}", "line 2, column 10: work: a server is an object"),
        ("{\"servers\":\n{\"work\":\n{\"nick\": \"ana\"}}}", "line 3, column 2: there is no preference nick"),
        ("{\"servers\":\n{\"work\":\n{\"servers\": {}}}}", "line 3, column 2: there is no preference servers"),
        ("{\"name\": \"ana\"", "line 1, column 15"), ("{} {}", "line 1, column 4"),
        ("{\"name\": \"\u{1}\"}", "line 1, column 10"),
    ])
    func `what is wrong is told with its line and column`(content: String, sentence: String) throws {
        let failure = try #require(throws: Failure.self) { try resolve(content, ["work"]) }
        #expect(failure.description.hasPrefix("\(file.path), \(sentence)"), "\(failure)")
        #expect(failure.code == EX_CONFIG)
        #expect(!failure.description.contains("\n"))
    }

    @Test func `an entry that is not used is not judged`() throws {
        #expect(try resolve(#"{"servers": {"work": 7}}"#, ["home"]).server == "home")
    }

    @Test func `a file that was asked for must be there, and one in the usual place need not`() throws {
        #expect(throws: Failure.self) { try PreferencesFile.resolve(try Chat.parse(["--config", "/no/such/file"])) }
        let server = try PlayedServer()
        let directory = try TemporaryDirectory()
        let chat = try start(["\(server.address)"], in: directory)
        try chat.write("hello\n")
        #expect(try server.accept().receiveLine() == "hello")
    }

    @Test func `the file in the usual place names servers`() throws {
        let server = try PlayedServer()
        let directory = try TemporaryDirectory()
        let folder = "\(directory.path)/chat"
        #expect(unsafe mkdir(folder, 0o700) == 0)
        let path = "\(folder)/config.json"
        let text = Array(#"{"servers": {"work": {"server": "\#(server.address)"}}}"#.utf8)
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        #expect(unsafe write(descriptor, text, text.count) == text.count)
        close(descriptor)
        defer {
            unsafe unlink(path)
            unsafe rmdir(folder)
        }
        let chat = try start(["work"], in: directory)
        try chat.write("hello\n")
        #expect(try server.accept().receiveLine() == "hello")
        let other = try start(["work", "--config", "/dev/null"], in: directory)
        #expect(try other.waitForEnd() == .exit(EX_CONFIG))
    }

    private func start(_ arguments: [String], in directory: TemporaryDirectory) throws -> ChildProcess {
        try ChildProcess(
            ChildProcess.pathOfExecutable("chat"), arguments, environment: ["XDG_CONFIG_HOME=\(directory.path)"], input: .pipe)
    }
}
