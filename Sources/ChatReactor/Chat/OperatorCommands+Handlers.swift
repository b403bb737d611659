import ChatReactorText
import Reactor

/// What each command of an operator does.
extension OperatorCommands {
    // MARK: - Arguments

    private func usage(_ name: String) -> Failure {
        let command = OperatorCommand.all.first { $0.name == name }
        return Failure("this command is \(command?.usage ?? name)")
    }

    /// A name, which may be one that nobody can ask for, such as a guest's.
    private func parseName(_ text: String) throws(Failure) -> ChatName {
        do throws(ChatName.Invalid) {
            return try ChatName(text)
        } catch {
            if error == .reserved { return ChatName(unchecked: text) }
            throw Failure("\(error)")
        }
    }

    private func parsePerson(_ text: String) throws(Failure) -> Person {
        let name = try parseName(text)
        guard let person = chat.person(named: name) else { throw Failure("nobody is called \(name)") }
        return person
    }

    private func parseRoom(_ text: String) throws(Failure) -> ChatServer.Room {
        let name = try parseName(text.hasPrefix("#") ? String(text.dropFirst()) : text)
        guard let room = chat.room(named: name) else { throw Failure("there is no room \(name)") }
        return room
    }

    /// Takes a time off that follows a word, as in `FOR 2h`, and returns what follows that. A reason may begin with the same word: "for
    /// shouting" has no time in it.
    private func takeTime(after word: String, from text: String) throws(Failure) -> (duration: Duration?, rest: String) {
        let (first, following) = text.splitAtSpace
        guard first.lowercased() == word else {
            // Who forgets the word means a time all the same, and not a reason: `shutdown 5min` must not shut down at once.
            if !TimeSpan.isMeant(by: first, alone: following.isEmpty) { return (nil, text) }
            throw Failure("'\(String(madeVisible: first))' is no reason; a time is written \(word.uppercased()) 5m")
        }
        let (time, rest) = following.splitAtSpace
        if let duration = TimeSpan.parse(time), duration > .zero { return (duration, rest) }
        // Also "-5m", of which nobody wants the opposite: a ban for good, or a shutdown now.
        if time.isEmpty || time.first(where: { $0.isLetter || $0.isNumber })?.isNumber == true {
            throw Failure("'\(String(madeVisible: time))' is no time; write \(TimeSpan.forms)")
        }
        return (nil, text)
    }

    private func describe(_ remaining: Duration?) -> String {
        // Not "for 1h 59m" a moment after it was for two hours.
        remaining.map { " for \(TimeSpan.describe($0 + .milliseconds(999)))" } ?? ""
    }

    // MARK: - Who is there

    func who(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        var people = chat.people
        if !argument.isEmpty { people = try parseRoom(argument).conversation?.people ?? [] }
        if people.isEmpty { answer.addNothing("nobody is there") }
        for person in people.sorted(by: { $0.number < $1.number }) { describe(person, &answer) }
    }

    private func describe(_ person: Person, _ answer: inout OperatorAnswer) {
        let rooms = person.rooms.map(\.name.text)
        let isElsewhere = person is RemotePerson
        // Of who is at another server, no port is known.
        let address = isElsewhere ? person.origin.map(\.shownWithoutPort) : person.address.map(\.shown)
        let lag = person.rooms.reduce(person.connection?.pendingOutput ?? 0) { $0 + ($1.conversation?.lag(of: person) ?? 0) }
        let idle = person.lastHeard.duration(to: .now)
        let mute = chat.mute(of: person.name)
        let place = rooms.joined(separator: ", ")
        var text = "\(person.name) \(person.login.isAwaited ? "yet to log in" : "in \(place)")"
        text += " from \(address ?? "nowhere any more"), "
        text += isElsewhere ? "at another server" : "idle \(TimeSpan.describe(idle)), \(lag) bytes behind"
        if person.form.isJSON { text += ", JSON" }
        if person.form.kind == .irc { text += ", IRC" }
        if person.form.isFramed { text += ", WebSocket" }
        if person.isLoggedIn { text += ", logged in" }
        if let mute { text += ", muted\(describe(mute.remaining))" }
        answer.add(text, type: "person") {
            $0.add("name", person.name.text)
            $0.add("number", person.number)
            $0.add("rooms", rooms)
            if let address { $0.add("address", address) }
            if isElsewhere {
                $0.add("elsewhere", true)
            } else {
                $0.add("lag", lag)
                $0.add("idle", idle.components.seconds)
                $0.add("form", person.form.kind.rawValue)
            }
            if person.isLoggedIn { $0.add("loggedIn", true) }
            if let mute {
                $0.add("muted", true)
                if let remaining = mute.remaining { $0.add("mutedFor", (remaining + .milliseconds(999)).components.seconds) }
            }
        }
    }

