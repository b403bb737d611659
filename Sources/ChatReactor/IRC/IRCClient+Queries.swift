import ChatReactorText
import Reactor

/// Who is there, and what the server is.
extension IRCClient {
    // MARK: - People

    func who(_ message: IRCMessage) {
        guard let chat else { return }
        let mask = message.parameters[0]
        let options = message.parameters.count > 1 ? message.parameters[1] : ""
        let fields = options.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first
        let onlyOperators = !options.hasPrefix("%") && options.split(separator: "%").first?.contains("o") == true
        var found: [(person: Person, conversation: Conversation?)] = []
        if Self.roomName(mask) != nil {
            if let (_, conversation) = findRoom(mask) {
                charge(forLookingAt: conversation.online)
                found = conversation.people.filter { mayFind($0) }.map { ($0, conversation) }
            }
        } else if let name = try? ChatName(nick: mask), let person = chat.person(named: name) {
            found = isThere(person) ? [(person, person.rooms.last(where: knows)?.conversation)] : []
        } else {
            charge(forLookingAt: chat.online)
            let pattern = IRCMask(mask == "0" ? "*" : mask)
            for person in chat.people where isThere(person) && mayFind(person) {
                let names = [
                    person.name.text, network.source(of: person), network.host(of: person), network.user(of: person),
                    network.realName(of: person), network.serverName,
                ]
                guard names.contains(where: pattern.matches) else { continue }
                found.append((person, person.rooms.last(where: knows)?.conversation))
                if found.count >= Self.listLimit { break }
            }
        }
        if onlyOperators { found.removeAll { ($0.person as? IRCClient)?.isOpered != true } }
        for (person, conversation) in found.sorted(by: { $0.person.number < $1.person.number }) {
            if let fields { tellWhox(person, conversation, String(fields)) } else { tellWho(person, conversation) }
        }
        reply(.whoEnd, mask)
    }

    /// Counts a command that looks at many people or rooms as several: who sends it again and again is delayed by what it costs.
    func charge(forLookingAt count: Int) { connection?.countMessages(min(count / 256, 100)) }

    private func isThere(_ person: Person) -> Bool { !person.login.isAwaited && (person as? IRCClient)?.isRegistered != false }

    /// Whether the client finds a person without knowing its name.
    private func mayFind(_ person: Person) -> Bool {
        guard let client = person as? IRCClient, client.isInvisible, client !== self else { return true }
        return isOpered || client.rooms.contains { $0.conversation?.contains(self) == true }
    }

    private func flags(of person: Person, in conversation: Conversation?) -> String {
        let client = person as? IRCClient
        let standing = conversation.map { prefix(of: person, in: $0) } ?? ""
        return (client?.away == nil ? "H" : "G") + (client?.isOpered == true ? "*" : "") + standing
    }

    private func tellWho(_ person: Person, _ conversation: Conversation?) {
        reply(
            .who, conversation.map { "#\($0.name)" } ?? "*", network.user(of: person), network.host(of: person),
            network.serverName,
            person.name.text, flags(of: person, in: conversation), text: "0 \(network.realName(of: person))")
    }

    /// - Parameter request: The letters of the fields, and after a comma a number that the answer repeats.
    private func tellWhox(_ person: Person, _ conversation: Conversation?, _ request: String) {
        let parts = request.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        let letters = parts.first ?? ""
        var values = [shownName]
        // In this order, whatever the order in which they were asked for.
        for letter in "tcuihsnfdlaor" where letters.contains(letter) {
            switch letter {
            case "t": values.append(parts.count > 1 ? Self.token(parts[1]) : "0")
            case "c": values.append(conversation.map { "#\($0.name)" } ?? "*")
            case "u": values.append(network.user(of: person))
            case "i": values.append("255.255.255.255")
            case "h": values.append(network.host(of: person))
            case "s": values.append(network.serverName)
            case "n": values.append(person.name.text)
            case "f": values.append(flags(of: person, in: conversation))
            case "d": values.append("0")
            case "l": values.append(String(person.lastHeard.duration(to: .now).components.seconds))
            case "a": values.append(network.account(of: person) ?? "0")
            case "o": values.append("n/a")
            default: break
            }
        }
        let realName = letters.contains("r") ? Array(network.realName(of: person).utf8) : nil
        send(IRCLine(network.serverName, IRCNumeric.whox.code, values, text: realName))
    }

