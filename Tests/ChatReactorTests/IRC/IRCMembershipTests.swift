import TestSupport
import Testing

@testable import ChatReactor

/// A client keeps a list of who is in its rooms, by what it is told of who comes, goes and is renamed. That list is right, whatever happens.
struct IRCMembershipTests {
    /// What a client knows, as clients know it.
    private struct Knowledge {
        private(set) var rooms: [String: Set<String>] = [:]
        private(set) var nick: String
        private var parsed = 0

        init(_ nick: String) { self.nick = nick }

        mutating func learn(from talker: Talker) throws {
            for line in talker.lines[parsed...] { try learn(try IRCMessage(line)) }
            parsed = talker.lines.count
        }

        private mutating func learn(_ message: IRCMessage) throws {
            let who = String(message.source?.prefix { $0 != "!" } ?? "")
            let parameters = message.parameters
            switch message.command {
            case "JOIN":
                if who == nick { rooms[parameters[0]] = [] }
                rooms[parameters[0]]?.insert(who)
            case "353":
                for name in parameters[3].split(separator: " ") {
                    rooms[parameters[2]]?.insert(String(name.drop { "@+".contains($0) }))
                }
            case "PART": leave(who, parameters[0])
            case "KICK": leave(parameters[1], parameters[0])
            case "QUIT": for room in rooms.keys { leave(who, room) }
            case "NICK":
                for room in rooms.keys where rooms[room]?.remove(who) != nil { rooms[room]?.insert(parameters[0]) }
                if who == nick { nick = parameters[0] }
            default: break
            }
        }

        private mutating func leave(_ who: String, _ room: String) {
            if who == nick { rooms[room] = nil } else { rooms[room]?.remove(who) }
        }
    }

    @Test(arguments: [1, 20]) func `whatever happens`(_ linesBetweenLooks: Int) throws {
        var random = SeededGenerator()
        let irc = try IRCFixture()
        let names = (0..<8).map { "n\($0)" }
        var clients: [(talker: Talker, knowledge: Knowledge)] = []
        for (number, capabilities) in ["", "server-time", "message-tags account-tag", "extended-join multi-prefix echo-message"]
            .enumerated()
        {
            let nick = "start\(number)"
            clients.append((try irc.register(nick, capabilities), Knowledge(nick)))
        }
        let others = [try irc.joinByLines("zoe"), try irc.joinByLines("bot", json: true)]
        var quitter: Talker?
        func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "" }
        for step in 0..<1_000 {
            let room = pick(["lobby", "tea", "milk"])
            let people = names + clients.map(\.knowledge.nick) + ["zoe", "bot"]
            switch Int.random(in: 0..<20, using: &random) {
            case 0...1:
                if let there = quitter {
                    try there.send(pick(["QUIT", "QUIT :bye"]))
                    try irc.run { there.isGone }
                    there.hangUp()
                    quitter = nil
                } else {
                    let new = try irc.connect()
                    try irc.say(new, "NICK \(pick(names))", "USER u 0 * :U", "JOIN #lobby,#tea,#milk")
                    quitter = new
                }
            case 2...5:
                let line = pick([
                    "/join \(room)", "/leave", "/nick \(pick(names))", "/me waves", "hi", "/topic \(step)",
                    "/invite \(pick(people))",
                ])
                try others.randomElement(using: &random)?.send(line)
            default:
                let line = pick([
                    "JOIN #\(room)", "JOIN #\(room)", "JOIN #tea,#milk", "PART #\(room)", "PART #\(room) :bye", "JOIN 0",
                    "NICK \(pick(names))",
                    "KICK #\(room) \(pick(people))", "INVITE \(pick(people)) #\(room)",
                    "MODE #\(room) \(pick(["+i", "-i", "+m", "-m"]))",
                    "MODE #\(room) \(pick(["+", "-"]))\(pick(["o", "v"])) \(pick(people))",
                    "MODE #\(room) \(pick(["+", "-"]))b \(pick(people))",
                    "PRIVMSG #\(room) :\(step)", "PRIVMSG \(pick(people)) :\(step)", "TOPIC #\(room) :\(step)", "NAMES", "LIST",
                    "WHO *",
                    "AWAY :\(step)", "AWAY", "WHOIS \(pick(people))",
                    "CAP REQ :\(pick(["", "-"]))\(pick(["server-time", "message-tags", "account-tag", "away-notify", "extended-join"]))",
                ])
                try clients.randomElement(using: &random)?.talker.send(line)
            }
            if step % linesBetweenLooks != 0 { continue }
            try irc.settle()
            for index in clients.indices {
                try clients[index].knowledge.learn(from: clients[index].talker)
                let (talker, knowledge) = clients[index]
                #expect(talker.badLines.isEmpty, "seed \(random.seed)")
                let person = try irc.person(knowledge.nick)
                let actual = Dictionary(
                    uniqueKeysWithValues: person.rooms.map { room in
                        ("#\(room.name)", Set(room.conversation?.people.map(\.name.text) ?? []))
                    })
                try #require(knowledge.rooms == actual, "seed \(random.seed), step \(step), \(knowledge.nick)")
            }
        }
    }
}
