import Reactor

/// How a server becomes one of those of a chat, and how the others hear of it and miss it.
extension ChatReplica {
    /// The order can be submitted to.
    package func connected() {
        // Those who are told of it may let go of the server.
        guard let chat = livingChat else { return }
        defer { withExtendedLifetime(chat) {} }
        let wasCutOff = isCutOff
        isCutOff = false
        // What was not heard while the order was away, no server is to blame for; nor for coming back a little later.
        for server in heard.keys { heard[server] = .now }
        if phase == .joining {
            sayHello()
            beginIfFirst()
        } else if phase == .established, wasCutOff {
            tell(.joined(servers: servers.count))
        }
    }

    /// Begins the chat, if the order knows that nobody else has.
    private func beginIfFirst() {
        if order?.claimBeginning() == true { order?.submit(ChatEvent.begin.encoded, of: Self.nobody) }
    }

    func sayHello() {
        joining.attempt += 1
        (joining.hasReadHello, joining.hasHeardOthers) = (false, false)
        if joining.firstAttempt == 0 {
            joining.firstAttempt = joining.attempt
            order?.forgetNumbers()
        }
        order?.submit(ChatEvent.hello(attempt: joining.attempt, former: former).encoded, of: Self.nobody)
        waitForAnswer()
    }

    private func waitForAnswer() {
        // The first three are asked in quick succession, since some may be gone. After that it waits longer: each that is there sends a whole snapshot.
        let doublings = min(max(joining.unansweredCount - 2, 0), 2)
        answerTimer.arm(after: times.answer * (1 << doublings))
    }

    /// Something was missed: what answers the hellos until now is of no use.
    func forgetAnswers() {
        (joining.firstAttempt, joining.hasReadHello) = (0, false)
        (joining.answers, joining.backlog, joining.size) = ([:], [], 0)
    }

    func nobodyHasAnswered() {
        guard phase == .joining, !isCutOff else { return }
        if order?.knowsServers == true {
            sayHello()
            return beginIfFirst()
        }
        if joining.hasHeardOthers {
            joining.unheardCount = 0
            joining.unansweredCount += 1
        } else {
            joining.unansweredCount = 0
        }
        if joining.hasReadHello, !joining.hasHeardOthers { joining.unheardCount += 1 }
        if joining.unheardCount < times.attempts { return sayHello() }
        joining.unheardCount = 0
        order?.submit(ChatEvent.begin.encoded, of: Self.nobody)
        answerTimer.arm(after: times.answer)
    }

    func becomeEstablished() {
        phase = .established
        answerTimer.cancel()
        for server in servers { heard[server] = .now }
        if order?.knowsServers != true { aliveTimer.arm(after: times.alive) }
        let backlog = joining.backlog
        joining = Joining()
        tell(.joined(servers: servers.count))
        for placed in backlog where phase == .established { apply(placed) }
        if phase == .established { admitNewcomers() }
    }

    /// This server has missed something, or is taken for lost by the others: all that it knows may be wrong.
    package func startAnew(reason: String) {
        // What it has been told until now has a gap.
        if phase == .joining, !joining.backlog.isEmpty {
            forgetAnswers()
            if !isCutOff { sayHello() }
        }
        guard phase == .established, let chat = livingChat else { return }
        defer { withExtendedLifetime(chat) {} }
        phase = .joining
        joining = Joining()
        sendEverybodyAway()
        formerBans = Set(chat.bans.all)
        chat.forgetEverything()
        // Who waits for the order waits for nothing any more.
        orderHasRoom()
        (people, locals, waiting, judgedAnew, departing, keptRooms) = ([:], [:], [], [], [], [:])
        (servers, heard, nextNumbers, touched) = ([], [:], [:], [])
        aliveTimer.cancel()
        former = server
        server = UInt64.random(in: 1 ... .max)
        tell(.left(reason: reason))
        order?.restart(as: server)
    }

