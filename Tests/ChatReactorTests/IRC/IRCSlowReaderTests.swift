import Reactor
import TestSupport
import Testing

@testable import Broadcast
@testable import ChatReactor

/// Who asks for much gets all of it, or is closed with a reason, whether or not it reads.
struct IRCSlowReaderTests {
    /// Has somebody read on until it has been told that its last line was done, or is gone.
    private func readAll(_ talker: Talker, _ irc: IRCFixture) throws -> [String] {
        talker.reads = true
        try irc.settle()
        return talker.takeLines()
    }

    @Test func `the names of two thousand people`() throws {
        let irc = try IRCFixture(server: { $0.slowClients = .skip })
        let ana = try irc.register("ana", "userhost-in-names")
        for _ in 0..<2_000 { try irc.addIdler() }
        #expect(irc.chat.lobby.clientCount == 2_000)
        func names(in lines: [String]) throws -> [String] {
            try lines.filter { $0.contains(" 353 ") }.flatMap {
                try IRCMessage($0).parameters[3].split(separator: " ").map(String.init)
            }
        }
        let expected = Set((0..<2_000).map { ":guest\($0 + 2)!guest\($0 + 2)@localhost".dropFirst() }.map(String.init))
        let lines = try irc.ask(ana, "JOIN #lobby")
        let found = try names(in: lines)
        #expect(found.count == 2_001 && Set(found).subtracting(expected) == ["ana!ana@localhost"])
        // One that asks again and again without reading waits, and nothing is lost.
        let slow = try irc.register("slow", receiveBuffer: 4_096)
        slow.reads = false
        let count = 50
        let person = try irc.person("slow")
        try irc.run {
            person.notify(String(repeating: "x", count: 4_000))
            return (person.connection?.pendingOutput ?? 0) > Person.privateMessageLimit
        }
        for _ in 0..<count { try irc.say(slow, "NAMES #lobby") }
        for _ in 0..<100 { try irc.loop.runOnce(waitingAtMost: .zero) }
        #expect((person.connection?.pendingOutput ?? 0) < 2 * Person.replyLimit)
        let all = try readAll(slow, irc)
        #expect(all.count { $0.contains(" 366 ") } == count)
        #expect(try names(in: all).count == count * 2_001)
        #expect(irc.closeReasons.isEmpty)
    }

    @Test func `who looks for people again and again is delayed by what it costs`() throws {
        let irc = try IRCFixture(server: {
            $0.access.proxies = [.init(.ipv4(address: 0x7F00_0001, port: 0))].compactMap(\.self)
            $0.limits = .init()
            $0.limits?.messageRate = RateLimit(perSecond: 200, burst: 30)
        })
        for _ in 0..<2_000 { try irc.addIdler(for: "192.0.2.2") }
        let ana = try irc.connect(for: "192.0.2.1")
        try irc.say(ana, "NICK ana", "USER ana 0 * :Ana", "JOIN #lobby")
        try irc.settle()
        for command in ["WHO *nobody*", "NAMES #lobby", "WHO #lobby"] {
            try irc.clear()
            let began = ContinuousClock.now
            for _ in 0..<50 { try irc.say(ana, command) }
            try irc.settle()
            // Each counts as eight.
            #expect(began.duration(to: .now) > .seconds(1.5), "\(command)")
        }
    }

    @Test func `with little memory left, who asks for two thousand people gets all of them, or is closed`() throws {
        func come(_ limit: Int?) throws -> (irc: IRCFixture, slow: Talker) {
            let irc = try IRCFixture(memoryLimit: limit)
            for _ in 0..<2_000 { try irc.addIdler() }
            let slow = try irc.register("slow", "userhost-in-names", in: "#lobby", receiveBuffer: 4_096)
            return (irc, slow)
        }
        let free = try come(nil)
        let inUse = free.irc.loop.memoryInUse
        for (left, isEnough) in [(4 << 20, true), (30_000, false)] {
            let (irc, slow) = try come(inUse + left)
            let ana = try irc.register("ana", in: "#tea")
            slow.reads = false
            try irc.say(slow, "WHO #lobby", "NAMES #lobby")
            for _ in 0..<50 { try irc.loop.runOnce(waitingAtMost: .zero) }
            slow.reads = true
            if isEnough {
                let lines = try irc.answers(slow)
                #expect(lines.count { $0.contains(" 352 ") } == 2_001 && lines.contains { $0.contains(" 366 ") })
                #expect(irc.closeReasons.isEmpty)
            } else {
                try irc.awaitEnd(of: slow)
                #expect(irc.closeReasons == [.memoryLimit])
            }
            #expect(try irc.ask(ana, "PING x").count == 1)
        }
    }

