import ChatLineEditing
import TestSupport
import Testing

@testable import chat

/// Tab offers what the server has.
struct CompleterTests {
    private func candidates(_ line: String, names: [String] = ["zoe", "ana"], rooms: [String] = ["lobby", "ana"]) -> [Completion]
    {
        var editor = LineEditor()
        _ = editor.handle(.text(line))
        return Completer.candidates(for: editor.completionContext, line: line, names: names, rooms: rooms)
    }

    @Test func `its commands are those that a real server lists for people`() throws {
        try withDaemon(["--chat"]) { daemon in
            let peer = try daemon.connect()
            try peer.send("/help\n/ping\n")
            var commands: [String] = []
            while let line = try peer.receiveLine(), line != "* pong" {
                if let name = line.prefixMatch(of: #/\* \/([a-z]+)/#) { commands.append(String(name.1)) }
            }
            #expect(commands.count > 10)
            // A program sends these two for the user.
            #expect(Completer.commands == commands.filter { $0 != "json" && $0 != "resume" }.sorted())
        }
    }

    @Test func `a slash at the beginning is a command`() {
        #expect(candidates("/").map(\.text) == Completer.commands.map { "/\($0)" })
        #expect(candidates("/").allSatisfy { $0.suffix == " " })
    }

    @Test func `a name at the beginning addresses somebody, and elsewhere it does not`() {
        #expect(candidates("a") == [Completion("ana", suffix: ": "), Completion("zoe", suffix: ": ")])
        #expect(candidates("/msg a") == ["ana", "zoe"].map { Completion($0) })
        #expect(candidates("hello /") == ["ana", "zoe"].map { Completion($0) })
        #expect(candidates("hello @") == ["@ana", "@zoe"].map { Completion($0) })
    }

    @Test(arguments: ["/join ", "/JOIN l", "/join\tl", "/who "]) func `where a room is meant, rooms are offered`(line: String) {
        #expect(candidates(line) == ["lobby", "ana"].map { Completion($0) })
    }

    @Test func `nothing is offered on an empty line, or where nobody is known`() {
        #expect(candidates("") == [])
        #expect(candidates("a", names: [], rooms: []) == [])
        #expect(candidates("say a", names: [], rooms: []) == [])
    }
}
