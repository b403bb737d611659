import ChatReactor
import TestSupport
import Testing

/// `/nick`: who may be called what.
struct NamesOfPeopleTests {
    @Test("A name is told to the others, and to its owner")
    func names() throws {
        let chat = try ChatFixture()
        let (ana, ben) = (try chat.join(), try chat.join("ben"))
        try ana.send("/nick ana")
        #expect(try ben.newLines == ["* guest1 is now ana"])
        #expect(ana.takeLines() == ["* you are now ana"])
        try ana.send("/nick Ana")
        #expect(try ben.newLines == ["* ana is now Ana"])
        try ana.send("hello")
        #expect(try ben.newLines == ["Ana: hello"])
        for name in ["Łukasz", "Ωμέγα", "Юля", "山田-太郎", "สมชาย", "أحمد", "שרה", "a_1", "वीरेन्द्र"] {
            ana.clear()
            try ana.send("/nick \(name)")
            #expect(try ana.newLines == ["* you are now \(name)"])
        }
    }

    @Test(
        "What cannot be a name is refused, with the reason",
        arguments: [
            ("", "this command is /nick NAME"),
            ("ana", "you are ana already"),
            ("BEN", "somebody else has that name"),
            ("strasse", "somebody else has that name"),
            ("Andre\u{301}", "somebody else has that name"),
            ("server", "this name is reserved for the server"),
            ("Server", "this name is reserved for the server"),
            ("guest1", "this name is reserved for the server"),
            ("GUEST99", "this name is reserved for the server"),
            ("you", "this name is reserved for the server"),
            ("\u{FF42}en", "a name cannot have U+FF42, which looks like another character"),
            ("\u{1D5BB}en", "a name cannot have U+1D5BB, which looks like another character"),
            ("\u{FB01}ona", "a name cannot have U+FB01, which looks like another character"),
            ("a b", "a name has letters, digits, _ and - only, and not a space"),
            ("a\u{200B}b", "a name has letters, digits, _ and - only, and not U+200B"),
            ("a\u{200D}b", "a name has letters, digits, _ and - only, and not U+200D"),
            ("*", "a name has letters, digits, _ and - only, and not *"),
            ("!ben", "a name has letters, digits, _ and - only, and not !"),
            ("[ben", "a name has letters, digits, _ and - only, and not ["),
            ("ben:", "a name has letters, digits, _ and - only, and not :"),
            ("{ben", "a name has letters, digits, _ and - only, and not {"),
            // Control and bidi characters, and what is not UTF-8, are visible by then.
            ("b\u{1}en", "a name has letters, digits, _ and - only, and not ^"),
            ("b\u{202E}en", "a name has letters, digits, _ and - only, and not \\"),
            ("be\u{43D}", "a name has letters of one alphabet, not of two that look alike, such as Latin and Cyrillic"),
            ("\u{301}ben", "a name cannot begin with a mark"),
            ("a\u{302}\u{303}\u{304}\u{305}\u{306}", "a name has at most 4 marks on one character"),
            (String(repeating: "a", count: 25), "a name has at most 24 characters and 96 bytes"),
        ])
    func refusals(_ name: String, _ reason: String) throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        for name in ["ben", "straße", "André"] { _ = try chat.join(name) }
        try ana.send("/nick \(name)")
        #expect(try ana.newLines == ["! \(reason)"])
        try ana.send("/who")
        #expect(try ana.newLines == ["* in lobby: André, ana, ben, straße"])
    }

    @Test("A name that was left is kept for its owner's address")
    func keptNames() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        let elsewhere = SocketAddress.ipv4(address: 0x7F00_0002, port: 0)
        let ben = try chat.join("ben", from: elsewhere)
        try ben.send("/quit")
        try chat.run { ben.isGone }
        ana.clear()
        try ana.send("/nick BEN")
        #expect(try ana.newLines == ["! that name is kept for the one who has just left"])
        let again = try chat.join(from: elsewhere)
        try again.send("/nick ben")
        #expect(try again.newLines == ["* you are now ben"])
        // A name that somebody has exchanged for another is kept, too.
        try again.send("/nick benjamin")
        _ = try ana.newLines
        try ana.send("/nick ben")
        #expect(try ana.newLines.last == "! that name is kept for the one who has just left")
        try again.send("/nick ben")
        again.clear()
        #expect(try again.newLines.last == "* you are now ben")
    }

    @Test("Nobody can make the server forget whose name is kept, by taking many names")
    func manyKeptNames() throws {
        let chat = try ChatFixture()
        let ana = try chat.join("ana")
        let ben = try chat.join("ben", from: SocketAddress.ipv4(address: 0x7F00_0002, port: 0))
        try ben.send("/quit")
        try chat.run { ben.isGone }
        for part in 0..<11 {
            try ana.send((0..<1_000).map { "/nick a\(part)-\($0)\n" }.joined())
            _ = try ana.newLines
        }
        try ana.send("/nick ben")
        #expect(try ana.newLines == ["! that name is kept for the one who has just left"])
        // Of those that it has given up itself, the newest are kept.
        let zoe = try chat.join(from: SocketAddress.ipv4(address: 0x7F00_0003, port: 0))
        try zoe.send("/nick a10-998\n/nick a10-1")
        #expect(try zoe.newLines == ["! that name is kept for the one who has just left", "* you are now a10-1"])
    }
}