    @Test func `who speaks in a room without being there waits for slow readers, too`() throws {
        let irc = try IRCFixture(server: { $0.slowClients = .disconnect })
        let ana = try irc.register("ana", in: "#tea")
        let ben = try irc.register("ben")
        try irc.say(ana, "MODE #tea -n")
        try irc.clear()
        #expect(try irc.ask(ben, "PRIVMSG #tea :hi").isEmpty)
        let topic = try #require(try irc.conversation("tea").liveTopics.first)
        let connection = try #require(try irc.person("ben").connection)
        #expect(topic.allPublishers.contains { $0 === connection })
        try irc.say(ben, "PRIVMSG #tea :again")
        try irc.clear()
        #expect(topic.allPublishers.count { $0 === connection } == 1)
    }

    @Test func `a thousand who come at once are told each to IRC clients, and counted to the others`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        let peers = try (0..<1_000).map { _ in try irc.connectByLinesLater() }
        let turns = irc.loop.turnCount
        try irc.run { irc.chat.online == 1_002 }
        let taken = irc.loop.turnCount - turns
        try irc.run { ana.lines.count { $0.contains(" JOIN #lobby") } == 1_002 }
        #expect(taken < 200)
        try irc.run { zoe.lines.contains { $0.contains(" joined (1002 online)") } }
        #expect(zoe.lines.count { $0.contains("joined") } < 30)
        withExtendedLifetime(peers) {}
    }

    @Test func `a list of a thousand rooms, each with a long topic`() throws {
        let irc = try IRCFixture()
        let topic = String(repeating: "茶", count: 100)
        for keeper in 0..<50 {
            let talker = try irc.register("keeper\(keeper)")
            for number in 20 * keeper..<20 * (keeper + 1) {
                try irc.say(talker, "JOIN #room\(number)", "TOPIC #room\(number) :\(topic)")
            }
        }
        try irc.settle()
        for (name, buffer) in [("ana", nil), ("slow", 4_096)] as [(String, Int32?)] {
            let talker = try irc.register(name, receiveBuffer: buffer)
            talker.reads = buffer == nil
            for _ in 0..<3 { try irc.say(talker, "LIST") }
            for _ in 0..<50 { try irc.loop.runOnce(waitingAtMost: .zero) }
            let lines = try readAll(talker, irc)
            #expect(lines.count { $0.contains(" 322 ") } == 3_000)
            #expect(Set(lines.filter { $0.contains(" 322 ") }.map { $0.split(separator: " ")[3] }).count == 1_000)
        }
        #expect(irc.closeReasons.isEmpty)
    }

    @Test func `a history of long texts is no reason to be closed`() throws {
        let irc = try IRCFixture {
            $0.lobbySize = 16 << 20
            $0.history = 200
        }
        let zoe = try irc.joinByLines("zoe")
        for number in 0..<100 {
            try irc.say(zoe, "\(number) " + String(repeating: "x", count: 60_000))
            if number % 10 == 0 { try irc.settle() }
        }
        try irc.settle()
        let ana = try irc.register("ana")
        // What is told is what was said last, as much as may be told at once.
        let lines = try irc.ask(ana, "JOIN #lobby")
        #expect(!ana.isGone && lines.contains { $0.contains("PRIVMSG #lobby :99 xxx") })
        let history = try irc.ask(ana, "CHATHISTORY LATEST #lobby * 100")
        #expect(!ana.isGone && history.contains { $0.contains("PRIVMSG #lobby :99 xxx") })
        #expect(irc.closeReasons.isEmpty)
    }

    @Test func `who does not read what is said is closed, and the others hear why`() throws {
        let irc = try IRCFixture(server: {
            $0.slowClients = .disconnect
            $0.logCapacity = 1 << 20
        })
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        let slow = try irc.register("slow", in: "#lobby", receiveBuffer: 4_096)
        slow.reads = false
        for _ in 0..<200 {
            try irc.say(zoe, String(repeating: "x", count: 50_000))
            try irc.settle()
        }
        slow.reads = true
        try irc.awaitEnd(of: slow)
        #expect(slow.takeLines().last == ":irc.example.org NOTICE #lobby :goodbye: you are reading too slowly")
        #expect(irc.closeReasons == [.tooSlow])
        #expect(try irc.answers(ana).last == ":slow!slow@localhost QUIT :too slow")
    }

    /// Says so much in a room that somebody who does not read is moved ahead.
    private func flood(_ room: String, by talker: Talker, _ irc: IRCFixture) throws -> Int {
        var count = 0
        try irc.run {
            count += 1
            try irc.say(talker, "PRIVMSG #\(room) :\(count) " + String(repeating: "x", count: 400))
            return try irc.conversation(room).liveTopics.contains { $0.skippedMessageCount > 0 }
        }
        try irc.settle()
        return count
    }

    @Test(arguments: ["NICK eve", "QUIT :gone", "PART #water"])
    func `who was moved ahead in a room is told of people in others, and is still in the room`(_ line: String) throws {
        let irc = try IRCFixture(server: { $0.slowClients = .skip })
        let ana = try irc.register("ana", in: "#tea")
        let slow = try irc.register("slow", in: "#tea,#water", receiveBuffer: 4_096)
        let ben = try irc.register("ben", in: "#water")
        slow.reads = false
        var count = try flood("tea", by: ana, irc)
        try irc.say(ana, "PRIVMSG #tea :before")
        try irc.settle()
        try irc.say(ben, line)
        for _ in 0..<10 { try irc.loop.runOnce(waitingAtMost: .zero) }
        var lines = try readAll(slow, irc)
        let change = try #require(lines.firstIndex { $0.hasPrefix(":ben!ben@localhost \(line.prefix { $0 != " " })") })
        let before = try #require(lines.firstIndex { $0.hasSuffix("PRIVMSG #tea :before") })
        let gap = try #require(lines.firstIndex { $0.hasSuffix(" messages are missing here") })
        #expect(gap < before && (before < change || line.hasPrefix("PART")))
        // None is counted twice, and none is lost without a word.
        let missed = try #require(Int(lines[gap].split(separator: ":").last?.prefix { $0 != " " } ?? ""))
        count -= lines.count { $0.contains(" PRIVMSG #tea :") && $0.hasSuffix("xxx") }
        #expect(missed == count)
        try irc.say(ana, "PRIVMSG #tea :after")
        lines = try irc.answers(slow)
        #expect(lines == [":ana!ana@localhost PRIVMSG #tea :after"])
    }

    @Test func `who leaves a room in which it was moved ahead is told so first`() throws {
        let irc = try IRCFixture(server: { $0.slowClients = .skip })
        let ana = try irc.register("ana", in: "#tea")
        let slow = try irc.register("slow", in: "#tea", receiveBuffer: 4_096)
        slow.reads = false
        _ = try flood("tea", by: ana, irc)
        try irc.say(ana, "PRIVMSG #tea :before")
        try irc.settle()
        try irc.say(slow, "PART #tea")
        for _ in 0..<10 { try irc.loop.runOnce(waitingAtMost: .zero) }
        let lines = try readAll(slow, irc)
        #expect(lines.contains { $0.hasSuffix(" messages are missing here") })
        #expect(lines.suffix(2) == [":ana!ana@localhost PRIVMSG #tea :before", ":slow!slow@localhost PART #tea"])
    }

    /// Tells somebody who reads slowly more than its socket takes. A part of that has been taken, so that it is the turn of the topics next.
    @discardableResult
    private func fillOutput(of name: String, _ irc: IRCFixture) throws -> Person {
        let person = try irc.person(name)
        try irc.run {
            person.notify(String(repeating: "x", count: 60_000))
            return (person.connection?.pendingOutput ?? 0) > 100_000
        }
        return person
    }

    @Test(arguments: [["NICK eve", "PRIVMSG #tea :I am eve now"], ["QUIT :gone"]])
    func `what is told of a person in several rooms comes before what that one does then, however slowly somebody reads`(
        _ lines: [String]
    ) throws {
        let irc = try IRCFixture()
        let slow = try irc.register("slow", in: "#tea,#water", receiveBuffer: 4_096)
        let ben = try irc.register("ben", in: "#tea,#water")
        try irc.clear()
        slow.reads = false
        try fillOutput(of: "slow", irc)
        for line in lines { try irc.say(ben, line) }
        if lines.count == 1 {
            try irc.run { ben.isGone }
            // Somebody else is called so now.
            let other = try irc.connect()
            try irc.say(other, "NICK ben", "USER other 0 * :Other", "JOIN #tea")
        }
        for _ in 0..<10 { try irc.loop.runOnce(waitingAtMost: .zero) }
        let told = try readAll(slow, irc).filter { !$0.contains("xxx") }
        #expect(told.count == 2)
        #expect(told.first?.hasPrefix(":ben!ben@localhost \(lines[0].prefix { $0 != " " })") == true, "\(told)")
    }

    @Test func `an answer comes before what happens after it, however slowly somebody reads`() throws {
        let irc = try IRCFixture()
        let slow = try irc.register("slow", in: "#tea", receiveBuffer: 4_096)
        let ben = try irc.register("ben", in: "#tea")
        try irc.clear()
        slow.reads = false
        let person = try fillOutput(of: "slow", irc)
        // One that reads so little is heard all the same, as long as not much waits for it.
        try irc.run {
            (person.connection?.pendingOutput ?? 0) < Person.replyLimit
                || {
                    slow.read(); return false
                }()
        }
        try irc.say(slow, "NICK quick")
        try irc.run { irc.chat.people.contains { $0.name.text == "quick" } }
        try irc.say(ben, "NICK slow")
        try irc.run { irc.chat.people.contains { $0.name.text == "slow" } }
        for _ in 0..<10 { try irc.loop.runOnce(waitingAtMost: .zero) }
        let told = try readAll(slow, irc).filter { !$0.contains("xxx") }
        #expect(told == [":slow!slow@localhost NICK :quick", ":ben!ben@localhost NICK :slow"])
    }
}