    /// The number that a client knows the answer by: up to three digits.
    private static func token(_ text: Substring) -> String {
        let digits = text.utf8.prefix(3).filter { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        return digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self)
    }

    func whois(_ message: IRCMessage) {
        // With two, the first is a server, of which there is one.
        guard let text = message.parameters.count > 1 ? message.parameters[1] : message.parameters.first, !text.isEmpty else {
            return reply(.noNickname)
        }
        guard let person = findPerson(text) else { return reply(.whoisEnd, text) }
        let name = person.name.text
        reply(.whoisUser, name, network.user(of: person), network.host(of: person), "*", text: network.realName(of: person))
        let rooms = person.rooms.filter(knows).compactMap { room in
            room.conversation.map { prefix(of: person, in: $0) + "#\(room.name)" }
        }
        for line in Self.join(rooms, atMost: 300) { reply(.whoisRooms, name, text: line) }
        reply(.whoisServer, name, network.serverName, text: chat?.name ?? "")
        let client = person as? IRCClient
        if client?.isOpered == true { reply(.whoisOperator, name) }
        if let account = network.account(of: person) { reply(.whoisAccount, name, account) }
        if person === self || isOpered, let host = person.address?.host {
            // `::1` would begin as a text does.
            reply(.whoisHost, name, host.hasPrefix(":") ? "0\(host)" : host)
        }
        if let connection = person.connection, connection.establishedTransport != nil { reply(.whoisSecure, name) }
        if let away = client?.away { reply(.away, name, text: away) }
        if let client {
            reply(
                .whoisIdle, name, String(client.lastHeard.duration(to: .now).components.seconds),
                String(client.signOnTime / 1_000))
        }
        reply(.whoisEnd, text)
    }

    func whowas(_ message: IRCMessage) {
        guard let text = message.parameters.first, !text.isEmpty else { return reply(.noNickname) }
        let limit = message.parameters.count > 1 ? Int(message.parameters[1]) ?? 0 : 0
        let all = network.past.entries(matching: IRCMask(text))
        let entries = limit > 0 ? all.prefix(limit) : all.prefix(20)
        if entries.isEmpty { reply(.wasNoSuchNick, text) }
        for entry in entries {
            reply(.whowasUser, entry.name.text, entry.user, entry.host, "*", text: entry.realName)
            reply(.whoisServer, entry.name.text, network.serverName, text: Timestamp.minute(entry.time))
        }
        reply(.whowasEnd, text)
    }

    func ison(_ message: IRCMessage) {
        let names = message.parameters.flatMap { $0.split(separator: " ") }.prefix(100)
        let found = names.compactMap { find(String($0))?.name.text }
        for line in Self.lines(of: found) { reply(.ison, text: line) }
    }

    func userhost(_ message: IRCMessage) {
        let answers = message.parameters.prefix(5).compactMap { text in
            find(text).map { person in
                let client = person as? IRCClient
                let marks = (client?.isOpered == true ? "*" : "") + "=" + (client?.away == nil ? "+" : "-")
                return "\(person.name)\(marks)\(network.user(of: person))@\(network.host(of: person))"
            }
        }
        for line in Self.lines(of: answers) { reply(.userhost, text: line) }
    }

    /// As many lines as it takes, and one if there is nothing to say.
    private static func lines(of words: [String]) -> [String] { words.isEmpty ? [""] : join(words, atMost: 300) }

    /// Who has a name, and takes part.
    func find(_ text: String) -> Person? {
        (try? ChatName(nick: text)).flatMap { chat?.person(named: $0) }.flatMap { isThere($0) ? $0 : nil }
    }

    // MARK: - Watching people

