import ChatReactorText
import TestSupport
import Testing

@testable import ChatReactor

/// CHATHISTORY: a client asks for what was said before, by message or by time.
struct IRCHistoryTests {
    private static let s = ":\(IRCFixture.server)"

    /// What somebody heard while it was said.
    private struct Said {
        let id: String
        let time: Int64
        let line: String
    }

    /// A point, and which of what was said precedes or follows it: as the specification has it, without any thought of how.
    private enum Point {
        case message(Int)
        case time(Int64)

        func text(in said: [Said]) -> String {
            switch self {
            case .message(let index): "msgid=\(said[index].id)"
            case .time(let time): "timestamp=\(Timestamp.rfc3339(time))"
            }
        }

        func precedes(_ index: Int, in said: [Said]) -> Bool {
            switch self {
            case .message(let own): own < index
            case .time(let time): time < said[index].time
            }
        }

        func follows(_ index: Int, in said: [Said]) -> Bool {
            switch self {
            case .message(let own): own > index
            case .time(let time): time > said[index].time
            }
        }
    }

    private static func oracle(_ command: String, _ points: [Point], _ limit: Int, in said: [Said]) -> [Int] {
        let all = Array(said.indices)
        let limit = min(limit, 100)
        guard let first = points.first else { return all.suffix(limit) }
        let before = all.filter { first.follows($0, in: said) }
        let after = all.filter { first.precedes($0, in: said) }
        switch command {
        case "LATEST": return after.suffix(limit)
        case "BEFORE": return before.suffix(limit)
        case "AFTER": return Array(after.prefix(limit))
        case "AROUND":
            let start = before.suffix(limit / 2)
            return Array(start + all.dropFirst(before.count).prefix(limit - start.count))
        default:
            let forwards = after.filter { points[1].follows($0, in: said) }
            if !forwards.isEmpty { return Array(forwards.prefix(limit)) }
            return before.filter { points[1].precedes($0, in: said) }.suffix(limit)
        }
    }

    /// A room in which much was said, and a client that has heard all of it.
    private func talk(_ count: Int) throws -> (IRCFixture, ben: Talker, said: [Said]) {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", in: "#tea")
        let ben = try irc.register("ben", "message-tags server-time batch draft/chathistory", in: "#tea")
        let zoe = try irc.joinByLines("zoe", in: "tea")
        try irc.clear()
        for number in 0..<count {
            switch number % 5 {
            case 0: try irc.say(ana, "PRIVMSG #tea :ana says \(number)")
            case 1: try irc.say(zoe, "zoe says \(number)")
            case 2: try irc.say(zoe, "/me does \(number)")
            case 3: try irc.say(ana, "TOPIC #tea :\(number)", "PRIVMSG #tea :\u{1}ACTION does \(number)\u{1}")
            default: try irc.say(zoe, "/nick zoe\(number)", "/nick zoe", "zoe says \(number)")
            }
            // Several are said within a millisecond, and others are not.
            if number % 3 == 0 { try irc.settle() }
        }
        let said = try irc.answers(ben).map { try IRCMessage($0) }.filter { $0.command == "PRIVMSG" }.map { message in
            Said(
                id: try #require(message.tag("msgid")), time: try #require(Timestamp.parse(rfc3339: message.tag("time") ?? "")),
                line: message.parameters.joined(separator: " "))
        }
        try #require(said.count == count)
        return (irc, ben, said)
    }

    @Test func `every question is answered as the specification has it`() throws {
        let (irc, ben, said) = try talk(150)
        var random = SeededGenerator()
        for _ in 0..<300 {
            let command = ["LATEST", "BEFORE", "AFTER", "AROUND", "BETWEEN"].randomElement(using: &random) ?? ""
            func point() -> Point {
                let index = said.indices.randomElement(using: &random) ?? 0
                return Bool.random(using: &random)
                    ? .message(index) : .time(said[index].time + .random(in: -1...1, using: &random))
            }
            let isWhole = command == "LATEST" && Bool.random(using: &random)
            let points = isWhole ? [] : (0..<(command == "BETWEEN" ? 2 : 1)).map { _ in point() }
            let limit = [1, 2, 3, 10, 99, 100, 101, 1_000_000].randomElement(using: &random) ?? 1
            let texts = isWhole ? ["*"] : points.map { $0.text(in: said) }
            let line = "CHATHISTORY \(command) #Tea \(texts.joined(separator: " ")) \(limit)"
            let answer = try irc.ask(ben, line).map { try IRCMessage($0) }
            let expected = Self.oracle(command, points, limit, in: said).map { said[$0] }
            let batch = try #require(answer.first?.parameters.first?.dropFirst())
            #expect(answer.first?.parameters.dropFirst() == ["chathistory", "#tea"])
            #expect(answer.last?.command == "BATCH" && answer.last?.parameters == ["-\(batch)"])
            let messages = answer.dropFirst().dropLast()
            #expect(messages.map { $0.parameters.joined(separator: " ") } == expected.map(\.line), "\(line), seed \(random.seed)")
            #expect(messages.map { $0.tag("msgid") } == expected.map(\.id))
            #expect(messages.map { $0.tag("time") } == expected.map { Timestamp.rfc3339($0.time) })
            #expect(messages.allSatisfy { $0.tag("batch").map { $0[...] } == batch })
        }
    }

