import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Chats whose servers are on several loops: they are one.
@Suite(.beyondPatience) struct ChatLoopsTests {
    @Test func `people of several loops are in one room, and write to each other`() throws {
        let chats = try ChatLoopsFixture(loops: 3)
        let members = try ["ana", "ben", "cleo"].map { try chats.join(as: $0) }
        // Each is at another server.
        #expect(try Set(["ana", "ben", "cleo"].map { try chats.serverIndex(of: $0) }) == [0, 1, 2])
        for member in members { member.clear() }
        try members[0].send("hello")
        try members[1].send("/msg cleo psst")
        try members[2].send("/who")
        try chats.settle()
        #expect(members[0].lines.isEmpty)
        #expect(members[1].lines.sorted() == ["ana: hello", "you to cleo: psst"])
        #expect(members[2].lines.sorted() == ["* in lobby: ana, ben, cleo", "ana: hello", "ben to you: psst"])
        try chats.expectAgreement()
    }

    @Test func `all hear one order, less what is their own`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let members = try (0..<4).map { _ in try chats.join() }
        for member in members { member.clear() }
        for (index, member) in members.enumerated() {
            try member.peer.send((0..<200).map { "\(index) \($0)\n" }.joined())
        }
        try chats.wait(for: "all lines") { members.allSatisfy { $0.lines.count == 600 } }
        for (one, other) in zip(members.indices, members.indices.dropFirst()) {
            let hears = { (index: Int, without: Int) in members[index].lines.filter { !$0.contains(": \(without) ") } }
            #expect(hears(one, other) == hears(other, one))
        }
        try chats.expectAgreement()
    }

    @Test func `a program that resumes in a room gets nothing that it has said a moment before as somebody else's`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let ana = try chats.join(as: "ana", json: true)
        for number in 0..<20 { try ana.send("line \(number)") }
        try ana.send("/resume lobby 1 0")
        try chats.settle()
        let lines = ana.lines
        #expect(lines.count { $0.hasPrefix(#"{"type":"sent""#) } == 20)
        // It has no place yet when the next line is read: all of it is of the past.
        #expect(lines.count { $0.hasPrefix(#"{"type":"message""#) } == 20)
        #expect(lines.allSatisfy { !$0.hasPrefix(#"{"type":"message""#) || $0.hasSuffix(#""replayed":true}"#) })
    }

    @Test func `what is said in a room that has just been closed is refused`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let ana = try chats.join(as: "ana")
        try ana.send("/join cake")
        try chats.settle()
        ana.clear()
        let index = try #require(try chats.serverIndex(of: "ana"))
        let other = try chats.chat(1 - index)
        // The order has both, and her server has not read that yet.
        other.close(try #require(other.room(named: try ChatName("cake"))))
        try chats.loops[1 - index].runOnce(waitingAtMost: .zero)
        try ana.send("hello")
        try chats.settle()
        #expect(ana.lines.contains("! you are not in cake any more"))
        try chats.expectAgreement()
    }

    @Test func `a server that comes later knows all`() throws {
        let chats = try ChatLoopsFixture(loops: 1)
        let ana = try chats.join(as: "ana")
        try ana.send("/join tea key")
        for number in 0..<300 { try ana.send("line \(number)") }
        try chats.settle()
        try chats.chat(0).mute(try ChatName("ana"))
        try chats.settle()
        try chats.chat(0).ban(Ban(.name(try ChatName("dan")), reason: "spam"))
        try chats.addServer()
        try chats.expectAgreement()
        #expect(try chats.chat(1).bans.all.map(\.reason) == ["spam"])
        #expect(try chats.chat(1).mute(of: try ChatName("ana")) != nil)
    }

    @Test func `a server that comes later knows who was invited and has left, and who has logged in since`() throws {
        let chats = try ChatLoopsFixture(loops: 1)
        let passwords = ["ben": "right", "cleo": "right"]
        try chats.chat(0).authenticator = PlainAuthenticator(passwords)
        let ana = try chats.join(as: "ana")
        let (ben, cleo) = (try chats.join(), try chats.join(as: "guest"))
        try ana.send("/join tea key")
        try ben.send("/login ben right")
        try chats.settle()
        for name in ["ben", "guest"] { try ana.send("/invite \(name)") }
        try chats.settle()
        try cleo.send("/login cleo right")
        try ben.send("/quit")
        try chats.settle()
        try chats.addServer()
        try chats.chat(1).authenticator = PlainAuthenticator(passwords)
        try chats.expectAgreement("at first")
        try cleo.send("/quit")
        try chats.settle()
        // One of each pair is at the new server. Whoever was invited by number is somebody else now.
        for (name, answer) in [("ben", "* you are in tea"), ("cleo", "! tea has a key")] {
            for _ in 0..<2 {
                let member = try chats.join()
                try member.send("/login \(name) right")
                try member.send("/join tea")
                try chats.wait(for: "an answer") { member.lines.contains { $0.hasPrefix(answer) } }
                try chats.expectAgreement("\(name)")
            }
        }
    }

    @Test func `the people of a loop that is closed are lost`() throws {
        let chats = try ChatLoopsFixture(loops: 3)
        let members = try ["ana", "ben", "cleo"].map { try chats.join(as: $0) }
        members[0].clear()
        let index = try #require(try chats.serverIndex(of: "ana"))
        let other = try #require(try chats.serverIndex(of: "ben"))
        members[1].clear()
        chats.closeLoop(index)
        _ = other
        try chats.waitForAll()
        try chats.settle()
        #expect(members[1].lines == ["* ana left: lost (2 online)"])
        try chats.expectAgreement()
    }

    @Test func `a ban holds on all loops, as does a mute, also under another name`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let (ana, ben) = (try chats.join(as: "ana"), try chats.join(as: "ben"))
        let index = try #require(try chats.serverIndex(of: "ana"))
        // By the operator of the other loop, while she takes another name.
        try ana.send("/nick anna")
        try chats.settle()
        try chats.chat(1 - index).mute(try ChatName("anna"), for: .seconds(60))
        try chats.settle()
        ana.clear()
        try ana.send("hello")
        try chats.settle()
        #expect(ana.lines == ["! you are muted for 1m"])
        // Under whatever name she is given.
        for name in ["annie", "anna"] {
            let person = try #require(try chats.chat(index).people.first { $0.name.text.hasPrefix("an") })
            try chats.chat(index).rename(person, to: try ChatName(name))
            try chats.settle()
            for index in 0..<2 { #expect(try chats.chat(index).mute(of: try ChatName(name)) != nil) }
        }
        #expect(try chats.chat(1 - index).unmute(try ChatName("anna")))
        try chats.settle()
        ana.clear()
        ben.clear()
        try ana.send("hello")
        try chats.settle()
        #expect(ben.lines == ["anna: hello"] && ana.lines.isEmpty)
        #expect(try chats.chat(1 - index).ban(Ban(.name(try ChatName("anna")), reason: "spam")).map(\.name.text) == ["anna"])
        try chats.wait(for: "her end") { ana.lines.last == "! banned: spam" && ana.peer.hasEnded }
        try chats.settle()
        #expect(try chats.chat(index).bans.all == chats.chat(1 - index).bans.all)
        try ben.send("/nick anna")
        try chats.settle()
        #expect(ben.lines.last == "! that name is banned")
        #expect(try chats.chat(index).unban(.name(try ChatName("anna"))))
        try chats.settle()
        try ben.send("/nick anna")
        try chats.settle()
        #expect(ben.lines.last == "* you are now anna")
        try chats.expectAgreement()
    }

    @Test func `who takes a name at the moment at which it is banned does not stay`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let members = try [chats.join(as: "ana"), chats.join(as: "ben")]
        let index = try #require(try chats.serverIndex(of: "ana"))
        try chats.chat(1 - index).ban(Ban(.name(try ChatName("dan")), reason: "spam"))
        // Her server has not heard of it: its loop has not turned.
        try members[0].send("/nick dan")
        try chats.loops[index].runOnce(waitingAtMost: .zero)
        try chats.wait(for: "her end") { members[0].peer.hasEnded }
        try chats.settle()
        #expect(try chats.chat(0).person(named: try ChatName("dan")) == nil)
        try chats.expectAgreement()
    }

    @Test func `a ban of addresses keeps out who has not come in yet`() throws {
        let chats = try ChatLoopsFixture(loops: 2) { chat, _ in
            chat.loginRules.isRequired = true
            chat.loginRules.admitsLocalGuests = false
        }
        for index in 0..<2 { try chats.chat(index).authenticator = PlainAuthenticator(["ana": "right"]) }
        let members = try (0..<2).map { _ in try chats.begin() }
        for member in members { try chats.wait(for: "the question") { !member.lines.isEmpty } }
        try chats.chat(0).ban(Ban(.addresses(try AddressBlock("127.0.0.0/8")), reason: "spam"))
        try chats.wait(for: "their end") { members.allSatisfy { $0.lines.last == "! banned: spam" && $0.peer.hasEnded } }
    }

    @Test func `a login that is on its way when it changes who can log in does not hold`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        for index in 0..<2 { try chats.chat(index).authenticator = PlainAuthenticator(["ana": "right"]) }
        let (ana, ben) = (try chats.join(as: "a"), try chats.join(as: "b"))
        let indices = try ["a", "b"].map { try #require(try chats.serverIndex(of: $0)) }
        let replicas = try chats.replicas
        var waitingCount = 0
        let cases = [
            (ana, indices[0], "/login ana right", ["ana": "other"]),
            (ben, indices[1], "/nick dan", ["ana": "other", "dan": "x"]),
        ]
        for (member, index, line, passwords) in cases {
            try member.send(line)
            // What is said in a turn gets its place at the end of it, after the timers.
            chats.loops[index].schedule(after: .zero) {
                waitingCount += replicas[index].waiting.count
                for index in 0..<2 {
                    try? chats.chat(index).authenticator = PlainAuthenticator(passwords)
                }
            }
            try chats.loops[index].runOnce(waitingAtMost: .zero)
        }
        #expect(waitingCount == 2)
        try chats.settle()
        #expect(try chats.chat(0).person(named: try ChatName("ana")) == nil)
        #expect(try chats.chat(0).person(named: try ChatName("dan")) == nil)
        try chats.expectAgreement()
    }

    @Test func `passwords that are tried are counted on all loops together`() throws {
        let chats = try ChatLoopsFixture(loops: 3) { chat, _ in chat.loginRules.rate = 2 }
        let authenticators = try (0..<3).map { _ in try PlainAuthenticator(["ana": "right"]) }
        for index in 0..<3 { try chats.chat(index).authenticator = authenticators[index] }
        for _ in 0..<6 {
            let member = try chats.join()
            try member.send("/login ana wrong")
            try chats.wait(for: "an answer") { !member.lines.isEmpty }
        }
        #expect(authenticators.reduce(0) { $0 + $1.judged.count } == 2)
    }

    @Test func `of two loops that announce a shutdown at the same moment, each ends when it has said`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        var count = 0
        for index in 0..<2 { try chats.chat(index).scheduleShutDown(after: .milliseconds(20)) { count += 1 } }
        try chats.wait(for: "both") { count == 2 }
        try chats.settle()
        let late = try chats.join()
        #expect(!late.lines.contains { $0.contains("shuts down") })
    }

    @Test func `an operator sees and sends away people of other loops`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let (ana, ben) = (try chats.join(as: "ana"), try chats.join(as: "ben"))
        let index = try #require(try chats.serverIndex(of: "ben"))
        let commands = OperatorCommands(for: try chats.chat(index)) {}
        let answer = commands.run("who").lines
        #expect(answer.contains { $0.hasPrefix("ana in lobby from 127.0.0.1, at another server") })
        #expect(answer.contains { $0.hasPrefix("ben in lobby from 127.0.0.1:") && $0.contains("idle") })
        #expect(commands.run("kick ana spam").lines == ["kicked ana"])
        try chats.wait(for: "her end") { ana.peer.hasEnded }
        #expect(ana.lines.last == "! kicked: spam")
        try chats.settle()
        #expect(ben.lines.last == "* ana left: kicked (1 online)")
    }

    @Test func `a loop that is held up misses nothing, and has the others wait`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let members = try [chats.join(as: "ana"), chats.join(as: "ben")]
        let index = try #require(try chats.serverIndex(of: "ana"))
        for member in members { member.clear() }
        let line = String(repeating: "x", count: 4_000)
        let order = try #require(try chats.replicas[index].order as? SharedOrder.Member)
        // Far more than may wait. Only her loop turns.
        var sentCount = 0
        while !order.isFull, sentCount < 2_000 {
            for _ in 0..<10 { try members[0].send("\(sentCount) \(line)") }
            sentCount += 10
            for _ in 0..<10 { try chats.loops[index].runOnce(waitingAtMost: .zero) }
        }
        #expect(order.isFull)
        let isHeardMeanwhile = try chats.chat(index).lobby.conversation?.records.nextSequence
        for _ in 0..<50 { try chats.loops[index].runOnce(waitingAtMost: .zero) }
        #expect(try chats.chat(index).lobby.conversation?.records.nextSequence == isHeardMeanwhile)
        try chats.wait(for: "all lines") { members[1].lines.count == sentCount }
        #expect(members[1].lines == (0..<sentCount).map { "ana: \($0 / 10 * 10) \(line)" })
        try chats.settle()
        #expect(!order.isFull)
        try chats.expectAgreement()
    }

    @Test func `all servers end together, once all that was said has come`() throws {
        let chats = try ChatLoopsFixture(loops: 3)
        let members = try ["ana", "ben", "cleo"].map { try chats.join(as: $0) }
        for member in members { member.clear() }
        try members[0].send("the last word")
        let index = try #require(try chats.serverIndex(of: "ana"))
        try chats.loops[index].runOnce(waitingAtMost: .zero)
        var hasEnded = false
        chats.servers[index].shutDown(timeout: .seconds(30)) { hasEnded = true }
        try chats.wait(for: "the end") { hasEnded && members.allSatisfy(\.peer.hasEnded) }
        #expect(members[0].lines == ["! goodbye: the server is shutting down"])
        for member in members.dropFirst() {
            #expect(member.lines == ["ana: the last word", "! goodbye: the server is shutting down"])
        }
        #expect(chats.group.clientCount == 0)
    }

    @Test func `a shutdown that is announced is known on all loops`() throws {
        let chats = try ChatLoopsFixture(loops: 2)
        let members = try [chats.join(as: "ana"), chats.join(as: "ben")]
        for member in members { member.clear() }
        try chats.chat(0).scheduleShutDown(after: .seconds(300), reason: "more tea") {}
        try chats.settle()
        for member in members { #expect(member.lines == ["* the server shuts down in 5m: more tea"]) }
        for _ in 0..<2 {
            let newcomer = try chats.begin()
            try chats.wait(for: "the notice") { newcomer.lines.last?.hasPrefix("* the server shuts down in ") == true }
        }
        try chats.settle()
        for member in members { member.clear() }
        #expect(try chats.chat(0).cancelShutDown())
        try chats.settle()
        for member in members { #expect(member.lines == ["* the server does not shut down after all"]) }
        let newcomer = try chats.begin()
        let other = try chats.begin()
        try chats.wait(for: "their welcome") { !newcomer.lines.isEmpty && !other.lines.isEmpty }
        try chats.settle()
        #expect(!(newcomer.lines + other.lines).contains { $0.contains("shuts down in") })
    }
}
