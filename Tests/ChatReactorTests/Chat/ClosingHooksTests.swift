import TestSupport
import Testing

@testable import ChatReactor

/// A hook may close the person that it is asked about, or have it leave: then nothing more is done in its name.
struct ClosingHooksTests {
    enum Act: CaseIterable { case close, finish, kick }

    private func end(_ person: Person, _ act: Act, _ chat: Chat) {
        switch act {
        case .close: person.connection?.close()
        case .finish: person.connection?.finish()
        case .kick: chat.kick(person)
        }
    }

    @Test("On admission: nobody hears of it", arguments: Act.allCases)
    func admission(_ act: Act) throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let ana = try fixture.join("ana")
        chat.onAdmission { [unowned chat] person in
            end(person, act, chat)
            return .admit
        }
        let other = try fixture.fixture.join()
        try fixture.run { other.isAtEnd }
        #expect(try ana.newLines == [])
        #expect(chat.online == 1)
    }

    @Test(
        "Before something is said, or set as a topic: it is not, unless the connection was only asked to finish or close",
        arguments: Act.allCases, ["hello", "/topic tea"])
    func saying(_ act: Act, _ line: String) throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        chat.onSay { [unowned chat] person, _, _ in
            end(person, act, chat)
            return .pass
        }
        try ben.send(line)
        try fixture.run { ben.isGone && chat.online == 1 }
        let lines = try ana.newLines
        #expect(lines.last == "* ben left: \(act == .kick ? "kicked" : "closed") (1 online)")
        if act == .kick { #expect(lines.count == 1) }
    }

    @Test("A refusal is one line, whatever it says")
    func refusal() throws {
        let fixture = try ChatFixture()
        try fixture.chat.onSay { _, _, text in .refuse("not\nhere: \(text)\u{202E}") }
        let ana = try fixture.join("ana")
        try ana.send("tea")
        #expect(try ana.newLines == [#"! not^Jhere: tea\u{202E}"#])
        try fixture.chat.onAdmission { _ in .refuse("full\r\n* hello") }
        let other = try fixture.fixture.join()
        try fixture.run { other.isAtEnd }
        #expect(other.lines == ["! full^M^J* hello"])
    }
}
