import TestSupport
import Testing

@testable import ChatReactor

/// `/help`, `/ping`, and commands that there are not.
struct HelpCommandTests {
    @Test("All commands are listed, and each is explained")
    func help() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        try ana.send("/help")
        let lines = try ana.newLines
        #expect(lines == CommandTable.builtIn.map { "* \($0.usage) - \($0.help)" })
        #expect(lines.count == 19)
        for question in ["/help msg", "/HELP Msg", "/help /msg"] {
            try ana.send(question)
            #expect(try ana.newLines == ["* /msg NAME TEXT - Say something to one person alone."])
        }
        try ana.send("/help jion")
        #expect(try ana.newLines == ["! there is no /jion; did you mean /join?"])
    }

    @Test(
        "An unknown command gets an error that names the nearest",
        arguments: [
            ("/jion lobby", "there is no /jion; did you mean /join?"), ("/NIKC a", "there is no /NIKC; did you mean /nick?"),
            ("/hepl", "there is no /hepl; did you mean /help?"), ("/ignroe x", "there is no /ignroe; did you mean /ignore?"),
            ("/tea", "there is no /tea; did you mean /me?"),
            ("/somethingelse", "there is no /somethingelse; /help lists what there is"),
            ("/", "there is no /; /help lists what there is"), ("/ me", "there is no /; /help lists what there is"),
        ])
    func unknown(_ line: String, _ reason: String) throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send(line)
        let lines = try ana.newLines
        #expect(lines.count == 1 && lines.first?.hasPrefix("! there is no /") == true)
        if line != "/tea" { #expect(lines == ["! \(reason)"]) }
        #expect(try ben.newLines == [])
    }

    @Test("/ping is answered after what was asked before it")
    func ping() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        try ana.send("/who\n/ping")
        try chat.run { ana.client.lines.suffix(2) == ["* in lobby: ana", "* pong"] }
    }

    @Test("An embedder's command is listed, run, and named if it is the nearest")
    func added() throws {
        let chat = try ChatFixture()
        try chat.chat.addCommand(
            Chat.Command("brew", arguments: "[TEA]", help: "Make tea.") { person, tea in person.notify("\(tea)\n is\u{7} ready") }
        )
        let ana = try chat.join("ana")
        try ana.send("/brew  green \n/bewr\n/help brew")
        #expect(
            try ana.newLines == [
                "* green^J is^G ready", "! there is no /bewr; did you mean /brew?", "* /brew [TEA] - Make tea.",
            ])
    }
}
