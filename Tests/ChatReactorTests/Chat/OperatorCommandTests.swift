import ChatReactor
import Glibc
import Reactor
import TestSupport
import Testing

/// What each command of an operator does, on the wire, and what it answers.
struct OperatorCommandTests {
    /// A chat with its operator.
    private final class Fixture {
        let chat: ChatFixture
        let commands: OperatorCommands
        private(set) var shutdowns = 0

        init(_ configure: (inout Chat.Configuration) -> Void = { _ in }, readMOTD: (() throws -> [String])? = nil) throws {
            chat = try ChatFixture(configure)
            var count: () -> Void = {}
            commands = OperatorCommands(for: try chat.chat, readMessageOfTheDay: readMOTD) { count() }
            count = { [unowned self] in shutdowns += 1 }
        }

        /// The lines of the answer to a command that is done.
        func done(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
            let answer = commands.run(line)
            #expect(answer.isDone, sourceLocation: sourceLocation)
            return answer.lines
        }

        /// Why a command is not done.
        func reason(_ line: String, sourceLocation: SourceLocation = #_sourceLocation) -> String {
            let answer = commands.run(line)
            #expect(!answer.isDone, sourceLocation: sourceLocation)
            return answer.lines.last ?? ""
        }

        /// What a newcomer is told who is closed at once.
        func refusal() throws -> [String] {
            let client = try Peer(port: chat.fixture.port)
            try chat.run { client.hasEnded }
            return client.lines
        }
    }

    // MARK: - Who is there

    @Test func who() throws {
        let fixture = try Fixture()
        let (ana, bot) = (try fixture.chat.join("ana"), try fixture.chat.join("bot", json: true))
        try bot.send("/join tea")
        try fixture.chat.settle()
        let lines = fixture.done("who")
        #expect(lines.count == 2)
        #expect(lines[0].wholeMatch(of: #/ana in lobby from 127\.0\.0\.1:\d+, idle 0s, 0 bytes behind/#) != nil, "\(lines)")
        let robot = #/bot in lobby, tea from 127\.0\.0\.1:\d+, idle 0s, \d+ bytes behind, JSON/#
        #expect(lines[1].wholeMatch(of: robot) != nil, "\(lines)")
        #expect(fixture.done("who #TEA").count == 1)
        #expect(fixture.reason("who nowhere") == "there is no room nowhere")
        _ = fixture.done("mute ana for 2h")
        #expect(fixture.done("WHO")[0].hasSuffix("behind, muted for 2h"))
        #expect(ana.client.isAtEnd == false)
    }

    @Test func whoLagsAndIsIdle() throws {
        let fixture = try Fixture()
        let slow = try fixture.chat.join("slow", receiveBuffer: 4_096)
        let ana = try fixture.chat.join("ana")
        slow.client.reads = false
        let line = String(repeating: "a", count: 60_000)
        var lag = 0
        while lag < 100_000 {
            try ana.send(line)
            try fixture.chat.settle()
            let text = try #require(fixture.done("who").first)
            lag = try #require(text.firstMatch(of: #/(\d+) bytes behind/#).flatMap { Int($0.1) })
            try fixture.chat.fixture.loop.run(for: .milliseconds(5))
        }
        try fixture.chat.fixture.loop.run(for: .milliseconds(1_050))
        #expect(fixture.done("who")[0].contains("idle 1s"))
    }

    @Test func rooms() throws {
        let fixture = try Fixture()
        let ana = try fixture.chat.join("ana")
        #expect(fixture.done("rooms") == ["lobby (1 online)"])
        try ana.send("/join Tea\n/topic green or black")
        try fixture.chat.settle()
        #expect(fixture.done("rooms") == ["Tea (1 online): green or black", "lobby (0 online)"])
    }

    // MARK: - Kicking and banning