    func monitor(_ message: IRCMessage) {
        let names = Self.watchable(message.parameters.dropFirst().first ?? "")
        switch message.parameters[0].lowercased() {
        case "+":
            var added: [ChatName] = []
            for (index, name) in names.enumerated() where !watched.contains(name) {
                if watched.count >= Self.watchLimit {
                    tellNotWatched(names[index...].filter { !watched.contains($0) })
                    break
                }
                watched.insert(name)
                network.watch(name, by: self)
                added.append(name)
            }
            tellStates(of: added)
        case "-":
            for name in names {
                watched.remove(name)
                network.stopWatching(name, by: self)
            }
        case "c":
            for name in watched { network.stopWatching(name, by: self) }
            watched = []
        case "l":
            for line in Self.join(watched.map(\.text).sorted(), atMost: 300) {
                reply(.monitorList, text: line.split(separator: " ").joined(separator: ","))
            }
            reply(.monitorListEnd)
        case "s": tellStates(of: Array(watched))
        default: break
        }
    }

    private static func watchable(_ text: String) -> [ChatName] {
        text.split(separator: ",", omittingEmptySubsequences: true).prefix(watchLimit).compactMap {
            try? ChatName(nick: String($0))
        }
    }

    private func tellNotWatched(_ names: [ChatName]) {
        for line in Self.join(names.map(\.text), atMost: 190) {
            reply(.monitorListFull, String(Self.watchLimit), line.split(separator: " ").joined(separator: ","))
        }
    }

    private func tellStates(of names: [ChatName]) {
        let (here, gone) = (names.filter { find($0.text) != nil }, names.filter { find($0.text) == nil })
        if !here.isEmpty { tellWatched(here, isOnline: true) }
        if !gone.isEmpty { tellWatched(gone, isOnline: false) }
    }

    func tellWatched(_ names: [ChatName], isOnline: Bool) {
        let words = names.map { name in isOnline ? chat?.person(named: name).map(network.source) ?? name.text : name.text }
        for line in Self.join(words, atMost: 300) {
            reply(isOnline ? .monitorOnline : .monitorOffline, text: line.split(separator: " ").joined(separator: ","))
        }
    }

    // MARK: - The server

    func tellUsers() {
        guard let chat else { return }
        let operators = chat.people.count { ($0 as? IRCClient)?.isOpered == true }
        let hidden = chat.people.count { ($0 as? IRCClient)?.isInvisible == true }
        reply(.usersOnline, text: "There are \(chat.online - hidden) users and \(hidden) invisible on 1 servers")
        reply(.operatorsOnline, String(operators))
        if !network.newcomers.isEmpty { reply(.unregistered, String(network.newcomers.count)) }
        reply(.roomsOnline, String(chat.rooms.count { $0.clientCount > 0 }))
        reply(.clientsHere, text: "I have \(chat.online) clients and 0 servers")
        network.didCount(chat.online)
        let counts = (String(chat.online), String(network.highestCount))
        reply(.localUsers, counts.0, counts.1, text: "Current local users \(counts.0), max \(counts.1)")
        reply(.globalUsers, counts.0, counts.1, text: "Current global users \(counts.0), max \(counts.1)")
    }

    func tellMessageOfTheDay() {
        guard let lines = chat?.messageOfTheDay, !lines.isEmpty else { return reply(.noMotd) }
        reply(.motdStart, text: "- \(network.serverName) Message of the day -")
        for line in lines { reply(.motd, text: "- \(line)") }
        reply(.motdEnd)
    }

    /// Whether a server that somebody asks about is this one. If not, that is said.
    private func isThisServer(_ text: String?) -> Bool {
        guard let text, !text.isEmpty else { return true }
        if IRCMask(text).matches(network.serverName) || find(text) != nil { return true }
        reply(.noSuchServer, text)
        return false
    }

    func messageOfTheDay(_ message: IRCMessage) {
        if isThisServer(message.parameters.first) { tellMessageOfTheDay() }
    }

    func lusers(_ message: IRCMessage) { tellUsers() }

