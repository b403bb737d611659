import Reactor
import TestSupport
import Testing

@testable import ChatReactor

/// Each numeric, as it goes over the wire.
struct IRCNumericTests {
    /// Who sends what, in order, and what the last one is answered. `ana> …` is a line of an IRC client, `zoe$ …` one of `nc`. A name that is new
    /// comes in by that, except `new`, which is an IRC client that has not said yet who it is.
    struct Row: CustomTestStringConvertible {
        let script: [String]
        let answer: [String]
        var motd: [String] = []
        var hasPasswords = true

        init(_ script: String..., answer: [String], motd: [String] = [], hasPasswords: Bool = true) {
            (self.script, self.answer, self.motd, self.hasPasswords) = (script, answer, motd, hasPasswords)
        }

        var testDescription: String { script.last ?? "" }
        var codes: Set<Int> { Set(answer.compactMap { IRCNumericTests.code(of: $0) }) }
    }

    private static func code(of line: String) -> Int? {
        let words = line.split(separator: " ")
        return words.count > 1 && words[0] == ":\(IRCFixture.server)" ? Int(words[1]) : nil
    }

    private static func s(_ line: String) -> String { ":\(IRCFixture.server) \(line)" }

    private static let secret = "AHJvb3QAc2VjcmV0"
    private static let supported = [
        s(
            "005 ana AWAYLEN=300 CASEMAPPING=ascii CHANLIMIT=#:20 CHANMODES=b,k,l,imnst CHANNELLEN=25 CHANTYPES=# CHATHISTORY=100 "
                + "ELIST=MU HOSTLEN=63 KICKLEN=300 MAXLIST=b:100 MODES=20 MONITOR=100 :are supported by this server"),
        s(
            "005 ana MSGREFTYPES=msgid,timestamp NETWORK=Tea_House NICKLEN=24 PREFIX=(ov)@+ SAFELIST "
                + "TARGMAX=JOIN:20,KICK:20,NOTICE:20,PART:20,PRIVMSG:20 TOPICLEN=300 USERLEN=20 UTF8ONLY WHOX "
                + ":are supported by this server"),
    ]

    static let comingInRows = [
        Row(
            "new> NICK eve\r\nUSER eve 0 * :Eve",
            answer: [
                s("001 eve :Welcome to Tea House, eve!eve@localhost"),
                s("002 eve :Your host is irc.example.org, running version ChatReactor"),
                s("003 eve :This server was started DATE"), s("004 eve irc.example.org ChatReactor io biklmnostv bklov"),
            ] + supported.map { $0.replacing("005 ana", with: "005 eve") } + [
                s("251 eve :There are 1 users and 0 invisible on 1 servers"), s("252 eve 0 :operator(s) online"),
                s("254 eve 0 :channels formed"),
                s("255 eve :I have 1 clients and 0 servers"), s("265 eve 1 1 :Current local users 1, max 1"),
                s("266 eve 1 1 :Current global users 1, max 1"), s("422 eve :MOTD File is missing"),
            ]),
        Row("new> JOIN #tea", answer: [s("451 * :You have not registered")]),
        Row("new> NICK", answer: [s("431 * :No nickname given")]),
        Row("new> NICK a.b", answer: [s("432 * a.b :Erroneous nickname: a name has letters, digits, _ and - only, and not .")]),
        Row("ana> PING x", "new> NICK Ana", answer: [s("433 * Ana :Nickname is already in use")]),
        Row("new> USER eve 0 *", answer: [s("461 * USER :Not enough parameters")]),
        Row("ana> USER ana 0 * :Ana", answer: [s("462 ana :You may not reregister")]),
        Row(
            "new> PASS root:guess\r\nNICK eve\r\nUSER eve 0 * :Eve",
            answer: [
                s("464 eve :that is not the password of that name, or nobody has the name"),
                "ERROR :Closing link: that is not the password of that name, or nobody has the name",
            ]),
        Row("ana> CAP EAT", answer: [s("410 ana EAT :Invalid CAP command")]),
        Row(
            "ana> CAP REQ :sasl", "ana> AUTHENTICATE PLAIN\r\nAUTHENTICATE \(secret)",
            answer: [
                "AUTHENTICATE +", ":ana!ana@localhost NICK :root",
                s("900 root root!ana@localhost root :You are now logged in as root"),
                s("903 root :SASL authentication successful"),
            ]),
        Row(
            "new> CAP REQ :sasl", "new> AUTHENTICATE PLAIN\r\nAUTHENTICATE \(secret)",
            answer: [
                "AUTHENTICATE +", s("900 root root!*@localhost root :You are now logged in as root"),
                s("903 root :SASL authentication successful"),
            ]),
        Row(
            "new> CAP REQ :sasl", "new> AUTHENTICATE PLAIN\r\nAUTHENTICATE AHJvb3QAZ3Vlc3M=",
            answer: [
                "AUTHENTICATE +",
                s("904 * :SASL authentication failed: that is not the password of that name, or nobody has the name"),
            ]),
        Row("new> AUTHENTICATE PLAIN", answer: [s("904 * :SASL authentication failed")]),
        Row(
            "new> CAP REQ :sasl", "new> AUTHENTICATE PLAIN\r\nAUTHENTICATE \(String(repeating: "A", count: 401))",
            answer: ["AUTHENTICATE +", s("905 * :SASL message too long")]),
        Row(
            "new> CAP REQ :sasl", "new> AUTHENTICATE PLAIN\r\nAUTHENTICATE *",
            answer: ["AUTHENTICATE +", s("906 * :SASL authentication aborted")]),
        Row(
            "new> CAP REQ :sasl", "new> AUTHENTICATE PLAIN\r\nAUTHENTICATE \(secret)", "new> AUTHENTICATE PLAIN",
            answer: [s("907 root :You have already authenticated using SASL")]),
        Row(
            "new> CAP REQ :sasl", "new> AUTHENTICATE SCRAM-SHA-256",
            answer: [s("908 * PLAIN :are available SASL mechanisms"), s("904 * :SASL authentication failed")]),
        Row("ana> OPER root secret", answer: [s("381 ana :You are now an IRC operator"), ":ana MODE ana +o"]),
        Row(
            "ana> OPER root guess",
            answer: [s("464 ana :that is not the password of that name, or nobody has the name")]),
        Row("ana> OPER owner sesame", answer: [s("491 ana :owner is no operator")]),
        Row("ana> OPER root secret", answer: [s("491 ana :No O-lines for your host")], hasPasswords: false),
        Row("ana> PING :", answer: [s("409 ana :No origin specified")]),
    ]