    @Test func kick() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        #expect(fixture.done("kick ANA  too loud \u{1B}[2J\u{202E}") == ["kicked ana"])
        try fixture.chat.run { ana.isGone }
        #expect(ana.takeLines() == [#"! kicked: too loud ^[[2J\u{202E}"#])
        #expect(try ben.newLines == ["* ana left: kicked (1 online)"])
        #expect(fixture.done("kick ben") == ["kicked ben"])
        try fixture.chat.run { ben.isGone }
        #expect(ben.takeLines() == ["! kicked"])
        #expect(fixture.reason("kick ben") == "nobody is called ben")
        #expect(fixture.reason("kick") == "this command is kick NAME [REASON]")
        #expect(fixture.reason("kick a,b").hasPrefix("a name has letters"))
        // The address is not banned, and neither is the name.
        let again = try fixture.chat.join("ben")
        #expect(try again.newLines == [])
    }

    @Test func kickAProgram() throws {
        let fixture = try Fixture()
        let (bot, ana) = (try fixture.chat.join("bot", json: true), try fixture.chat.join("ana"))
        _ = fixture.done("kick bot \"quotes\"")
        try fixture.chat.run { bot.isGone }
        #expect(bot.takeLines() == [#"{"type":"error","text":"kicked: \"quotes\""}"#])
        #expect(try ana.newLines == ["* bot left: kicked (1 online)"])
    }

    @Test func kickAGuestWhoDoesNotRead() throws {
        let fixture = try Fixture()
        let (guest, ana, ben) = (try fixture.chat.join(), try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        guest.client.reads = false
        // The guest holds up ana, who will not have said all of this.
        ana.client.reads = false
        let lines = String(repeating: String(repeating: "a", count: 999) + "\n", count: 20_000)
        _ = ana.client.socket.sendAvailable(Array(lines.utf8))
        try fixture.chat.fixture.loop.settle()
        #expect(fixture.done("kick guest1 zzz") == ["kicked guest1"])
        try fixture.chat.run { ben.client.text.contains("* guest1 left: kicked (2 online)\n") }
        #expect(try fixture.chat.chat.online == 2)
    }

    @Test func banAnAddress() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        #expect(fixture.done("ban 10.0.0.0/8") == ["banned 10.0.0.0/8; closed 0"])
        #expect(fixture.done("ban 2001:db8::/32 FOR 2h flooding") == ["banned 2001:db8::/32 for 2h; closed 0"])
        #expect(try ana.newLines == [])
        #expect(fixture.done("ban 127.1.2.3/8 for being rude\u{7}") == ["banned 127.0.0.0/8; closed 2"])
        for chatter in [ana, ben] {
            try fixture.chat.run { chatter.isGone }
            #expect(chatter.takeLines().last == "! banned: for being rude^G")
        }
        #expect(try fixture.refusal() == ["! banned: for being rude^G"])
        #expect(try fixture.chat.chat.online == 0)
        #expect(fixture.done("bans") == ["10.0.0.0/8", "127.0.0.0/8: for being rude^G", "2001:db8::/32 for 2h: flooding"])
        #expect(fixture.reason("unban 127.0.0.1") == "there is no ban of 127.0.0.1; bans lists what there is")
        #expect(fixture.done("unban 127.0.0.0/8") == ["127.0.0.0/8 is not banned any more"])
        let again = try fixture.chat.join("again")
        #expect(try again.newLines == [])
    }

    @Test func banAName() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        #expect(
            fixture.done("ban ANA for 7d") == [
                "banned ANA for 7d; closed 1", "ANA was at 127.0.0.1, which is not banned, and may come back under another name",
            ])
        try fixture.chat.run { ana.isGone }
        #expect(ana.takeLines() == ["! banned"])
        #expect(try ben.newLines == ["* ana left: kicked (1 online)"])
        try ben.send("/nick Ana")
        #expect(try ben.newLines == ["! that name is banned"])
        #expect(fixture.done("unban ana") == ["ana is not banned any more"])
        try ben.send("/nick Ana")
        #expect(try ben.newLines == ["* you are now Ana"])
        // Reasons that begin with a number.
        #expect(fixture.done("ban dora 1st and last time") == ["banned dora; closed 0"])
        #expect(fixture.done("ban dora 3 warnings") == ["banned dora; closed 0"])
        // A ban of nobody.
        #expect(fixture.done("ban carl") == ["banned carl; closed 0"])
    }

    /// The ban comes before what an embedder's hook decides.
    @Test func aBannedNameThatALoginGives() throws {
        let fixture = try Fixture()
        let ana = try ChatName("ana")
        try fixture.chat.chat.onAdmission { _ in .admitAs(ana) }
        _ = fixture.done("ban ana rude")
        #expect(try fixture.refusal() == ["! banned: rude"])
        _ = fixture.done("unban ana")
        let client = try fixture.chat.fixture.join()
        try fixture.chat.run { client.text.hasPrefix("* welcome to tea; you are ana") }
    }

    /// The kernel does not tell the address of a caller that has reset its connection, which was not accepted yet.
    @Test func aBannedCallerThatIsGoneAgain() throws {
        let fixture = try Fixture()
        let ana = try fixture.chat.join("ana")
        #expect(fixture.done("ban 127.0.0.2") == ["banned 127.0.0.2; closed 0"])
        let here = SocketAddress.ipv4(address: 0x7F00_0002, port: 0)
        let caller = try Peer(to: .loopback(port: fixture.chat.fixture.port), from: here)
        try caller.send("buy this\n")
        caller.reset()
        #expect(try ana.newLines == [])
        #expect(try fixture.chat.chat.online == 1)
    }

    @Test func aBanEnds() throws {
        let fixture = try Fixture()
        _ = fixture.done("ban 127.0.0.1 FOR 1s")
        #expect(try fixture.refusal() == ["! banned"])
        try fixture.chat.run { fixture.commands.run("bans").lines == ["there are no bans"] }
        let ana = try fixture.chat.join("ana")
        #expect(try ana.newLines == [])
    }

    @Test(arguments: [
        ("ban", "this command is ban NAME|ADDRESS|CIDR [FOR 2h] [REASON]"), ("unban", "this command is unban NAME|ADDRESS|CIDR"),
        ("ban 10.0.0.0/33", "'10.0.0.0/33' is no address"), ("ban 1.2.3.4:80", "'1.2.3.4:80' is no address"),
        ("ban ana FOR 2x", "'2x' is no time; write 500ms, 90s, 5m, 2h or 7d"), ("ban ana for", "'' is no time"),
        ("ban ana FOR 0s", "'0s' is no time"), ("ban ana FOR 4000d", "'4000d' is no time"), ("ban a!b", "a name has letters"),
        ("ban ana FOR 99999999999999999999s", "'99999999999999999999s' is no time"), ("ban guest999", "this name is reserved"),
        // The word is easily forgotten, and the time would be taken for the reason of a ban for good.
        ("ban ana 2h", "'2h' is no reason; a time is written FOR 5m"), ("ban 10.0.0.0/8 7days x", "'7days' is no reason; a time"),
        ("ban ana -2h", "'-2h' is no reason; a time"), ("ban ana 30", "'30' is no reason; a time"),
        ("ban ana FOR -5m", "'-5m' is no time"), ("ban ana for +1h", "'+1h' is no time"), ("ban ana FOR ~2h", "'~2h' is no time"),
        ("ban ana FOR .5h rude", "'.5h' is no time"),
    ])
    func aBanThatIsNone(_ line: String, _ reason: String) throws {
        let fixture = try Fixture()
        #expect(fixture.reason(line).hasPrefix(reason), "\(fixture.reason(line))")
        #expect(fixture.done("bans") == ["there are no bans"])
    }

    @Test func aGuestIsBannedByAddress() throws {
        let fixture = try Fixture()
        let guest = try fixture.chat.join()
        #expect(fixture.reason("ban guest1") == "a guest comes back under another name: ban the address 127.0.0.1")
        #expect(try guest.newLines == [])
    }

    /// Not "ban the address unix", which would ban whoever is called unix.
    @Test func aGuestWithoutAnAddress() throws {
        let fixture = try Fixture()
        let path = TemporaryPath()
        try fixture.chat.server.listen(on: .unix(path: path.path))
        let peer = try Peer(to: .unix(path: path.path))
        let chat = try fixture.chat.chat
        try fixture.chat.run { chat.online == 1 }
        let reason = fixture.reason("ban guest1")
        #expect(reason == "a guest comes back under another name, and this one has no address that could be banned")
        #expect(peer.text.hasPrefix("* welcome"))
    }

    @Test func aBanThatCannotBeKept() throws {
        let fixture = try Fixture()
        let path = TemporaryPath()
        try fixture.chat.chat.bans = BanList(file: path.path)
        unsafe unlink(path.path)
        unsafe mkdir(path.path, 0o700)
        unsafe mkdir(path.path + "/in", 0o700)
        defer {
            unsafe rmdir(path.path + "/in")
            unsafe rmdir(path.path)
        }
        let ana = try fixture.chat.join("ana")
        let reason = fixture.reason("ban ana")
        #expect(reason.hasPrefix("ana is banned as long as the server runs, but this is not kept: cannot write the bans"))
        try fixture.chat.run { ana.isGone }
        #expect(fixture.done("bans") == ["ana"])
    }

    // MARK: - Muting

    @Test func mute() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        #expect(fixture.done("mute ana FOR 5m") == ["muted ana for 5m"])
        #expect(try ana.newLines == ["! you are muted for 5m"])
        for line in ["hello", "/me waves", "/msg ben psst", "/topic mine", "/nick anna", "//x"] {
            try ana.send(line)
            #expect(try ana.newLines == ["! you are muted for 5m"], "\(line)")
        }
        try ana.send("/who\n/ping")
        #expect(try ana.newLines == ["* in lobby: ana, ben"])
        #expect(try ben.newLines == [])
        try ben.send("hi")
        #expect(try ana.newLines == ["ben: hi"])
        #expect(fixture.done("unmute Ana") == ["Ana is not muted any more"])
        #expect(try ana.newLines == ["* you are not muted any more"])
        try ana.send("at last")
        #expect(try ben.newLines == ["ana: at last"])
        #expect(fixture.reason("unmute ana") == "ana is not muted")
        #expect(fixture.reason("mute ana 2h") == "'2h' is no reason; a time is written FOR 5m")
        #expect(fixture.reason("mute ana loudly") == "this command is mute NAME [FOR 2h]")
        #expect(fixture.reason("mute nobody") == "nobody is called nobody")
    }

    @Test func aMuteLastsWhenItsOwnerComesBackAndEnds() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        _ = fixture.done("mute ana")
        #expect(try ana.newLines == ["! you are muted"])
        try ana.send("/quit good bye")
        try fixture.chat.run { ana.isGone }
        #expect(try ben.newLines == ["* ana left: quit (1 online)"])
        let again = try fixture.chat.join("ana")
        try again.send("me again")
        #expect(try again.newLines == ["! you are muted"])
        _ = fixture.done("mute ana for 1s")
        try fixture.chat.fixture.loop.run(for: .milliseconds(1_010))
        again.clear()
        try again.send("me again")
        try fixture.chat.settle()
        #expect(ben.takeLines().last == "ana: me again")
    }

    @Test func aLoginDoesNotEndAMute() throws {
        let fixture = try Fixture()
        let (guest, ben) = (try fixture.chat.join(), try fixture.chat.join("ben"))
        _ = fixture.done("mute guest1 FOR 2h")
        let chat = try fixture.chat.chat
        let person = try #require(chat.people.first { $0.number == 1 })
        #expect(try chat.rename(person, to: ChatName("ana")))
        guest.clear()
        try guest.send("now?")
        #expect(try guest.newLines.last == "! you are muted for 2h")
        #expect(try ben.newLines == ["* guest1 is now ana"])
        #expect(fixture.done("unmute ana") == ["ana is not muted any more"])
    }

    @Test func aGuestsMuteGoesWithTheGuest() throws {
        let fixture = try Fixture()
        let guest = try fixture.chat.join()
        _ = fixture.done("mute guest1")
        guest.client.socket.hangUp()
        guest.client.reads = false
        try fixture.chat.run { fixture.commands.run("who").lines == ["nobody is there"] }
        #expect(fixture.reason("unmute guest1") == "guest1 is not muted")
    }

    // MARK: - The server

    @Test func say() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben", json: true))
        try ana.send("/join tea")
        try fixture.chat.settle()
        for chatter in [ana, ben] { chatter.clear() }
        #expect(fixture.done("say  back in a minute\u{85} ") == ["said"])
        #expect(try ana.newLines == [#"* back in a minute\u{85}"#])
        let object = try #require(try ben.newLines.first)
        #expect(object.hasPrefix(#"{"type":"notice","seq":"#), "\(object)")
        #expect(object.contains(#""text":"back in a minute\\u{85}""#), "\(object)")
        #expect(fixture.reason("say") == "this command is say TEXT")
        #expect(fixture.reason("say " + String(repeating: "a", count: 1 << 20)) == "that is too long for a room")
    }

    @Test func whatIsTooLongForSomeRooms() throws {
        let fixture = try Fixture({ $0.roomSize = 4_096 })
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        try ana.send("/join tea")
        try fixture.chat.settle()
        for chatter in [ana, ben] { chatter.clear() }
        let text = String(repeating: "a", count: 1_500)
        #expect(fixture.reason("say \(text)") == "that is too long for 1 of 2 rooms; the others have heard it")
        #expect(try ben.newLines == ["* \(text)"])
        // Everybody is told in any case when the server shuts down, if not why.
        _ = fixture.done("shutdown IN 1h \(text)")
        #expect(try ana.newLines == ["* the server shuts down in 1h"])
        #expect(try ben.newLines == ["* the server shuts down in 1h: \(text)"])
        _ = fixture.done("shutdown cancel")
    }

    @Test func motd() throws {
        var lines = ["be kind", "no \u{1B}"]
        struct Gone: Error, CustomStringConvertible { let description = "cannot read it" }
        let fixture = try Fixture(
            { $0.messageOfTheDay = ["old"] },
            readMOTD: {
                if lines.isEmpty { throw Gone() }
                return lines
            })
        #expect(fixture.done("motd") == ["old"])
        #expect(fixture.done("motd reload") == ["read 2 lines"])
        #expect(fixture.done("MOTD") == ["be kind", "no ^["])
        let ana = try fixture.chat.join(keepsWelcome: true)
        try fixture.chat.settle()
        #expect(ana.takeLines().dropFirst() == ["* be kind", "* no ^["])
        lines = []
        #expect(fixture.reason("motd RELOAD") == "cannot read it")
        #expect(fixture.done("motd").count == 2)
        #expect(fixture.reason("motd again") == "this command is motd [RELOAD]")
        lines = ["one"]
        #expect(fixture.done("motd reload") == ["read 1 line"])
        #expect(try Fixture().done("motd") == ["there is no message of the day"])
        #expect(try Fixture().reason("motd reload") == "the message of the day is in no file")
    }

    @Test func closeRoom() throws {
        let fixture = try Fixture()
        let (ana, ben) = (try fixture.chat.join("ana"), try fixture.chat.join("ben"))
        let bot = try fixture.chat.join("bot", json: true)
        for chatter in [ana, bot] { try chatter.send("/join tea") }
        try fixture.chat.settle()
        for chatter in [ana, ben, bot] { chatter.clear() }
        #expect(fixture.done("close TEA") == ["closed tea; 2 left it"])
        let seen = try ana.newLines.filter { !$0.contains("bot") }
        #expect(seen.first == "* tea was closed by the operator", "\(seen)")
        #expect(seen.dropFirst().first?.hasPrefix("* you are in lobby") == true, "\(seen)")
        #expect(fixture.done("rooms") == ["lobby (3 online)"])
        #expect(try ben.newLines == ["* ana joined (3 online)"])
        try ana.send("I was in tea")
        #expect(try ben.newLines == ["ana: I was in tea"])
        let object = try #require(try bot.newLines.first { $0.contains("closed") })
        #expect(object == #"{"type":"closed","room":"tea"}"#)
        try bot.send("me too")
        #expect(try ben.newLines == ["bot: me too"])
        #expect(fixture.reason("close tea") == "there is no room tea")
        #expect(fixture.reason("close lobby") == "the lobby cannot be closed")
        #expect(fixture.reason("close") == "this command is close ROOM")
    }

    @Test func shutdownAtOnce() throws {
        let fixture = try Fixture()
        let ana = try fixture.chat.join("ana")
        #expect(fixture.done("shutdown in a hurry") == ["the server shuts down now: in a hurry"])
        // The answer comes first.
        #expect(fixture.shutdowns == 0)
        try fixture.chat.run { fixture.shutdowns == 1 }
        #expect(try ana.newLines == ["* the server shuts down now: in a hurry"])
    }

    @Test func shutdownLater() throws {
        let fixture = try Fixture()
        let ana = try fixture.chat.join("ana")
        #expect(fixture.done("shutdown IN 90s new disks") == ["the server shuts down in 1m 30s: new disks"])
        #expect(try ana.newLines == ["* the server shuts down in 1m 30s: new disks"])
        let late = try fixture.chat.join(keepsWelcome: true)
        try fixture.chat.settle()
        #expect(late.takeLines().last == "* the server shuts down in 1m 30s: new disks")
        ana.clear()
        #expect(fixture.done("shutdown CANCEL") == ["the shutdown is cancelled"])
        #expect(try ana.newLines == ["* the server does not shut down after all"])
        #expect(fixture.reason("shutdown cancel") == "there is no shutdown to cancel")
        // Another one takes the place of the one before.
        _ = fixture.done("shutdown IN 1h")
        _ = fixture.done("shutdown IN 1s")
        ana.clear()
        try fixture.chat.run { fixture.shutdowns == 1 }
        #expect(fixture.reason("shutdown cancel") == "there is no shutdown to cancel")
        #expect(fixture.reason("shutdown in 5 minutes").hasPrefix("'5' is no time"))
        for time in ["5m", "5min", "+5", "5 "] {
            #expect(fixture.reason("shutdown \(time)").hasSuffix("is no reason; a time is written IN 5m"))
        }
        #expect(fixture.reason("shutdown 5m new disks") == "'5m' is no reason; a time is written IN 5m")
        #expect(fixture.reason("shutdown IN -5m").hasPrefix("'-5m' is no time"))
        #expect(fixture.shutdowns == 1)
    }

    @Test func aShutdownIsAnnouncedAgainBeforeItComes() throws {
        let fixture = try Fixture()
        let ana = try fixture.chat.join("ana")
        _ = fixture.done("shutdown IN 11s new disks")
        try fixture.chat.run { ana.client.text.contains("in 10s") }
        #expect(try ana.newLines == ["* the server shuts down in 11s: new disks", "* the server shuts down in 10s: new disks"])
        _ = fixture.done("shutdown cancel")
    }

    // MARK: - The table

    @Test func help() throws {
        let fixture = try Fixture()
        let lines = fixture.done("help")
        let names = [
            "who", "rooms", "kick", "ban", "unban", "bans", "mute", "unmute", "say", "motd", "reload", "close", "shutdown",
            "help",
        ]
        #expect(lines.map { String($0.prefix { $0 != " " }) } == names)
        #expect(fixture.done("help /KICK") == ["kick NAME [REASON] - Close the connection of a person."])
        #expect(fixture.reason("help kik") == "there is no command kik; did you mean kick?")
    }

    @Test(arguments: [
        ("kik ana", "there is no command kik; did you mean kick?"), ("", "there is no command; help lists what there is"),
        ("\u{1B}[2J", "there is no command ^[[2J; help lists what there is"),
        ("shutdwon", "there is no command shutdwon; did you mean shutdown?"),
        ("  \t", "there is no command; help lists what there is"),
    ])
    func unknown(_ line: String, _ reason: String) throws {
        #expect(try Fixture().reason(line) == reason)
    }

    @Test func json() throws {
        let fixture = try Fixture({ $0.messageOfTheDay = ["a \"b\""] })
        let ana = try fixture.chat.join("ana")
        func lines(_ line: String) -> [String] { fixture.commands.run(line, format: .json).lines }
        #expect(lines("rooms") == [#"{"type":"room","room":"lobby","online":1}"#])
        let who = try #require(lines("who").first)
        #expect(who.hasPrefix(#"{"type":"person","name":"ana","number":1,"rooms":["lobby"],"address":"127.0.0.1:"#), "\(who)")
        #expect(who.hasSuffix(#"","lag":0,"idle":0,"form":"text"}"#), "\(who)")
        _ = lines("mute ana FOR 5m")
        #expect(lines("who")[0].hasSuffix(#","muted":true,"mutedFor":300}"#))
        _ = lines("ban 10.0.0.0/8 \"x\"")
        _ = lines("ban carl FOR 2h")
        let bans = lines("bans")
        let carl = #/\{"type":"ban","name":"carl","until":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}/#
        #expect(bans[0].wholeMatch(of: carl) != nil, "\(bans)")
        #expect(bans[1] == #"{"type":"ban","address":"10.0.0.0/8","reason":"\"x\""}"#)
        #expect(lines("motd") == [#"{"type":"notice","text":"a \"b\""}"#])
        #expect(
            lines("help who") == [
                #"{"type":"command","name":"who","arguments":"[ROOM]","help":"List the people: rooms, address, lag, idle time."}"#
            ])
        #expect(lines("kick ben") == [#"{"type":"error","text":"nobody is called ben"}"#])
        #expect(lines("kick ana") == [#"{"type":"notice","text":"kicked ana"}"#])
        try fixture.chat.run { ana.isGone }
    }
}