    func rooms(_: String, _ answer: inout OperatorAnswer) {
        let rooms = chat.rooms.map { ($0, $0.conversation?.online ?? 0) }
        for (room, online) in rooms.sorted(by: { ($1.1, $0.0.name.text) < ($0.1, $1.0.name.text) }) {
            let topic = room.conversation?.topicText ?? ""
            let isSecret = chat.isSecret(room.name)
            let mark = isSecret ? ", secret" : ""
            answer.add("\(room.name) (\(online) online\(mark))\(topic.isEmpty ? "" : ": \(topic)")", type: "room") {
                $0.add("room", room.name.text)
                $0.add("online", online)
                if isSecret { $0.add("secret", true) }
                if !topic.isEmpty { $0.add("topic", topic) }
            }
        }
    }

    // MARK: - Who may not be there

    func kick(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        let (name, reason) = argument.splitAtSpace
        if name.isEmpty { throw usage("kick") }
        let person = try parsePerson(name)
        let called = person.name
        chat.kick(person, reason: reason)
        answer.add("kicked \(called)")
    }

    /// Who is meant by a ban.
    private func parseSubject(_ text: String) throws(Failure) -> Ban.Subject {
        do throws(Ban.Subject.Invalid) { return try Ban.Subject(text) } catch { throw Failure("\(error)") }
    }

    func ban(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        let (who, rest) = argument.splitAtSpace
        if who.isEmpty { throw usage("ban") }
        // The number will never be anybody else's, and who comes back has another one.
        if let guest = (try? parseName(who)).flatMap(chat.person(named:)), guest.isGuest {
            guard let address = guest.origin.flatMap({ AddressBlock($0) }) else {
                throw Failure("a guest comes back under another name, and this one has no address that could be banned")
            }
            throw Failure("a guest comes back under another name: ban the address \(address)")
        }
        let subject = try parseSubject(who)
        let (duration, reason) = try takeTime(after: "for", from: rest)
        // The addresses are known only as long as the people are there.
        let addresses = chat.people.filter { .name($0.name) == subject }.compactMap(\.origin)
        let closed: [Person]
        do throws(BanListError) {
            closed = try chat.ban(Ban(subject, for: duration, reason: reason))
        } catch {
            throw Failure("\(subject) is banned as long as the server runs, but this is not kept: \(error)")
        }
        answer.add("banned \(subject)\(describe(duration)); closed \(closed.count)")
        for address in addresses where chat.bans.ban(of: address) == nil {
            guard let block = AddressBlock(address) else { continue }
            answer.add("\(subject) was at \(block), which is not banned, and may come back under another name")
        }
    }

    func unban(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        if argument.isEmpty { throw usage("unban") }
        let subject = try parseSubject(argument)
        let wasBanned: Bool
        do throws(BanListError) { wasBanned = try chat.unban(subject) } catch {
            throw Failure("\(subject) is not banned any more as long as the server runs, but this is not kept: \(error)")
        }
        if !wasBanned { throw Failure("there is no ban of \(subject); bans lists what there is") }
        answer.add("\(subject) is not banned any more")
    }

    func bans(_: String, _ answer: inout OperatorAnswer) {
        if chat.bans.all.isEmpty { answer.addNothing("there are no bans") }
        for ban in chat.bans.all {
            answer.add("\(ban.subject)\(describe(ban.remaining))\(ban.reason.isEmpty ? "" : ": \(ban.reason)")", type: "ban") {
                switch ban.subject {
                case .name(let name): $0.add("name", name.text)
                case .addresses(let block): $0.add("address", block.description)
                }
                if let end = ban.end { $0.add("until", Timestamp.rfc3339(end)) }
                if !ban.reason.isEmpty { $0.add("reason", ban.reason) }
            }
        }
    }