    static let roomsRows = [
        Row("ana> JOIN tea", answer: [s("403 ana tea :No such channel")]),
        Row(
            "ana> JOIN #tea",
            answer: [":ana!ana@localhost JOIN #tea", s("353 ana = #tea :@ana"), s("366 ana #tea :End of /NAMES list")]),
        Row(
            "ana> JOIN \((0..<20).map { "#r\($0)" }.joined(separator: ","))", "ana> JOIN #tea",
            answer: [s("405 ana #tea :You have joined too many channels")]),
        Row("ana> JOIN #tea", "ana> MODE #tea +l 1", "ben> JOIN #tea", answer: [s("471 ben #tea :Cannot join channel (+l)")]),
        Row("ana> JOIN #tea", "ana> MODE #tea +i", "ben> JOIN #tea", answer: [s("473 ben #tea :Cannot join channel (+i)")]),
        Row(
            "ana> JOIN #tea", "ben> JOIN #tea", "ana> MODE #tea +b ben", "ben> NICK nora",
            answer: [s("435 ben nora #tea :Cannot change nickname while banned on channel")]),
        Row("ana> JOIN #tea", "ana> MODE #tea +b ben", "ben> JOIN #tea", answer: [s("474 ben #tea :Cannot join channel (+b)")]),
        Row(
            "ana> JOIN #tea leaves", "ben> JOIN #tea",
            answer: [s("475 ben #tea :tea has a key: /join tea KEY, or be invited")]),
        Row("ana> JOIN #tea", "ben> PART #tea", answer: [s("442 ben #tea :You're not on that channel")]),
        Row("ana> JOIN #tea", "ben> PING x", "ana> KICK #tea ben", answer: [s("441 ana ben #tea :They aren't on that channel")]),
        Row("ana> JOIN #tea", "ana> KICK #tea ben", answer: [s("401 ana ben :No such nick/channel")]),
        Row("ana> JOIN #tea", "ben> JOIN #tea", "ben> KICK #tea ana", answer: [s("482 ben #tea :You're not channel operator")]),
        Row("ana> JOIN #tea", "ben> JOIN #tea", "ana> INVITE ben #tea", answer: [s("443 ana ben #tea :is already on channel")]),
        Row("ana> JOIN #tea", "ben> AWAY :out", "ana> INVITE Ben #Tea", answer: [s("341 ana ben #tea"), s("301 ana ben :out")]),
        Row(
            "ana> JOIN #tea", "ben> PING x", "ana> INVITE ben #tea", "ben> INVITE",
            answer: [s("336 ben #tea"), s("337 ben :End of /INVITE list")]),
        Row("ana> JOIN #tea", "ana> TOPIC #tea", answer: [s("331 ana #tea :No topic is set")]),
        Row(
            "ana> JOIN #tea", "ana> TOPIC #tea :green, or black", "ana> TOPIC #tea",
            answer: [s("332 ana #tea :green, or black"), s("333 ana #tea ana SECONDS")]),
        Row("ana> JOIN #tea", "ana> MODE #tea", answer: [s("324 ana #tea +n"), s("329 ana #tea SECONDS")]),
        Row(
            "ana> JOIN #tea leaves", "ana> MODE #tea +ilmst 7", "ana> MODE #tea",
            answer: [s("324 ana #tea +iklmnst leaves 7"), s("329 ana #tea SECONDS")]),
        Row(
            "ana> JOIN #tea", "ana> MODE #tea +b ben", "ana> MODE #tea b",
            answer: [s("367 ana #tea ben!*@* ana!ana@localhost SECONDS"), s("368 ana #tea :End of channel ban list")]),
        Row("ana> JOIN #tea", "ana> MODE #tea +Z", answer: [s("472 ana Z :is unknown mode char to me")]),
        Row("ana> JOIN #tea", "ana> MODE #tea +l few", answer: [s("696 ana #tea l few :a limit is a number from 1")]),
        Row(
            "ana> JOIN #tea\r\n" + (0..<5).map(banning).joined(separator: "\r\n"), "ana> MODE #tea +b one-more",
            answer: [s("478 ana #tea b :Channel ban list is full")]),
        Row(
            "zoe$ /join tea", "ana> NAMES #tea,#nowhere",
            answer: [s("353 ana = #tea :@zoe"), s("366 ana #tea :End of /NAMES list"), s("366 ana #nowhere :End of /NAMES list")]),
        Row(
            "zoe$ /join tea", "zoe$ /topic green", "ana> LIST",
            answer: [s("321 ana Channel :Users  Name"), s("322 ana #tea 1 :green"), s("323 ana :End of /LIST")]),
    ]

