import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Up to when somebody has read what is said (`draft/read-marker`).
struct IRCReadMarkerTests {
    private static let s = ":\(IRCFixture.server)"
    private let irc: IRCFixture

    init() throws {
        irc = try IRCFixture()
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea", "ben": "milk"])
    }

    private func logIn(_ name: String, _ password: String) throws -> Talker {
        let talker = try irc.connect()
        try irc.say(
            talker, "CAP REQ draft/read-marker", "PASS \(name):\(password)", "NICK \(name)", "USER \(name) 0 * :X", "CAP END")
        try irc.settle()
        talker.clear()
        return talker
    }

    @Test func `an account has its markers, whichever client it comes with`() throws {
        let ana = try logIn("ana", "tea")
        let joined = try irc.ask(ana, "JOIN #tea")
        let told = try #require(joined.firstIndex(of: "\(Self.s) MARKREAD #tea *"))
        #expect(joined[0].hasSuffix("JOIN #tea") && joined[(told + 1)...].contains { $0.contains(" 366 ") })
        let time = "timestamp=2026-01-02T03:04:05.678Z"
        #expect(try irc.ask(ana, "MARKREAD #TEA \(time)") == ["\(Self.s) MARKREAD #TEA \(time)"])
        // Never back.
        #expect(try irc.ask(ana, "MARKREAD #tea timestamp=2025-01-02T03:04:05.678Z") == ["\(Self.s) MARKREAD #tea \(time)"])
        #expect(try irc.ask(ana, "MARKREAD ben") == ["\(Self.s) MARKREAD ben *"])
        #expect(try irc.ask(ana, "MARKREAD tea \(time)") == ["\(Self.s) MARKREAD tea \(time)"])
        // What is yet to come is not read.
        #expect(try irc.ask(ana, "MARKREAD ben timestamp=2126-01-02T03:04:05.678Z").first?.contains("timestamp=20") == true)
        let again = try logIn("ana", "tea")
        #expect(try irc.ask(again, "JOIN #tea").contains("\(Self.s) MARKREAD #tea \(time)"))
        // Others do not hear of it, and have their own.
        let ben = try logIn("ben", "milk")
        #expect(try irc.ask(ben, "JOIN #tea").contains("\(Self.s) MARKREAD #tea *"))
        let plain = try irc.register("cleo", in: "#milk")
        #expect(!plain.lines.contains { $0.contains("MARKREAD") })
    }

    @Test func `what is no marker`() throws {
        let (ana, ben) = (try logIn("ana", "tea"), try irc.register("cleo"))
        for (line, code) in [
            ("MARKREAD", "NEED_MORE_PARAMS"), ("MARKREAD #tea *", "INVALID_PARAMS *"), ("MARKREAD #tea x", "INVALID_PARAMS x"),
            ("MARKREAD a.b", "INVALID_PARAMS a.b"), ("MARKREAD #", "INVALID_PARAMS #"),
        ] {
            #expect(try irc.ask(ana, line).map { $0.hasPrefix("\(Self.s) FAIL MARKREAD \(code) :") } == [true])
        }
        // Who has not logged in has markers, too, as long as it is there.
        let time = "timestamp=2026-01-02T03:04:05.678Z"
        #expect(try irc.ask(ben, "MARKREAD #tea \(time)", "MARKREAD #tea").last == "\(Self.s) MARKREAD #tea \(time)")
        #expect(try irc.ask(ana, "MARKREAD #tea") == ["\(Self.s) MARKREAD #tea *"])
        irc.chat.authenticator = nil
        try irc.clear()
        #expect(try irc.ask(ben, "MARKREAD #tea") == ["\(Self.s) 421 cleo MARKREAD :Unknown command"])
        #expect(try irc.ask(ben, "CAP REQ :draft/read-marker") == ["\(Self.s) CAP cleo NAK :draft/read-marker"])
    }

