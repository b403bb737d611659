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