    private static func banning(_ round: Int) -> String {
        "MODE #tea +\(String(repeating: "b", count: 20)) " + (0..<20).map { "x\(round)y\($0)" }.joined(separator: " ")
    }

    static let peopleRows = [
        Row("ben> AWAY :at tea", "ana> PRIVMSG ben :hi", answer: [s("301 ana ben :at tea")]),
        Row("ana> AWAY :at tea", answer: [s("306 ana :You have been marked as being away")]),
        Row("ana> AWAY", answer: [s("305 ana :You are no longer marked as being away")]),
        Row(
            "zoe$ hi", "ana> AWAY :out", "ana> USERHOST ana zoe nobody",
            answer: [s("302 ana :ana=-ana@localhost zoe=+zoe@localhost")]),
        Row("zoe$ hi", "ana> ISON Zoe nobody :ANA ben", answer: [s("303 ana :zoe ana")]),
        Row(
            "ben> JOIN #tea,#coffee", "ben> OPER root secret", "ben> AWAY :out", "ana> WHOIS BEN",
            answer: [
                s("311 ana ben ben localhost * :Ben"), s("319 ana ben :@#tea @#coffee"),
                s("312 ana ben irc.example.org :Tea House"), s("313 ana ben :is an IRC operator"), s("301 ana ben :out"),
                s("317 ana ben 0 SECONDS :seconds idle, signon time"), s("318 ana BEN :End of /WHOIS list"),
            ]),
        Row(
            "new> PASS root:secret\r\nNICK root\r\nUSER r 0 * :Root", "new> WHOIS root",
            answer: [
                s("311 root root r localhost * :Root"), s("312 root root irc.example.org :Tea House"),
                s("330 root root root :is logged in as"), s("338 root root 127.0.0.1 :is actually using host"),
                s("317 root root 0 SECONDS :seconds idle, signon time"), s("318 root root :End of /WHOIS list"),
            ]),
        Row(
            "ben> QUIT", "ana> WHOWAS ben",
            answer: [
                s("314 ana ben ben localhost * :Ben"), s("312 ana ben irc.example.org :DATE"), s("369 ana ben :End of WHOWAS"),
            ]),
        Row("ana> WHOWAS ben", answer: [s("406 ana ben :There was no such nickname"), s("369 ana ben :End of WHOWAS")]),
        Row(
            "ana> JOIN #tea", "zoe$ /join tea", "ana> WHO #tea",
            answer: [
                s("352 ana #tea ana localhost irc.example.org ana H@ :0 Ana"),
                s("352 ana #tea zoe localhost irc.example.org zoe H :0 zoe"), s("315 ana #tea :End of /WHO list"),
            ]),
        Row(
            "ana> JOIN #tea", "ana> WHO #tea %tcuihsnfdlaor,42",
            answer: [
                s("354 ana 42 #tea ana 255.255.255.255 localhost irc.example.org ana H@ 0 0 0 n/a :Ana"),
                s("315 ana #tea :End of /WHO list"),
            ]),
        Row("ben> PING x", "ana> MONITOR + ben,cleo", answer: [s("730 ana :ben!ben@localhost"), s("731 ana :cleo")]),
        Row("ana> MONITOR + ben,cleo", "ana> MONITOR L", answer: [s("732 ana :ben,cleo"), s("733 ana :End of MONITOR list")]),
        Row(
            "ana> MONITOR + \((0..<100).map { "n\($0)" }.joined(separator: ","))", "ana> MONITOR + ben,cleo",
            answer: [s("734 ana 100 ben,cleo :Monitor list is full")]),
        Row("ana> MODE ana +i", "ana> OPER root secret", "ana> MODE ana", answer: [s("221 ana +io")]),
        Row("ana> MODE ana +z", answer: [s("501 ana :Unknown MODE flag")]),
        Row("ben> PING x", "ana> MODE ben +i", answer: [s("502 ana :Can't change mode for other users")]),
        Row("ana> KILL ben", answer: [s("481 ana :Permission Denied- You're not an IRC operator")]),
    ]