    @Test func `the markers of a name that is nobody's any more are forgotten`() throws {
        let ana = try logIn("ana", "tea")
        _ = try irc.ask(ana, "MARKREAD #tea timestamp=2026-01-02T03:04:05.678Z")
        irc.chat.authenticator = try PlainAuthenticator(["ben": "milk"])
        irc.chat.authenticator = try PlainAuthenticator(["ana": "other"])
        let other = try logIn("ana", "other")
        #expect(try irc.ask(other, "MARKREAD #tea") == ["\(Self.s) MARKREAD #tea *"])
    }

    @Test func `there are so many, and no more`() throws {
        var markers = ReadMarkers()
        let ana = ChatName(unchecked: "ana")
        func target(_ number: Int) -> ReadMarkers.Target { .init(isRoom: true, name: ChatName(unchecked: "r\(number)")) }
        for number in 0..<300 {
            let isSet = markers.set(target(number), by: ana, to: Int64(number))
            #expect(isSet)
        }
        // The oldest have gone.
        #expect(markers.time(of: target(99), by: ana) == nil && markers.time(of: target(100), by: ana) == 100)
        var accounts = 0
        while markers.set(target(0), by: ChatName(unchecked: "a\(accounts)"), to: 1) { accounts += 1 }
        #expect(accounts == ReadMarkers.limit - ReadMarkers.limitOfAccount)
        // What is there can move on.
        let isMoved = markers.set(target(299), by: ana, to: 1_000)
        #expect(isMoved && markers.time(of: target(299), by: ana) == 1_000)
        markers.keep { $0 == ana }
        let isSet = markers.set(target(0), by: ChatName(unchecked: "a"), to: 1)
        #expect(isSet && markers.time(of: target(0), by: ChatName(unchecked: "a0")) == nil)
    }

    @Test func `who has asked to be told hears when passwords may come in the clear, or no more`() throws {
        let irc = try IRCFixture(server: { $0.access.proxies = [.init(.ipv4(address: 0x7F00_0001, port: 0))].compactMap(\.self) })
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea"])
        let eve = try irc.connect(for: "192.0.2.1")
        _ = try irc.ask(eve, "CAP LS 302", "NICK eve", "USER eve 0 * :Eve", "CAP END")
        irc.chat.loginRules.allowsPlainConnections = true
        #expect(try irc.answers(eve) == ["\(Self.s) CAP eve NEW :sasl=PLAIN"])
        irc.chat.loginRules.rate = 5
        #expect(try irc.ask(eve, "CAP REQ :sasl") == ["\(Self.s) CAP eve ACK :sasl"])
        irc.chat.loginRules.allowsPlainConnections = false
        #expect(try irc.answers(eve) == ["\(Self.s) CAP eve DEL :sasl"])
        #expect(try irc.ask(eve, "CAP LIST") == ["\(Self.s) CAP eve LIST :cap-notify"])
    }

    @Test func `who has no name yet hears of it, too`() throws {
        let irc = try IRCFixture()
        let (new, old) = (try irc.connect(), try irc.connect())
        _ = try irc.ask(new, "CAP LS 302")
        _ = try irc.ask(old, "CAP LS")
        irc.chat.authenticator = try PlainAuthenticator(["ana": "tea"])
        #expect(try irc.answers(new) == ["\(Self.s) CAP * NEW :draft/read-marker sasl=PLAIN"])
        #expect(try irc.ask(new, "CAP REQ :sasl", "AUTHENTICATE PLAIN").last == "AUTHENTICATE +")
        irc.chat.authenticator = nil
        #expect(try irc.answers(new) == ["\(Self.s) CAP * DEL :draft/read-marker sasl"])
        // What it had begun leads nowhere any more, and it comes in all the same.
        #expect(try irc.ask(new, "AUTHENTICATE AGFuYQB0ZWE=").first?.hasPrefix("\(Self.s) 904 * :") == true)
        #expect(try irc.ask(new, "NICK ana", "USER a 0 * :Ana", "CAP END").contains { $0.contains(" 001 ana ") })
        #expect(try irc.answers(old).isEmpty)
    }
}
