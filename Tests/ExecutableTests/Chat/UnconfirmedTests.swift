import Testing

@testable import chat

/// What the user has said is remembered until the server confirms it.
struct UnconfirmedTests {
    @Test func `what is said is remembered in its order, and confirmed in it`() {
        var unconfirmed = Unconfirmed()
        for text in ["one", "two", "three"] { unconfirmed.didSend(text) }
        unconfirmed.didConfirm()
        #expect(unconfirmed.texts == ["two", "three"])
        #expect(unconfirmed.takeAll() == ["two", "three"])
        #expect(unconfirmed.texts == [])
    }

    @Test func `commands and empty lines have no confirmation, and a doubled slash is a text`() {
        var unconfirmed = Unconfirmed()
        for line in ["/nick ana", "/", "", " ", "\t ", "//etc", "///", "/ /"] { unconfirmed.didSend(line) }
        #expect(unconfirmed.texts == ["/etc", "//"])
    }

    @Test func `commands that say something are confirmed as what is said`() {
        var unconfirmed = Unconfirmed()
        for line in ["/msg ben hi", "one", "/ME waves", "/me", "/reply ok", "two"] { unconfirmed.didSend(line) }
        #expect(unconfirmed.texts == ["/msg ben hi", "one", "/ME waves", "/reply ok", "two"])
        unconfirmed.didConfirm()
        unconfirmed.didArrive("waves")
        #expect(unconfirmed.texts == ["one", "/reply ok", "two"])
    }

    @Test func `what is a command, and what follows it, is as the server has it`() {
        var unconfirmed = Unconfirmed()
        // Marks make one character with what they follow, and are no part of a command.
        for line in ["//\u{301}etc", "/me  waves ", "/me\twaves", "/me \u{301}x", "/me  ", " /me waves"] {
            unconfirmed.didSend(line)
        }
        #expect(unconfirmed.texts == ["/\u{301}etc", "/me  waves ", "/me\twaves", "/me \u{301}x", " /me waves"])
        for text in ["waves", "waves", "\u{301}x", " /me waves", "/\u{301}etc"] {
            let isThere = unconfirmed.didArrive(text)
            #expect(isThere, "\(text)")
        }
        #expect(unconfirmed.texts.isEmpty)
    }

    @Test func `a password that was said by mistake is not repeated`() {
        var unconfirmed = Unconfirmed()
        for line in [" /login ana open sesame", "login ana open sesame", " /join tea key"] { unconfirmed.didSend(line) }
        #expect(unconfirmed.texts == ["/login ana ***", "login ana ***", "/join tea ***"])
        // A server that has said it all the same.
        let isThere = unconfirmed.didArrive("login ana open sesame")
        #expect(isThere)
    }

    @Test func `those that are not kept are confirmed first`() {
        var unconfirmed = Unconfirmed()
        for number in 0..<150 { unconfirmed.didSend("\(number)") }
        for _ in 0..<60 { unconfirmed.didConfirm() }
        #expect(unconfirmed.forgottenCount == 0)
        #expect(unconfirmed.texts == (60..<150).map { "\($0)" })
    }

    @Test func `what turns out to have arrived is forgotten once, and nothing else`() {
        var unconfirmed = Unconfirmed()
        for text in ["yes", "no", "yes"] { unconfirmed.didSend(text) }
        _ = unconfirmed.didArrive("yes")
        _ = unconfirmed.didArrive("perhaps")
        #expect(unconfirmed.texts == ["no", "yes"])
    }

    @Test func `the newest hundred are kept, and a confirmation of nothing does nothing`() {
        var unconfirmed = Unconfirmed()
        unconfirmed.didConfirm()
        for number in 0..<250 { unconfirmed.didSend("\(number)") }
        #expect(unconfirmed.texts == (150..<250).map { "\($0)" })
    }
}