    private func sendEverybodyAway() {
        for person in Array(locals.values) {
            person.tell(.error("goodbye: this server has lost the others; connect again"))
            depart(person, reason: Self.loss)
            // They may come back: to a server that is ending, too.
            person.connection?.finish(reason: .shutdown)
        }
    }

    /// The order has not been there for too long: who has which name is decided without this server. What it knows is right, as of what it has read, and
    /// it goes on from there once the order is back.
    package func cutOff() {
        isCutOff = true
        answerTimer.cancel()
        refuseNewcomers()
        if phase != .established { return }
        sendEverybodyAway()
        tell(.left(reason: "the order of the servers was away for too long"))
    }

    /// Leaves for good, once all that was asked for here is done: what follows is for this server's own people alone.
    func end(then body: @escaping () -> Void) {
        guard phase == .established, !isCutOff, let order else {
            // Others count it among them who have read a hello of it.
            if phase == .joining, joining.attempt > 0 { self.order?.submit(ChatEvent.end.encoded, of: Self.nobody) }
            phase = .ended
            refuseNewcomers()
            return body()
        }
        isEnding = true
        // An order that knows the servers is of servers that end together: nobody leaves the others.
        order.submit((order.knowsServers ? ChatEvent.alive : .end).encoded, of: Self.nobody)
        order.whenPlaced { [weak self] in
            self?.phase = .ended
            body()
        }
    }

    func keepAlive() {
        guard phase == .established else { return }
        aliveTimer.arm(after: times.alive)
        if isCutOff { return }
        submit(.alive)
        let now = ContinuousClock.now
        // Only who reads what comes can say that something does not come.
        guard let own = heard[server], own.duration(to: now) < times.alive * 2 else { return }
        for other in servers where other != server && heard[other].map({ $0.duration(to: now) > times.silence }) != false {
            heard[other] = now
            submit(.lost(server: other))
        }
    }

    func prepare(_ placed: Placed) {
        let isOwn = placed.key.server == server
        switch placed.event {
        case .hello(let attempt, _) where isOwn:
            if attempt == joining.attempt { joining.hasReadHello = true }
            if joining.firstAttempt != 0, attempt >= joining.firstAttempt { joining.backlog.append(placed) }
            return
        case .begin where isOwn:
            if joining.hasReadHello, !joining.hasHeardOthers { beginAlone(placed) }
            return
        case .hello: break
        default: if !isOwn { joining.hasHeardOthers = true }
        }
        if joining.backlog.isEmpty { return }
        // Also the parts of its own snapshot: the sender has numbered them like all that it says.
        joining.backlog.append(placed)
        if case .snapshot(for: server, let attempt, let part) = placed.event, attempt >= joining.firstAttempt {
            let answer = Joining.Answer(server: placed.key.server, attempt: attempt)
            joining.answers[answer, default: []].append(part)
            waitForAnswer()
            if part == .end { adopt(joining.answers[answer] ?? [], attempt) }
        }
    }

    /// Drops from the backlog what precedes one of this server's hellos: the snapshot that answers it has that.
    private func forgetBacklog(before attempt: UInt32) {
        let index = joining.backlog.lastIndex { placed in
            guard placed.key.server == server, case .hello(attempt, _) = placed.event else { return false }
            return true
        }
        if let index { joining.backlog.removeFirst(index + 1) }
    }

    func beginAlone(_ placed: Placed) {
        servers = [server]
        (attempts, adopted) = (0...joining.attempt, [])
        forgetBacklog(before: joining.attempt)
        guestCount = 0
        (time, number) = (placed.time, placed.number)
        chat.lobby.conversation?.records.restart(epoch: epoch(for: placed.key.server), nextSequence: 1)
        chat.lobby.conversation?.setTopic("", by: "", at: 0)
        becomeEstablished()
    }

    // MARK: - The others

