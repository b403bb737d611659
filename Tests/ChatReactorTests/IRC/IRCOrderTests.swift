import Testing

@testable import ChatReactor

/// What somebody does is told to it after what others did in its rooms before, also within one turn: otherwise its client would take what is
/// over for what holds.
struct IRCOrderTests {
    @Test(arguments: [
        (["JOIN #tea"], "KICK #tea bob", ["bob JOIN", "ann KICK"]),
        (["JOIN #tea", "PRIVMSG #tea :hi", "PART #tea"], "TOPIC #tea :x", ["bob JOIN", "bob PRIVMSG", "bob PART", "ann TOPIC"]),
        (["JOIN #tea", "TOPIC #tea :one"], "TOPIC #tea :two", ["bob JOIN", "bob TOPIC", "ann TOPIC"]),
        (["JOIN #tea"], "MODE #tea +o bob", ["bob JOIN", "ann MODE"]),
        (["JOIN #tea", "NICK rob"], "NICK bob", ["bob JOIN", "bob NICK", "ann NICK"]),
        (["JOIN #tea,#lobby"], "NICK eve", ["bob JOIN", "bob JOIN", "ann NICK"]),
        (["JOIN #tea"], "NAMES #tea", ["bob JOIN", " 353", " 366"]),
    ])
    func `what others did comes first`(_ done: [String], _ answered: String, _ expected: [String]) throws {
        let irc = try IRCFixture()
        let ann = try irc.register("ann", in: expected.count == 3 && done[0].contains("lobby") ? "#tea,#lobby" : "#tea")
        let bob = try irc.register("bob")
        try bob.send(done.joined(separator: "\r\n"))
        try ann.send(answered)
        let told = try irc.answers(ann).map { line in
            let message = try IRCMessage(line)
            return
                "\(message.source.flatMap { $0.contains("!") ? String($0.prefix { $0 != "!" }) : nil } ?? "") \(message.command)"
        }
        #expect(told == expected)
    }
}
