import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Names that are somebody's, who takes them by a password.
struct LoginTests {
    private let wrong = "! that is not the password of that name, or nobody has the name"

    private func makeChat(
        operators: [String] = [], waits: Bool = false, proxies: Bool = false,
        _ change: (inout LoginRules) -> Void = { _ in }
    ) throws -> (ChatFixture, PlainAuthenticator) {
        let authenticator = try PlainAuthenticator(["ana": "open sesame", "ben": "tea"], operators: operators, waits: waits)
        let fixture = try ChatFixture {
            change(&$0.loginRules)
        } server: {
            if proxies { $0.access.proxies = [.init(.ipv4(address: 0x7F00_0001, port: 0))].compactMap(\.self) }
        }
        try fixture.chat.authenticator = authenticator
        return (fixture, authenticator)
    }

    // MARK: - Whose a name is

    @Test func `a name with a password is taken by a login alone`() throws {
        let (chat, authenticator) = try makeChat()
        let (one, zoe) = (try chat.join(), try chat.join("zoe"))
        try one.send("/nick ANA\n/login ana wrong\n/login nobody open sesame\n/login ana")
        #expect(
            try one.newLines == [
                "! that name is somebody's, who takes it by /login ANA PASSWORD", wrong, wrong,
                "! this command is /login NAME PASSWORD",
            ])
        #expect(zoe.takeLines().isEmpty)
        try one.send("/login Ana  open sesame \nhello")
        #expect(try one.newLines == ["* you are logged in as Ana"])
        #expect(zoe.takeLines() == ["* guest1 is now Ana", "Ana: hello"])
        #expect(try chat.chat.person(named: ChatName("ana"))?.isLoggedIn == true)
        #expect(try chat.chat.person(named: ChatName("zoe"))?.isLoggedIn == false)
        #expect(authenticator.judged.map(\.password) == ["wrong", "open sesame", "open sesame"])
        #expect(chat.server.counts.logins == 1 && chat.server.counts.refusedLogins == [.wrong: 2])