    func welcome(_ newcomer: UInt64, _ attempt: UInt32, _ former: UInt64) {
        if former == server { return startAnew(reason: "another server says that it was this one") }
        if former != 0 { remove(former, reason: Self.loss) }
        // Snapshots do not have those who were invited and have left.
        let numbers = Set(people.values.map(\.number))
        for room in chat.rooms { room.conversation?.withdrawInvitations(except: numbers) }
        // Another one each time, the one that was heard last first: others may be gone, and not be missed yet.
        let others = Array(servers.filter { $0 != newcomer }.reversed())
        let answerer = others.isEmpty ? nil : others[Int(attempt &- 1) % others.count]
        heard[newcomer] = .now
        if servers.contains(newcomer) {
            removePeople(of: newcomer, reason: Self.loss)
        } else {
            servers.insert(newcomer, at: 0)
            tell(.otherJoined(servers: servers.count))
        }
        // One that ends may be gone before all of it has left.
        guard answerer == server, phase == .established, !isEnding else { return }
        for part in snapshot() { submit(.snapshot(for: newcomer, attempt: attempt, part)) }
    }

    /// A server has said something as one of them.
    func didHear(_ placed: Placed) {
        switch placed.event {
        case .hello, .begin: return
        default: break
        }
        let speaker = placed.key.server
        guard servers.last != speaker, let index = servers.firstIndex(of: speaker) else { return }
        servers.remove(at: index)
        servers.append(speaker)
    }

    func remove(_ lost: UInt64, reason: String) {
        guard let index = servers.firstIndex(of: lost) else { return }
        servers.remove(at: index)
        (heard[lost], nextNumbers[lost]) = (nil, nil)
        removePeople(of: lost, reason: reason)
        tell(.otherLeft(servers: servers.count))
    }

    func removePeople(of lost: UInt64, reason: String) {
        // So people of that server find their rooms at another one.
        keepsEmptyRooms = true
        defer { keepsEmptyRooms = false }
        // In an order that is the same everywhere.
        for key in people.keys.filter({ $0.server == lost }).sorted(by: { $0.number < $1.number }) {
            if let person = people[key] { remove(key, person, reason: reason) }
        }
    }

    // MARK: - Snapshots

    /// What all servers have to be set up with alike, or one of them would refuse what others take.
    var settings: UInt64 {
        let values = [
            chat.maximumTextLength, chat.lobby.conversation?.records.capacity ?? 0, chat.configuration.roomSize,
            chat.configuration.maximumRooms,
        ]
        return values.reduce(0) { ($0 ^ UInt64($1)) &* 0x9E37_79B9_7F4A_7C15 }
    }

    func snapshot() -> [ChatSnapshot.Part] {
        var parts: [ChatSnapshot.Part] = [
            .start(
                .init(
                    settings: settings, guestCount: UInt64(guestCount), time: time,
                    servers: servers.map { .init(name: $0, nextNumber: nextNumbers[$0] ?? 0) }))
        ]
        var left = ChatSnapshot.recordLimit
        let rooms = chat.rooms + keptRooms.values.map(\.room)
        for room in rooms.sorted(by: { $0.name.folded < $1.name.folded }) {
            guard let conversation = room.conversation else { continue }
            let records = conversation.recentRecords(atMost: min(left, room === chat.lobby ? left / 2 : 65_536))
            left -= records.size
            parts.append(.room(conversation.image(nextSequence: records.firstSequence)))
            for piece in records.pieces { parts.append(.records(room: room.name.text, piece)) }
        }
        for (key, person) in people.sorted(by: { $0.key < $1.key }) {
            parts.append(
                .person(
                    key,
                    .init(
                        name: person.name.text, guestNumber: UInt64(person.guestNumber), origin: person.origin,
                        isLoggedIn: person.isLoggedIn, rooms: person.rooms.map(\.name.text).sorted())))
            for room in chat.rooms where room.conversation?.invitations.numbers[person.number] != nil {
                parts.append(.invitation(key, room: room.name.text))
            }
        }
        for (name, kept) in keptRooms.sorted(by: { $0.key.folded < $1.key.folded }) {
            parts.append(.keptRoom(name.text, until: kept.end))
        }
        parts += chat.bans.all.map { .ban($0) }
        parts += chat.moderation.mutes.all(at: time).map { .mute($0.name.text, until: $0.end) }
        return parts + [.end]
    }

