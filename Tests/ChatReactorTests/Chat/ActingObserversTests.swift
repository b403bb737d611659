import TestSupport
import Testing

@testable import ChatReactor

/// An observer may do anything while it is told of an event, even have the person leave whom the event is about.
struct ActingObserversTests {
    private final class Actor: ChatServerObserver {
        let act: (ChatServer.Event) -> Void

        init(_ act: @escaping (ChatServer.Event) -> Void) { self.act = act }

        func server(_ server: ChatServer, didPublish event: ChatServer.Event) { act(event) }
    }

    @Test("Somebody who is kicked for a new name is gone under both")
    func kickedForAName() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        fixture.server.addObserver(
            Actor { [unowned chat] event in
                if event.text == "rude", let person = event.person, person.number == 2 { chat.kick(person) }
            })
        try ben.send("/nick rude")
        try fixture.run { ben.isGone && fixture.server.clientCount == 1 }
        #expect(try ana.newLines == ["* ben is now rude", "* rude left: kicked (1 online)"])
        #expect(chat.online == 1)
        #expect(chat.people.map(\.name.text) == ["ana"])
        #expect(chat.person(named: try ChatName("rude")) == nil)
        // From the same address.
        try ana.send("/nick rude")
        #expect(try ana.newLines == ["* you are now rude"])
    }

    @Test("Somebody who is given another name at once has that alone")
    func renamedForAName() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        let polite = try ChatName("polite")
        fixture.server.addObserver(
            Actor { [unowned chat] event in
                if event.kind == .rename, event.text == "rude", let person = event.person { chat.rename(person, to: polite) }
            })
        try ben.send("/nick rude")
        #expect(try ana.newLines == ["* ben is now rude", "* rude is now polite"])
        try ben.send("hi")
        #expect(try ana.newLines == ["polite: hi"])
        #expect(chat.people.map(\.name.text).sorted() == ["ana", "polite"])
        try ben.send("/quit")
        try fixture.run { ben.isGone && fixture.server.clientCount == 1 }
        #expect(chat.people.map(\.name.text) == ["ana"])
    }

    @Test("Somebody who is kicked on the way to another room does not come there", arguments: [false, true])
    func kickedWhileMoving(_ isThere: Bool) throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben"))
        if isThere { try ana.send("/join tea") }
        _ = try ana.newLines
        fixture.server.addObserver(
            Actor { [unowned chat] event in
                if event.kind == .leave, event.text == "moved", let person = event.person { chat.kick(person) }
            })
        try ben.send("/join tea")
        try fixture.run { ben.isGone && fixture.server.clientCount == 1 }
        #expect(try ana.newLines == (isThere ? [] : ["* ben left: moved (1 online)"]))
        #expect(chat.rooms.map(\.name.text) == (isThere ? ["lobby", "tea"] : ["lobby"]))
    }

    @Test("A room that empties while somebody is on the way to it is the same for those who come later")
    func emptiedWhileMoving() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben, zoe) = (try fixture.join("ana"), try fixture.join("ben"), try fixture.join("zoe"))
        try ana.send("/join tea")
        _ = try ana.newLines
        fixture.server.addObserver(
            Actor { [unowned chat] event in
                guard event.kind == .leave, event.name == "ben", event.text == "moved" else { return }
                if let person = chat.people.first(where: { $0.name.text == "ana" }) { chat.kick(person) }
            })
        try ben.send("/join tea")
        try fixture.run { ana.isGone && fixture.server.clientCount == 2 }
        _ = try ben.newLines
        try zoe.send("/join tea")
        #expect(try ben.newLines == ["* zoe joined (2 online)"])
        #expect(chat.rooms.count == 2)
    }

    @Test("Somebody who is kicked for coming gets nothing of the room, and leaves nothing there", arguments: [false, true])
    func kickedForComing(_ isMoving: Bool) throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let (ana, ben) = (try fixture.join("ana"), try fixture.join("ben", json: true))
        try ana.send("/join tea")
        _ = try ana.newLines
        fixture.server.addObserver(
            Actor { [unowned chat] event in
                if event.kind == .join, let person = event.person { chat.kick(person, reason: "no") }
            })
        ben.clear()
        if isMoving {
            try ben.send("/join tea")
            try fixture.run { ben.isGone && fixture.server.clientCount == 1 }
            #expect(try ben.takeObjects().map(\.type) == ["error"])
            #expect(try fixture.conversation(in: "tea").online == 1)
            #expect(try !fixture.conversation(in: "tea").hasTopic(of: .json))
        } else {
            let cleo = try fixture.fixture.join()
            try fixture.run { cleo.isAtEnd }
            #expect(cleo.lines == ["! kicked: no"])
            #expect(chat.online == 2)
            #expect(try !fixture.conversation(in: "lobby").hasTopic(of: .text))
        }
    }

    @Test("Somebody whose room is closed as it comes hears nothing of that room")
    func closedForComing() throws {
        let fixture = try ChatFixture()
        let chat = try fixture.chat
        let ana = try fixture.join("ana")
        fixture.server.addObserver(
            Actor { [unowned chat] event in if event.kind == .join, event.room !== chat.lobby { chat.close(event.room) } })
        try ana.send("/join tea")
        #expect(
            try ana.newLines == ["* tea was closed by the operator", "* you are in lobby; 1 online"])
        #expect(chat.rooms.map(\.name.text) == ["lobby"])
        try ana.send("/who")
        #expect(try ana.newLines == ["* in lobby: ana"])
    }

    @Test("All observers are told in the same order, also if one of them answers")
    func order() throws {
        let fixture = try ChatFixture()
        var seen: [String] = []
        let bot = try ChatName("bot")
        fixture.server.addObserver(Actor { event in if event.text == "tea?" { event.room.say("ready", as: bot) } })
        fixture.server.addObserver(Actor { event in seen.append("\(event)") })
        let ana = try fixture.join("ana")
        seen = []
        try ana.send("tea?")
        #expect(try ana.newLines == ["bot: ready"])
        #expect(seen == ["ana: tea?", "bot: ready"])
    }
}
