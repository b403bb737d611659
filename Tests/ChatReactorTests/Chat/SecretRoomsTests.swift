import TestSupport
import Testing

@testable import ChatReactor

/// Rooms that not everybody hears of, or may enter: keys, invitations, and what is secret.
struct SecretRoomsTests {
    @Test func `a key keeps others out, and the room is listed to nobody else`() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/join tea green leaves\npsst")
        #expect(try ana.newLines == ["* you are in tea; 1 online"])
        ben.clear()
        try ben.send("/rooms\n/who tea\n/join tea\n/join tea green\n/resume tea 1 1\n/resume tea 1 1 green")
        let refusal = "! tea has a key: /join tea KEY, or be invited"
        #expect(
            try ben.newLines == [
                "* lobby (1 online)", "! there is no room tea", refusal, "! that is not the key of tea", refusal,
                "! that is not the key of tea",
            ])
        #expect(ana.takeLines().isEmpty)
        try ben.send("/join #TEA  green leaves \n/rooms\n/who tea")
        let lines = try ben.newLines
        #expect(
            lines.first == "* you are in tea; 2 online"
                && lines.suffix(3) == ["* tea (2 online)", "* lobby (0 online)", "* in tea: ana, ben"])
        // The key is gone with the room.
        try ana.send("/leave")
        try ben.send("/leave")
        _ = try ben.newLines
        try ben.send("/join tea other leaves\n/history 5")
        #expect(try ben.newLines == ["* you are in tea; 1 online", "* history of tea:", "* end of history (0)"])
    }

    @Test func `a room without a key says so to who gives one`() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/join tea")
        _ = try ana.newLines
        ben.clear()
        try ben.send("/join tea leaves\n/join lobby leaves")
        #expect(
            try ben.newLines == [
                "* tea has no key: everybody may come in", "* you are in tea; 2 online",
                "* lobby has no key: everybody may come in", "* you are in lobby; 1 online",
            ])
    }

    @Test func `somebody who is invited needs no key`() throws {
        let chat = try ChatFixture()
        let (ana, ben, cleo) = (try chat.join("ana"), try chat.join("ben"), try chat.join("cleo", json: true))
        try ana.send("/join tea leaves")
        _ = try ana.newLines
        try ana.send("/invite\n/invite nobody\n/invite ana\n/invite ben\n/invite cleo")
        #expect(
            try ana.newLines == [
                "! this command is /invite NAME", "! nobody is called nobody", "! ana is in tea already",
                "* ben is invited to tea", "* cleo is invited to tea",
            ])
        #expect(ben.takeLines().last == "* ana invites you to tea: /join tea")
        let object = try #require(try cleo.takeObjects().last)
        #expect(object.type == "invitation" && object.room == "tea" && object.from == "ana")
        for _ in 0..<2 {
            try ben.send("/join tea")
            #expect(try ben.newLines.contains("* you are in tea; 2 online"))
            try ben.send("/leave")
            _ = try ben.newLines
        }
        // Whoever comes back under the name of a guest is another one.
        try ben.send("/quit")
        try chat.run { ben.isGone }
        let again = try chat.join("ben")
        try again.send("/join tea")
        #expect(try again.newLines.last == "! tea has a key: /join tea KEY, or be invited")
        // Who is ignored invites nobody.
        try again.send("/ignore ana")
        _ = try again.newLines
        try ana.send("/invite ben")
        #expect(try again.newLines.isEmpty)
    }

    @Test func `keys are not guessed for long`() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben", from: .ipv4(address: 0x7F00_0002, port: 0)))
        try ana.send("/join tea leaves")
        _ = try ana.newLines
        ben.clear()
        for number in 0..<12 { try ben.send("/join tea \(number)") }
        try ben.send("/join tea leaves")
        let lines = try ben.newLines
        #expect(lines.count { $0 == "! that is not the key of tea" } == 10)
        #expect(lines.suffix(3) == Array(repeating: "! there were too many wrong keys, try again in a minute", count: 3))
        // Another room, and another address.
        try ben.send("/join coffee beans")
        #expect(try ben.newLines.last == "* you are in coffee; 1 online")
        let cleo = try chat.join("cleo")
        try cleo.send("/join tea leaves")
        #expect(try cleo.newLines.contains("* you are in tea; 2 online"))
    }

    @Test func `what the operator has laid down`() throws {
        let name = try ChatName("attic")
        let chat = try ChatFixture { $0.secretRooms = [SecretRoom(name), SecretRoom(.init(unchecked: "cellar"), key: "wine")] }
        let (ana, ben) = (try chat.join("ana"), try chat.join("ben"))
        try ana.send("/join attic")
        #expect(try ana.newLines == ["* you are in attic; 1 online"])
        ben.clear()
        try ben.send("/rooms\n/who attic\n/join cellar\n/join cellar beer\n/join cellar wine\n/leave\n/join attic")
        let lines = try ben.newLines.filter { !$0.hasPrefix("[") && !$0.contains("end of history") }
        #expect(
            lines == [
                "* lobby (1 online)", "! there is no room attic", "! cellar has a key: /join cellar KEY, or be invited",
                "! that is not the key of cellar", "* you are in cellar; 1 online", "* you are in lobby; 1 online",
                "* you are in attic; 2 online",
            ])
        let rooms = OperatorCommands(for: try chat.chat) {}.run("rooms").lines
        #expect(rooms == ["attic (2 online, secret)", "lobby (0 online)"])
        try chat.chat.secretRooms = []
        let cleo = try chat.join("cleo")
        try cleo.send("/rooms")
        #expect(try cleo.newLines == ["* attic (2 online)", "* lobby (1 online)"])
    }

    @Test func `what is said behind a key is in no file`() throws {
        let folder = try TemporaryFolder()
        let chat = try ChatFixture { $0.roomLogDirectory = folder.path }
        let ana = try chat.join("ana")
        try ana.send("/join tea\nin the open\n/leave\n/join tea leaves\nbehind the key\n/leave\n/join tea\n/history 10")
        let lines = try ana.newLines
        #expect(lines.suffix(3).first == "* history of tea:" || lines.suffix(3).contains { $0.hasSuffix("ana: in the open") })
        #expect(!lines.contains { $0.contains("behind the key") })
        #expect(lines.contains { $0.hasSuffix("ana: in the open") })
    }
}