    private func adopt(_ parts: [ChatSnapshot.Part], _ attempt: UInt32) {
        guard case .start(let start)? = parts.first, start.servers.contains(where: { $0.name == server }) else {
            return refuseToJoin("what the other servers have answered is not whole")
        }
        var bans: [Ban] = []
        chat.moderation.mutes.removeAll()
        for part in parts {
            switch part {
            case .start(let start):
                if start.settings != settings {
                    return refuseToJoin(
                        "the other servers are set up with another --max-line or --room-size, or another number of rooms")
                }
                (guestCount, time, servers) = (Int(clamping: start.guestCount), start.time, start.servers.map(\.name))
                nextNumbers = Dictionary(start.servers.map { ($0.name, $0.nextNumber) }) { one, _ in one }
                nextNumbers[server] = nil
                order?.adopt(nextNumbers: nextNumbers)
                forgetBacklog(before: attempt)
                // It is in the snapshot, and has come once more.
                joining.backlog.removeAll { $0.number < nextNumbers[$0.key.server] ?? 0 }
            case .room(let image):
                let name = ChatName(unchecked: image.name)
                do throws(Errno) {
                    let room = try chat.openSharedRoom(name, key: image.key, epoch: image.epoch)
                    room.conversation?.restore(image)
                } catch {
                    return refuseToJoin("the room \(name) cannot be opened: \(error)")
                }
            case .records(let room, let records):
                for record in records { conversation(room)?.restore(record) }
            case .person(let key, let image):
                guard let server = chat.server else { return }
                let person = RemotePerson(key, from: image.origin, of: chat, server: server)
                person.guestNumber = Int(clamping: image.guestNumber)
                guard chat.register(person, as: ChatName(unchecked: image.name)) else { continue }
                if image.isLoggedIn { person.login.name = person.name }
                people[key] = person
                for name in image.rooms {
                    guard let room = chat.room(named: ChatName(unchecked: name)) else { continue }
                    room.conversation?.restore(person)
                    person.rooms.append(room)
                }
            case .invitation(let key, let room):
                if let person = people[key] { conversation(room)?.invitations.restore(number: person.number) }
            case .keptRoom(let name, let end):
                guard let room = chat.room(named: ChatName(unchecked: name)), room !== chat.lobby,
                    room.conversation?.online == 0
                else { continue }
                chat.roomIsEmpty(room)
                keep(room, until: end)
            case .ban(let ban): bans.append(ban)
            case .mute(let name, let end): chat.moderation.mutes.add(ChatName(unchecked: name), until: end, at: time)
            case .end: break
            }
        }
        chat.learn(of: bans)
        let known = Set(bans)
        for ban in formerBans.subtracting(known) { chat.learnOfUnban(of: ban.subject) }
        formerBans = []
        (attempts, adopted) = (attempt...attempt, Set(start.servers.map(\.name)))
        becomeEstablished()
        // What others have never had is in this server's file.
        for ban in chat.bans.all where !known.contains(ban) { submit(.ban(ban)) }
    }

    /// Tries again later.
    func refuseToJoin(_ reason: String) {
        chat.forgetEverything()
        (people, servers, keptRooms) = ([:], [], [:])
        // The others count it among them since its hello.
        order?.submit(ChatEvent.end.encoded, of: Self.nobody)
        forgetAnswers()
        refuseNewcomers()
        tell(.left(reason: reason))
        // What is wrong is not soon right, and each answer is long.
        answerTimer.arm(after: times.answer * 30)
    }
}