        // It stays that person's.
        try one.send("/nick andrea\n/nick ana\n/login ana open sesame")
        #expect(
            try one.newLines == [
                "! you are logged in as Ana, which stays your name", "* you are now ana", "! you are logged in as ana already",
            ])
        try one.send("/login ben tea")
        #expect(try one.newLines == ["* you are logged in as ben"])
        try zoe.send("/nick ana")
        #expect(try zoe.newLines.last == "! that name is somebody's, who takes it by /login ana PASSWORD")
    }

    @Test func `programs are told in JSON`() throws {
        let (chat, _) = try makeChat()
        let bot = try chat.join(json: true)
        try bot.send("/login ana no\n/login ana open sesame")
        let objects = try bot.newObjects
        #expect(objects.map(\.type) == ["error", "notice"])
        #expect(objects.last?["name"]?.string == "ana" && objects.last?["login"] == .bool(true))
        let other = try chat.join()
        try other.send("/login ana open sesame")
        try chat.run { bot.isGone }
        #expect(try bot.takeObjects().last?["replaced"] == .bool(true))
    }

    @Test func `a program is told which error answers its login, whatever is wrong`() throws {
        let (chat, _) = try makeChat()
        let bot = try chat.join(json: true)
        for line in ["/login", "/login ana", "/login a,b x", "/LOGIN ana no", "/login ana open sesame", "/login ana no"] {
            try bot.send(line)
            #expect(try bot.newObjects.map { $0["login"] } == [.bool(line.hasSuffix("sesame"))], "\(line)")
        }
        for line in ["/jion", "/nick ben", "login ben x"] {
            try bot.send(line)
            let object = try #require(bot.newObjects.first)
            #expect(object.type == "error" && object["login"] == nil, "\(line)")
        }
        let other = try chat.join(json: true)
        try chat.chat.authenticator = nil
        try other.send("/login ben tea")
        #expect(try other.newObjects.contains { $0["login"] == .bool(false) })
    }

    /// Acts when somebody has come, or left, or got another name.
    private final class Actor: ChatServerObserver {
        let act: (ChatServer.Event) -> Void

        init(_ act: @escaping (ChatServer.Event) -> Void) { self.act = act }

        func server(_ server: ChatServer, didPublish event: ChatServer.Event) { act(event) }
    }

    @Test func `who does not get the name after all must still log in`() throws {
        let (chat, _) = try makeChat { $0.isRequired = true }
        let (one, two) = (try chat.join(), try chat.join())
        try one.send("/login ana open sesame")
        let actor = Actor { [weak chat] event in
            if event.kind == .leave { _ = try? chat?.chat.ban(Ban(.name(ChatName("ana")))) }
        }
        chat.server.addObserver(actor)
        try two.send("/login ana open sesame\n/who\nhello")
        let refusal = "! log in first, by /login NAME PASSWORD"
        #expect(try two.newLines == ["! that name is banned", refusal, refusal])
        try two.send("/login ben tea")
        #expect(try two.newLines.first == "* you are logged in as ben")
    }

    @Test func `who was given another name has no right to the one that it has logged in under`() throws {
        let (chat, _) = try makeChat()
        let one = try chat.join()
        try one.send("/login ana open sesame")
        #expect(try one.newLines == ["* you are logged in as ana"])
        let person = try #require(chat.chat.people.first)
        try chat.chat.rename(person, to: ChatName("zoe"))
        #expect(!person.isLoggedIn)
        try one.send("/nick ana")
        #expect(try one.newLines.last == "! that name is somebody's, who takes it by /login ana PASSWORD")
        try one.send("/login ana open sesame\n/nick ANA")
        #expect(try one.newLines.suffix(2) == ["* you are logged in as ana", "* you are now ANA"])
        #expect(person.isLoggedIn)
    }

    @Test func `a second login takes the name over`() throws {
        let (chat, _) = try makeChat()
        let (one, two, zoe) = (try chat.join(), try chat.join(), try chat.join("zoe"))
        try one.send("/login ana open sesame")
        _ = try zoe.newLines
        for guest in [one, two] { guest.clear() }
        try two.send("/login ana open sesame\nhello")
        try chat.run { one.isGone }
        #expect(one.takeLines() == ["! goodbye: you have logged in again, over another connection"])
        // What the server tells one alone has no order beside what happens in a room.
        #expect(try two.newLines.sorted() == ["* ana left: logged in again (2 online)", "* you are logged in as ana"])
        #expect(zoe.takeLines() == ["* ana left: logged in again (2 online)", "* guest2 is now ana", "ana: hello"])
    }

    @Test func `a login does not take a name over that is banned`() throws {
        let (chat, _) = try makeChat()
        let one = try chat.join()
        try chat.chat.ban(Ban(.name(ChatName("ana"))))
        try one.send("/login ana open sesame")
        #expect(try one.newLines == ["! that name is banned"])
    }

    @Test func `who has a name that gets a password is a guest, and who has one that is nobody's any more is closed`() throws {
        let (chat, authenticator) = try makeChat()
        let (one, zoe) = (try chat.join(), try chat.join("zoe"))
        try one.send("/login ana open sesame")
        #expect(try one.newLines == ["* you are logged in as ana"])
        zoe.clear()
        let other = try PlainAuthenticator(["zoe": "x"])
        try chat.chat.authenticator = other
        try chat.run { one.isGone }
        #expect(one.takeLines().last == "! goodbye: nobody can log in as ana any more")
        #expect(
            try zoe.newLines.filter { !$0.contains("left") } == [
                "! zoe is the name of somebody who logs in", "* you are now guest2",
            ])
        #expect(authenticator.judged.count == 1)
        try chat.chat.authenticator = nil
        try zoe.send("/login zoe x\n/nick zoe")
        #expect(try zoe.newLines == ["! nobody logs in here: a name is the one's who takes it first", "* you are now zoe"])
    }

    @Test func `a login that lacks its slash is not said`() throws {
        let (chat, _) = try makeChat()
        let (one, zoe) = (try chat.join("one"), try chat.join("zoe"))
        let refusal = "! nobody has read that: to log in, begin the line with /login"
        for line in ["login ana open sesame", " /login ana open sesame", "//login ana open sesame", "LOGIN  Ana x"] {
            try one.send(line)
            #expect(try one.newLines == [refusal], "\(line)")
            #expect(zoe.takeLines().isEmpty)
        }
        let harmless = ["login", "login ana", "login to see it", "logins ana x", "loginana x y"]
        for line in harmless { try one.send(line) }
        #expect(try zoe.newLines == harmless.map { "one: \($0)" })
    }

    @Test func `a command with a password or a key is not said because a space is before its slash`() throws {
        let (chat, _) = try makeChat()
        let (one, zoe) = (try chat.join("one"), try chat.join("zoe"))
        let login = "! nobody has read that: to log in, begin the line with /login"
        let lines = [
            " /login ana open sesame": login, "\t/login ana open sesame": login, "\tlogin ana x": login,
            // A name may be mistyped, too.
            "  /LOGIN anna open sesame": login, " /join tea key": "! nobody has read that: begin the line with /join",
            "\t /Join #tea\tkey of words": "! nobody has read that: begin the line with /join",
            " /resume tea 7 11 key": "! nobody has read that: begin the line with /resume",
        ]
        for (line, refusal) in lines {
            try one.send(line)
            #expect(try one.newLines == [refusal], "\(line)")
            #expect(zoe.takeLines().isEmpty)
        }
        let harmless = [
            " /join tea", " /join", " //join tea key", " / join tea key", " /joint tea key", "join tea key", " /resume tea 7 11",
            " /etc/hosts and others", " /login", " /login nobody", " /me waves",
        ]
        for line in harmless { try one.send(line) }
        #expect(try zoe.newLines == harmless.map { "one: \($0)" })
        // Two slashes are for who wants to say it.
        try one.send("//join tea key")
        #expect(try zoe.newLines == ["one: /join tea key"])
    }

    @Test func `a certificate logs in by the same way, with the first welcome`() throws {
        let (chat, _) = try makeChat { $0.isRequired = true }
        let ana = try ChatName("ana")
        try chat.chat.onAdmission { [unowned chat] person in
            if person.number == 2 { _ = try? chat.chat.logIn(person, as: ana) }
            return .admit
        }
        let one = try chat.join(keepsWelcome: true)
        let two = try chat.join(keepsWelcome: true)
        #expect(try two.newLines == ["* welcome to tea; you are ana; 1 online"])
        #expect(one.takeLines() == ["* welcome to tea; log in by /login NAME PASSWORD"])
    }

    // MARK: - While a password is judged

    @Test func `the others go on, and what was sent meanwhile is said afterwards by the new name`() throws {
        let (chat, authenticator) = try makeChat(waits: true)
        let (one, zoe, max) = (try chat.join(), try chat.join("zoe"), try chat.join("max"))
        one.client.reads = false
        try one.send("/login ana open sesame\nhello")
        try chat.run { authenticator.waiting?.count == 1 }
        try zoe.send("anybody here?")
        #expect(try max.newLines == ["zoe: anybody here?"])
        #expect(zoe.takeLines().isEmpty)
        authenticator.answer()
        one.client.reads = true
        #expect(try zoe.newLines == ["* guest1 is now ana", "ana: hello"])
    }

    @Test func `who has left meanwhile is nobody`() throws {
        let (chat, authenticator) = try makeChat(waits: true)
        let (one, two, zoe) = (try chat.join(), try chat.join(), try chat.join("zoe"))
        for guest in [one, two] {
            guest.client.reads = false
            try guest.send("/login ana open sesame")
        }
        try chat.run { authenticator.waiting?.count == 1 }
        try chat.chat.person(named: .guest(1)).map { try chat.chat.kick($0) }
        // The other's turn comes with the answer, and it is gone by then, too.
        try chat.chat.person(named: .guest(2)).map { try chat.chat.kick($0) }
        authenticator.answer()
        try chat.run { chat.server.clientCount == 1 }
        #expect(authenticator.judged.count == 1)
        try zoe.send("/who")
        #expect(try zoe.newLines.last == "* in lobby: zoe")
        #expect(try chat.chat.logins.isEmpty)
    }

    @Test func `a password that was changed while it was judged is judged again`() throws {
        let (chat, authenticator) = try makeChat(waits: true)
        let one = try chat.join()
        one.client.reads = false
        try one.send("/login ana open sesame")
        try chat.run { authenticator.waiting?.count == 1 }
        let other = try PlainAuthenticator(["ana": "coffee"])
        try chat.chat.authenticator = other
        authenticator.answer()
        one.client.reads = true
        #expect(try one.newLines == [wrong])
        #expect(other.judged.map(\.password) == ["open sesame"])
        #expect(try chat.chat.logins.isEmpty)
    }

    @Test func `a password that became right while it was judged is judged again`() throws {
        let (chat, authenticator) = try makeChat(waits: true)
        let one = try chat.join()
        one.client.reads = false
        try one.send("/login ana coffee")
        try chat.run { authenticator.waiting?.count == 1 }
        let other = try PlainAuthenticator(["ana": "coffee"])
        try chat.chat.authenticator = other
        authenticator.answer()
        one.client.reads = true
        #expect(try one.newLines == ["* you are logged in as ana"])
        #expect(other.judged.map(\.password) == ["coffee"])
        #expect(try chat.chat.logins.isEmpty && chat.server.counts.refusedLogins.isEmpty)
    }

    /// Is replaced by another one with each judgement.
    private final class Restless: ChatAuthenticator {
        private let isRight: Bool
        private let replace: (Restless) -> Void

        init(isRight: Bool, replace: @escaping (Restless) -> Void) {
            self.isRight = isRight
            self.replace = replace
        }

        func isKnown(_ name: ChatName) -> Bool { name.text == "ana" }
        func isOperator(_ name: ChatName) -> Bool { false }

        func judge(_ password: String, of name: ChatName, then completion: @escaping (Bool) -> Void) {
            replace(Restless(isRight: isRight, replace: replace))
            completion(isRight)
        }
    }

    @Test(arguments: [false, true])
    func `nobody is judged for ever, or let in by one who was replaced`(isRight: Bool) throws {
        let (chat, _) = try makeChat()
        let owner = try chat.chat
        var count = 0
        owner.authenticator = Restless(isRight: isRight) { [unowned owner] other in
            count += 1
            // Otherwise a chat that never ends to judge would never end this test.
            if count < 1_000 { owner.authenticator = other }
        }
        let one = try chat.join()
        try one.send("/login ana tea")
        #expect(try one.newLines == ["! too many are logging in, try again later"])
        #expect((2...10).contains(count))
        #expect(owner.logins.isEmpty && chat.server.counts.refusedLogins == [.busy: 1])
    }

    @Test func `an address has one attempt at a time, and so has a name`() throws {
        let (chat, authenticator) = try makeChat(waits: true, proxies: true) { $0.allowsPlainConnections = true }
        let guests = try ["203.0.113.1", "203.0.113.1", "203.0.113.2", "203.0.113.3"].map { try chat.join(for: $0) }
        for guest in guests { guest.client.reads = false }
        let lines = ["/login ana 1", "/login ben 2", "/login ana 3", "/login zoe 4"]
        for (guest, line) in zip(guests, lines) {
            let count = try chat.chat.tally.receivedMessages
            try guest.send(line)
            try chat.run { (try? chat.chat.tally.receivedMessages) ?? 0 > count }
        }
        // The second waits for the first of its address, the third for that of its name.
        try chat.run { authenticator.judged.count == 2 }
        #expect(authenticator.judged.map(\.password) == ["1", "4"])
        authenticator.answer()
        #expect(authenticator.judged.map(\.password) == ["1", "4", "2", "3"])
        for _ in 0..<3 { authenticator.answer() }
        #expect(try chat.chat.logins.isEmpty)
    }

    // MARK: - Limits

    @Test func `an address may guess so often a minute`() throws {
        let (chat, authenticator) = try makeChat(proxies: true) {
            $0.allowsPlainConnections = true
            $0.rate = 3
        }
        let one = try chat.join(for: "203.0.113.1")
        for number in 0..<5 { try one.send("/login name\(number) x") }
        let refusal = "! there were too many attempts to log in, try again in a minute"
        #expect(try one.newLines == [wrong, wrong, wrong, refusal, refusal])
        #expect(authenticator.judged.count == 3)
        // Another one of the same address has none either, and one of another address has all.
        let two = try chat.join(for: "203.0.113.1")
        try two.send("/login ana open sesame")
        #expect(try two.newLines == [refusal])
        let three = try chat.join(for: "203.0.113.2")
        for name in ["ana", "ana", "ben", "ana"] { try three.send("/login \(name) \(name == "ana" ? "open sesame" : "tea")") }
        // What is right does not count.
        #expect(
            try three.newLines.filter { $0.contains("log") } == [
                "* you are logged in as ana", "! you are logged in as ana already", "* you are logged in as ben",
                "* you are logged in as ana",
            ])
    }

    @Test func `a name may be guessed so often a minute, but from where its owner was last`() throws {
        let (chat, authenticator) = try makeChat(proxies: true) {
            $0.allowsPlainConnections = true
            $0.rate = 3
        }
        let owner = try chat.join(for: "203.0.113.200")
        try owner.send("/login ana open sesame")
        #expect(try owner.newLines.last == "* you are logged in as ana")
        let guesses = try (1...4).map { number in
            let guest = try chat.join(for: "203.0.113.\(number)")
            try guest.send("/login ANA \(number)")
            return try guest.newLines.last
        }
        let refusal = "! there were too many attempts to log in, try again in a minute"
        #expect(guesses == [wrong, wrong, wrong, refusal])
        let again = try chat.join(for: "203.0.113.200")
        try again.send("/login ana open sesame")
        #expect(try again.newLines.last == "* you are logged in as ana")
        #expect(authenticator.judged.count == 5)
    }

    @Test func `this machine has the name's limit alone`() throws {
        let (chat, authenticator) = try makeChat { $0.rate = 3 }
        let one = try chat.join()
        for number in 0..<8 { try one.send("/login name\(number) x") }
        for _ in 0..<4 { try one.send("/login ben x") }
        let lines = try one.newLines
        #expect(lines.count { $0 == wrong } == 11)
        #expect(lines.last == "! there were too many attempts to log in, try again in a minute")
        #expect(authenticator.judged.count == 11)
    }

    // MARK: - Plain connections

    @Test func `a password that came over the network in plain text is not looked at`() throws {
        let (chat, authenticator) = try makeChat(proxies: true)
        let one = try chat.join(for: "203.0.113.1")
        try one.send("/login ana open sesame")
        #expect(
            try one.newLines == ["! this connection is not encrypted: others may have read the password, which was not looked at"]
        )
        #expect(authenticator.judged.isEmpty && chat.server.counts.refusedLogins == [.plain: 1])
        let local = try chat.join(for: "127.0.0.5")
        try local.send("/login ana open sesame")
        #expect(try local.newLines == ["* you are logged in as ana"])
    }

    // MARK: - Where a login is required

    @Test func `nobody speaks or hears before a login`() throws {
        let (chat, _) = try makeChat { $0.isRequired = true }
        try chat.chat.messageOfTheDay = ["be kind"]
        let ana = try chat.join(keepsWelcome: true)
        #expect(try ana.newLines == ["* welcome to tea; log in by /login NAME PASSWORD"])
        try ana.send("hello\n/nick zoe\n/who\n/rooms\n/join tea\n/msg guest1 hello\n/resume lobby 1 1")
        try ana.send("/history 5\n/op who\n/me waves")
        let refusal = "! log in first, by /login NAME PASSWORD"
        #expect(try ana.newLines == Array(repeating: refusal, count: 10))
        let stranger = try chat.join()
        try ana.send("/login ana open sesame\nhello")
        #expect(
            try ana.newLines == ["* you are logged in as ana", "* welcome to tea; you are ana; 1 online", "* be kind"])
        // Neither by name, nor in rooms, nor by what the operator says.
        try ana.send("/msg guest2 psst\n/who\n/topic tea")
        try chat.chat.announce("everybody hears this")
        #expect(
            try ana.newLines == [
                "! nobody is called guest2", "* in lobby: ana", "* the topic is: tea", "* everybody hears this",
            ])
        #expect(stranger.takeLines().isEmpty)
        try stranger.send("/login ben tea")
        let greeting = try stranger.newLines
        #expect(
            greeting == [
                "* you are logged in as ben", "* welcome to tea; you are ben; 2 online", "* the topic is: tea", "* be kind",
            ] + greeting.suffix(2))
        #expect(greeting.count == 6 && greeting[4].hasSuffix("] ana: hello") && greeting[5] == "* end of history (1)")
        try ana.send("welcome, ben")
        #expect(try stranger.newLines.suffix(1) == ["ana: welcome, ben"])
    }

    @Test func `programs are asked for it, too`() throws {
        let (chat, _) = try makeChat { $0.isRequired = true }
        let bot = try chat.join()
        try bot.send("/json\nhello\n/login ana open sesame")
        let objects = try bot.newObjects
        #expect(objects.map(\.type) == ["login", "error", "notice", "welcome"])
        #expect(objects.last?["name"]?.string == "ana")
        let other = try chat.join()
        chat.server.shutDown(timeout: .seconds(1)) {}
        try chat.run { other.isGone && bot.isGone }
        #expect(other.takeLines() == ["! goodbye: the server is shutting down"])
    }

    @Test func `guests are those of some addresses`() throws {
        let (chat, _) = try makeChat(proxies: true) {
            $0.isRequired = true
            $0.guests = [AddressBlock(.ipv4(address: 0xCB00_7107, port: 0))].compactMap(\.self)
        }
        let expectations = ["203.0.113.7": true, "198.51.100.7": false, "127.0.0.7": false]
        for (address, isGuest) in expectations {
            let one = try chat.join(keepsWelcome: true, for: address)
            #expect(try one.newLines.first?.contains("you are guest") == isGuest, "\(address)")
        }
        try chat.chat.loginRules.admitsLocalGuests = true
        let local = try chat.join(keepsWelcome: true, for: "127.0.0.7")
        #expect(try local.newLines.first?.contains("you are guest") == true)
    }

    @Test func `who does not log in in time is closed`() throws {
        let (chat, _) = try makeChat {
            $0.isRequired = true
            $0.timeout = .zero
        }
        let one = try chat.join()
        let ana = try chat.join()
        try ana.send("/login ana open sesame")
        try chat.run { one.isGone }
        #expect(one.takeLines().last == "! goodbye: you have not logged in in time")
        #expect(!ana.isGone)
    }

    // MARK: - Operators

    @Test func `an operator who has logged in gives the operator's commands`() throws {
        let (chat, authenticator) = try makeChat(operators: ["ana"])
        let commands = OperatorCommands(for: try chat.chat) {}
        var given: [String] = []
        try chat.chat.onOperatorCommand { person, line in
            given.append("\(person.name): \(line)")
            return commands.run(line)
        }
        let (ana, ben) = (try chat.join(), try chat.join())
        for guest in [ana, ben] { try guest.send("/kick guest2 out\n/op who") }
        #expect(try ana.newLines.map { $0.prefix { $0 != ";" } } == ["! there is no /kick", "! there is no /op"])
        try ana.send("/login ana open sesame")
        try ben.send("/login ben tea\n/kick ana")
        #expect(try ben.newLines.filter { $0.hasPrefix("! ") }.last?.hasPrefix("! there is no /kick; ") == true)
        ana.clear()
        try ana.send("/KICK ben too loud\n/who\n/op who\n/kick\n/op")
        let lines = try ana.newLines
        #expect(lines.contains("* ben left: kicked (1 online)"))
        let answers = lines.filter { !$0.contains("left: ") }
        try #require(answers.count == 5, "\(answers)")
        #expect(answers[0] == "* kicked ben" && answers[1] == "* in lobby: ana")
        #expect(answers[2].hasPrefix("* ana in lobby from 127.0.0.1:") && answers[2].hasSuffix(", logged in"))
        #expect(
            answers[3...] == ["! this command is kick NAME [REASON]", "! there is no command; help lists what there is"])
        #expect(given == ["ana: KICK ben too loud", "ana: who", "ana: kick", "ana: "])
        #expect(ben.takeLines().last == "! kicked: too loud")
        // Who is none any more is none at once.
        authenticator.operators = []
        try ana.send("/bans")
        #expect(try ana.newLines.last?.hasPrefix("! there is no /bans") == true)
    }
}
