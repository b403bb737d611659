/// The commands of IRC: one table, from which the documentation comes.
struct IRCCommand {
    typealias Handler = (IRCClient) -> (IRCMessage) -> Void

    let name: String
    /// How many parameters it has at least.
    let minimumCount: Int
    /// Whether somebody may give it who has not said yet who it is.
    let precedesRegistration: Bool
    var run: Handler

    private init(_ name: String, minimum minimumCount: Int = 0, precedesRegistration: Bool = false, _ run: @escaping Handler) {
        self.name = name
        self.minimumCount = minimumCount
        self.precedesRegistration = precedesRegistration
        self.run = run
    }

    static var all: [IRCCommand] {
        [
            // Who somebody is.
            .init("CAP", minimum: 1, precedesRegistration: true, IRCClient.cap),
            .init("PASS", minimum: 1, precedesRegistration: true, IRCClient.pass),
            .init("NICK", precedesRegistration: true, IRCClient.nick),
            .init("USER", minimum: 4, precedesRegistration: true, IRCClient.setUser),
            .init("AUTHENTICATE", minimum: 1, precedesRegistration: true, IRCClient.authenticate),
            .init("PING", precedesRegistration: true, IRCClient.ping),
            .init("PONG", precedesRegistration: true) { _ in { _ in } },
            .init("QUIT", precedesRegistration: true, IRCClient.quit),
            .init("OPER", minimum: 2, IRCClient.oper),
            .init("KILL", minimum: 1, IRCClient.kill),
            .init("SETNAME", minimum: 1, IRCClient.setName),
            .init("AWAY", IRCClient.setAway),
            // Rooms.
            .init("JOIN", minimum: 1, IRCClient.join),
            .init("PART", minimum: 1, IRCClient.part),
            .init("TOPIC", minimum: 1, IRCClient.topic),
            .init("NAMES", IRCClient.listNames),
            .init("LIST", IRCClient.listChannels),
            .init("INVITE", IRCClient.invite),
            .init("KICK", minimum: 2, IRCClient.kick),
            .init("MODE", minimum: 1, IRCClient.mode),
            // Speaking.
            .init("PRIVMSG", IRCClient.privateMessage),
            .init("NOTICE", IRCClient.sendNotice),
            .init("TAGMSG", minimum: 1, IRCClient.tagMessage),
            .init("BATCH", minimum: 1, IRCClient.batch),
            .init("CHATHISTORY", minimum: 2, IRCClient.chatHistory),
            .init("MARKREAD", IRCClient.markRead),
            // Who is there.
            .init("WHO", minimum: 1, IRCClient.who),
            .init("WHOIS", IRCClient.whois),
            .init("WHOWAS", IRCClient.whowas),
            .init("ISON", minimum: 1, IRCClient.ison),
            .init("USERHOST", minimum: 1, IRCClient.userhost),
            .init("MONITOR", minimum: 1, IRCClient.monitor),
            // The server.
            .init("MOTD", IRCClient.messageOfTheDay),
            .init("LUSERS", IRCClient.lusers),
            .init("VERSION", IRCClient.version),
            .init("TIME", IRCClient.time),
            .init("INFO", IRCClient.info),
            .init("ADMIN", IRCClient.admin),
            .init("LINKS", IRCClient.links),
            .init("STATS", IRCClient.stats),
            .init("HELP", IRCClient.help),
            .init("HELPOP", IRCClient.help),
        ]
    }

    static var table: [String: IRCCommand] { Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) }) }
}