    func mute(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        let (name, rest) = argument.splitAtSpace
        let (duration, unknown) = try takeTime(after: "for", from: rest)
        if name.isEmpty || !unknown.isEmpty { throw usage("mute") }
        if !chat.isReachable { throw Failure(ChatReplica.absence) }
        let person = try parsePerson(name)
        chat.mute(person.name, for: duration)
        person.tell(.error("you are muted\(describe(duration))"))
        answer.add("muted \(person.name)\(describe(duration))")
    }

    func unmute(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        if argument.isEmpty { throw usage("unmute") }
        let name = try parseName(argument)
        if !chat.isReachable { throw Failure(ChatReplica.absence) }
        guard chat.unmute(name) else { throw Failure("\(name) is not muted") }
        chat.person(named: name)?.tell(.notice("you are not muted any more"))
        answer.add("\(name) is not muted any more")
    }

    // MARK: - The server

    func say(_ text: String, _ answer: inout OperatorAnswer) throws(Failure) {
        if text.isEmpty { throw usage("say") }
        if !chat.isReachable { throw Failure(ChatReplica.absence) }
        let rooms = chat.rooms
        let failures = rooms.count { !$0.announce(text) }
        if failures == rooms.count { throw Failure("that is too long for a room") }
        if failures > 0 { throw Failure("that is too long for \(failures) of \(rooms.count) rooms; the others have heard it") }
        answer.add("said")
    }

    func motd(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        switch argument.lowercased() {
        case "":
            if chat.messageOfTheDay.isEmpty { answer.addNothing("there is no message of the day") }
            for line in chat.messageOfTheDay { answer.add(line) }
        case "reload":
            guard let readMessageOfTheDay else { throw Failure("the message of the day is in no file") }
            let lines: [String]
            do { lines = try readMessageOfTheDay() } catch { throw Failure(String(madeVisible: "\(error)")) }
            chat.messageOfTheDay = lines
            chat.onOtherLoops { $0.messageOfTheDay = lines }
            let count = chat.messageOfTheDay.count
            answer.add("read \(count) \(count == 1 ? "line" : "lines")")
        default:
            throw usage("motd")
        }
    }

    func reload(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        if !argument.isEmpty { throw usage("reload") }
        guard let reload else { throw Failure("there is no configuration to read again") }
        do { for line in try reload() { answer.add(String(madeVisible: line)) } } catch {
            throw Failure(String(madeVisible: "\(error)"))
        }
    }

    func closeRoom(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        if argument.isEmpty { throw usage("close") }
        let room = try parseRoom(argument)
        if room === chat.lobby { throw Failure("the lobby cannot be closed") }
        let online = room.conversation?.online ?? 0
        chat.close(room)
        answer.add("closed \(room.name); \(online) left it")
    }

    func shutdown(_ argument: String, _ answer: inout OperatorAnswer) throws(Failure) {
        if argument.lowercased() == "cancel" {
            guard chat.cancelShutDown() else { throw Failure("there is no shutdown to cancel") }
            return answer.add("the shutdown is cancelled")
        }
        let (delay, reason) = try takeTime(after: "in", from: argument)
        let shutDown = shutDown
        chat.scheduleShutDown(after: delay ?? .zero, reason: reason, action: shutDown)
        answer.add(Moderation.shutdownNotice(in: delay ?? .zero, reason: String(madeVisible: reason)))
    }
}

extension SocketAddress {
    /// The address and the port; `unix` for a Unix-domain socket without a name.
    var shown: String { self == .unix(path: "") ? "unix" : String(madeVisible: description) }

    /// The address alone.
    var shownWithoutPort: String { port == nil ? shown : numericHost }
}

extension String {
    /// The first word, and what follows it, less the spaces around that.
    var splitAtSpace: (first: String, rest: String) {
        // By scalars: a mark that follows a space makes one character with it.
        let first = unicodeScalars.prefix { !$0.isSpace }
        return (
            String(String.UnicodeScalarView(first)), String(String.UnicodeScalarView(unicodeScalars[first.endIndex...])).trimmed
        )
    }
}