    static let speakingRows = [
        Row("ana> PRIVMSG", answer: [s("411 ana :No recipient given (PRIVMSG)")]),
        Row("ana> PRIVMSG ben", answer: [s("412 ana :No text to send")]),
        Row("ana> PRIVMSG ben :hi", answer: [s("401 ana ben :No such nick/channel")]),
        Row("ana> PRIVMSG #tea :hi", answer: [s("403 ana #tea :No such channel")]),
        Row("ben> JOIN #tea", "ana> PRIVMSG #tea :hi", answer: [s("404 ana #tea :Cannot send to channel")]),
        Row(
            "ana> PRIVMSG \(Array(repeating: "ana", count: 21).joined(separator: ",")) :hi",
            answer: [":ana!ana@localhost PRIVMSG ana :hi", s("407 ana PRIVMSG :Too many targets")]),
        Row("ana> PRIVMSG ben :\(String(repeating: "a", count: 500))", answer: [s("417 ana :Input line was too long")]),
        Row("ana> SQUIT x", answer: [s("421 ana SQUIT :Unknown command")]),
    ]

    static let theServerRows = [
        Row("ana> STATS u", answer: [s("219 ana u :End of /STATS report")]),
        Row(
            "ana> OPER root secret", "zoe$ hi", "new> PING x", "ana> LUSERS",
            answer: [
                s("251 ana :There are 2 users and 0 invisible on 1 servers"), s("252 ana 1 :operator(s) online"),
                s("253 ana 1 :unregistered connection(s)"), s("254 ana 1 :channels formed"),
                s("255 ana :I have 2 clients and 0 servers"), s("265 ana 2 2 :Current local users 2, max 2"),
                s("266 ana 2 2 :Current global users 2, max 2"),
            ]),
        Row("ana> ADMIN", answer: [s("256 ana irc.example.org :Administrative info"), s("257 ana :Tea House")]),
        Row(
            "ana> VERSION",
            answer: [
                s("351 ana ChatReactor irc.example.org :rooms, people and their history are those of all other clients")
            ] + supported),
        Row(
            "ana> LINKS", answer: [s("364 ana irc.example.org irc.example.org :0 Tea House"), s("365 ana * :End of /LINKS list")]),
        Row(
            "ana> INFO",
            answer: [
                s("371 ana :Tea House, served by ChatReactor"), s("371 ana :started DATE"), s("374 ana :End of /INFO list"),
            ]),
        Row(
            "ana> MOTD",
            answer: [
                s("375 ana :- irc.example.org Message of the day -"), s("372 ana :- be kind"), s("372 ana :- to all"),
                s("376 ana :End of /MOTD command"),
            ], motd: ["be kind", "to all"]),
        Row("ana> TIME *.org", answer: [s("391 ana irc.example.org :TIME")]),
        Row("ana> TIME irc.elsewhere", answer: [s("402 ana irc.elsewhere :No such server")]),
        Row("ana> HELP join", answer: [s("704 ana join :JOIN is a command of this server."), s("706 ana join :End of /HELP")]),
        Row(
            "ana> HELP",
            answer: [
                s("704 ana * :The commands are:"),
                s(
                    "705 ana * :ADMIN AUTHENTICATE AWAY BATCH CAP CHATHISTORY HELP HELPOP INFO INVITE ISON JOIN KICK KILL LINKS LIST LUSERS "
                        + "MARKREAD MODE MONITOR MOTD NAMES NICK NOTICE OPER PART PASS PING PONG PRIVMSG QUIT SETNAME STATS TAGMSG TIME TOPIC USER "
                        + "USERHOST VERSION WHO WHOIS WHOWAS"), s("706 ana * :End of /HELP"),
            ]),
        Row("ana> HELP tea", answer: [s("524 ana tea :Help not found")]),
    ]