    func version(_ message: IRCMessage) {
        guard isThisServer(message.parameters.first) else { return }
        reply(
            .version, network.version, network.serverName, text: "rooms, people and their history are those of all other clients")
        for tokens in network.supportedTokens {
            send(
                IRCLine(
                    network.serverName, IRCNumeric.isSupport.code, [shownName] + tokens,
                    text: Array((IRCNumeric.isSupport.text ?? "").utf8)))
        }
    }

    func time(_ message: IRCMessage) {
        guard isThisServer(message.parameters.first) else { return }
        reply(.time, network.serverName, text: Timestamp.rfc3339(Timestamp.now))
    }

    func info(_ message: IRCMessage) {
        guard isThisServer(message.parameters.first) else { return }
        reply(.info, text: "\(chat?.name ?? ""), served by \(network.version)")
        reply(.info, text: "started \(Timestamp.minute(network.started))")
        reply(.infoEnd)
    }

    func kill(_ message: IRCMessage) {
        guard isOpered else { return reply(.noPrivileges) }
        guard let person = findPerson(message.parameters[0]) else { return }
        chat?.kick(person, reason: message.parameters.count > 1 ? Self.remark(message.parameters[1]) : "")
    }

    func admin(_ message: IRCMessage) {
        guard isThisServer(message.parameters.first) else { return }
        reply(.adminMe, network.serverName, text: "Administrative info")
        reply(.adminLocation, text: chat?.name ?? "")
    }

    func links(_ message: IRCMessage) {
        reply(.links, network.serverName, network.serverName, text: "0 \(chat?.name ?? "")")
        reply(.linksEnd, "*")
    }

    func stats(_ message: IRCMessage) {
        reply(.statsEnd, message.parameters.first ?? "*")
    }

    func help(_ message: IRCMessage) {
        let subject = message.parameters.first ?? ""
        let names = network.commands.keys.sorted()
        if !subject.isEmpty, !names.contains(subject.uppercased()) { return reply(.helpNotFound, subject) }
        let shown = subject.isEmpty ? "*" : subject
        reply(
            .helpStart, shown,
            text: subject.isEmpty ? "The commands are:" : "\(subject.uppercased()) is a command of this server.")
        if subject.isEmpty { for line in Self.join(names, atMost: 300) { reply(.help, shown, text: line) } }
        reply(.helpEnd, shown)
    }
}

extension IRCNetwork {
    /// What the server can do, in as many messages as it takes: no more than thirteen tokens in each.
    var supportedTokens: [[String]] {
        let name = chat.name.unicodeScalars.map { $0 == " " ? "_" : $0 }
        let network = IRCClient.cut(String(String.UnicodeScalarView(name)), atMost: 100)
        let limit = IRCClient.remarkLimit
        let tokens = [
            "AWAYLEN=\(limit)", "CASEMAPPING=ascii", "CHANLIMIT=#:\(Person.roomLimit)", "CHANMODES=b,k,l,imnst",
            "CHANNELLEN=\(ChatName.maximumCount + 1)", "CHANTYPES=#", "CHATHISTORY=\(IRCClient.historyBatchLimit)", "ELIST=MU",
            "HOSTLEN=63", "KICKLEN=\(limit)", "MAXLIST=b:\(RoomModes.banLimit)", "MODES=\(IRCClient.targetLimit)",
            "MONITOR=\(IRCClient.watchLimit)", "MSGREFTYPES=msgid,timestamp", "NETWORK=\(network)",
            "NICKLEN=\(ChatName.maximumCount)",
            "PREFIX=(ov)@+", "SAFELIST",
            "TARGMAX=JOIN:\(IRCClient.targetLimit),KICK:\(IRCClient.targetLimit),NOTICE:\(IRCClient.targetLimit),"
                + "PART:\(IRCClient.targetLimit),PRIVMSG:\(IRCClient.targetLimit)",
            "TOPICLEN=\(Person.topicLimit)", "USERLEN=\(IRCClient.userLimit)", "UTF8ONLY", "WHOX",
        ]
        return [Array(tokens.prefix(13)), Array(tokens.dropFirst(13))]
    }
}