    @Test func `a room in which nothing was said has an empty history`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", "batch", in: "#tea")
        #expect(
            try irc.ask(ana, "CHATHISTORY LATEST #tea * 10") == ["\(Self.s) BATCH +1 chathistory #tea", "\(Self.s) BATCH -1"])
        let ben = try irc.register("ben", in: "#tea")
        #expect(try irc.ask(ben, "CHATHISTORY LATEST #tea * 10").isEmpty)
        try irc.say(ana, "PRIVMSG #tea :hi")
        try irc.clear()
        #expect(try irc.ask(ben, "CHATHISTORY LATEST #tea * 10") == [":ana!ana@localhost PRIVMSG #tea :hi"])
    }

    @Test(
        arguments: [
            ("CHATHISTORY LATEST", "461 CHATHISTORY :Not enough parameters"),
            ("CHATHISTORY LATEST #tea *", "LATEST :this is CHATHISTORY LATEST TARGET POINT LIMIT"),
            ("CHATHISTORY LATEST #tea * 0", "LATEST :this is CHATHISTORY LATEST TARGET POINT LIMIT"),
            ("CHATHISTORY LATEST #tea * few", "LATEST :this is CHATHISTORY LATEST TARGET POINT LIMIT"),
            ("CHATHISTORY BETWEEN #tea * 10", "BETWEEN :this is CHATHISTORY BETWEEN TARGET POINT POINT LIMIT"),
            ("CHATHISTORY BEFORE #tea * 10", "BEFORE :a point is msgid=… or timestamp=…"),
            ("CHATHISTORY BEFORE #tea msgid=x-1 10", "BEFORE :a point is msgid=… or timestamp=…"),
            ("CHATHISTORY BEFORE #tea timestamp=yesterday 10", "BEFORE :a point is msgid=… or timestamp=…"),
            ("CHATHISTORY TARGETS now then 10", "TARGETS :this is CHATHISTORY TARGETS TIME TIME LIMIT"),
            ("CHATHISTORY FIRST #tea * 10", "FIRST :there is no such subcommand"),
            ("CHATHISTORY LATEST #milk * 10", "INVALID_TARGET LATEST #milk :there is no history for you of this"),
            ("CHATHISTORY LATEST ben * 10", "INVALID_TARGET LATEST ben :there is no history for you of this"),
        ])
    func `what is no question is refused`(_ line: String, _ refusal: String) throws {
        let irc = try IRCFixture()
        let (ana, _) = (try irc.register("ana", in: "#tea"), try irc.register("ben", in: "#milk"))
        let expected =
            refusal.hasPrefix("461")
            ? "\(Self.s) 461 ana \(refusal.dropFirst(4))"
            : "\(Self.s) FAIL CHATHISTORY \(refusal.hasPrefix("INVALID_TARGET") ? "" : "INVALID_PARAMS ")\(refusal)"
        #expect(try irc.ask(ana, line) == [expected])
    }

    @Test func `rooms are told in which something was said between two times`() throws {
        let irc = try IRCFixture()
        let ana = try irc.register("ana", "message-tags server-time echo-message batch", in: "#tea,#milk,#water")
        var times: [String] = []
        for room in ["#tea", "#milk"] {
            let line = try #require(try irc.ask(ana, "PRIVMSG \(room) :hi").first)
            times.append(try #require(try IRCMessage(line).tag("time")))
            try irc.loop.run(for: .milliseconds(2))
        }
        let all = times.enumerated().map { "@batch=1 \(Self.s) CHATHISTORY TARGETS #\(["tea", "milk"][$0.offset]) \($0.element)" }
        let (start, end) = ("timestamp=2000-01-01T00:00:00.000Z", "timestamp=2100-01-01T00:00:00.000Z")
        #expect(
            try irc.ask(ana, "CHATHISTORY TARGETS \(start) \(end) 10") == ["\(Self.s) BATCH +1 draft/chathistory-targets"] + all
                + ["\(Self.s) BATCH -1"])
        #expect(try irc.ask(ana, "CHATHISTORY TARGETS \(end) \(start) 1").count == 3)
        #expect(try irc.ask(ana, "CHATHISTORY TARGETS \(start) timestamp=\(times[0]) 10").filter { $0.contains("#") }.count == 1)
    }

    @Test func `who is ignored has said nothing`() throws {
        let irc = try IRCFixture()
        let (ana, zoe) = (try irc.register("ana", in: "#lobby"), try irc.joinByLines("zoe"))
        try irc.say(zoe, "hi")
        irc.chat.ignore(try ChatName("zoe"), by: try irc.person("ana"))
        try irc.clear()
        #expect(try irc.ask(ana, "CHATHISTORY LATEST #lobby * 10").isEmpty)
    }

    @Test func `a name of a message outlives the server`() throws {
        let folder = try TemporaryFolder()
        var id = ""
        for round in 0..<2 {
            let irc = try IRCFixture { $0.roomLogDirectory = folder.path }
            let ana = try irc.register("ana", "message-tags echo-message", in: "#tea")
            if round == 0 {
                let lines = try irc.ask(ana, "PRIVMSG #tea :one", "PRIVMSG #tea :two")
                id = try #require(try IRCMessage(lines.first ?? "").tag("msgid"))
            } else {
                let lines = try irc.ask(ana, "CHATHISTORY AFTER #tea msgid=\(id) 10")
                #expect(try lines.map { try IRCMessage($0).parameters[1] } == ["two"])
            }
        }
    }
}