    @Test(arguments: comingInRows) func comingIn(_ row: Row) throws { try play(row) }
    @Test(arguments: roomsRows) func rooms(_ row: Row) throws { try play(row) }
    @Test(arguments: peopleRows) func people(_ row: Row) throws { try play(row) }
    @Test(arguments: speakingRows) func speaking(_ row: Row) throws { try play(row) }
    @Test(arguments: theServerRows) func theServer(_ row: Row) throws { try play(row) }

    private func play(_ row: Row) throws {
        let irc = try IRCFixture { $0.messageOfTheDay = row.motd }
        if row.hasPasswords {
            irc.chat.authenticator = try PlainAuthenticator(["root": "secret", "owner": "sesame"], operators: ["root"])
        }
        var talkers: [Substring: Talker] = [:]
        for (index, step) in row.script.enumerated() {
            let mark = try #require(step.firstIndex { $0 == ">" || $0 == "$" })
            let name = step[..<mark]
            if talkers[name] == nil {
                talkers[name] =
                    step[mark] == "$"
                    ? try irc.joinByLines(String(name)) : name == "new" ? try irc.connect() : try irc.register(String(name))
            }
            let talker = try #require(talkers[name])
            talker.clear()
            try talker.send(String(step[step.index(mark, offsetBy: 2)...]))
            let answer = try irc.answers(talker)
            if index == row.script.count - 1 { #expect(answer.map(\.masked) == row.answer) }
        }
    }

    /// What there is over an encrypted connection alone, as the toy of a transport is one.
    @Test func aSecureConnection() throws {
        let irc = try IRCFixture(
            transport: TransportFactory { role throws(TransportFailure) in ToyTransport(role, serverGreeting: 7) })
        let ana = try irc.connectRaw()
        try ana.send(
            ToyTransport.clientGreeting + ToyTransport.record(Array("NICK ana\r\nUSER ana 0 * :Ana\r\nWHOIS ana\r\n".utf8)))
        func text() -> String { String(decoding: ToyTransport.plaintext(of: Array(ana.bytes.dropFirst(7))), as: UTF8.self) }
        try irc.run { text().contains(" 318 ") }
        let expected = Self.s("671 ana ana :is using a secure connection")
        #expect(text().replacing("\r\n", with: "\n").split(separator: "\n").contains(Substring(expected)))
    }

    @Test func everyNumericIsInARow() {
        let rows = Self.comingInRows + Self.roomsRows + Self.peopleRows + Self.speakingRows + Self.theServerRows
        let shown = rows.reduce(into: Set<Int>()) { $0.formUnion($1.codes) }
            .union([IRCNumeric.whoisSecure, .loggedOut].map(\.rawValue))
        for numeric in IRCNumeric.allCases { #expect(shown.contains(numeric.rawValue), "\(numeric)") }
        #expect(shown.subtracting(IRCNumeric.allCases.map(\.rawValue)).isEmpty)
    }
}
