import Broadcast
import Glibc
import Reactor
import SimulatedKernel

/// What happens, and what the oracle notes down of it.
extension Scenario {
    func perform(_ action: Action) throws {
        switch action {
        case .call(let peer, let entry): call(peer, entry)
        case .adopt(let peer, let entry, let kind): adopt(peer, entry, kind)
        case .dial(let peer, let entry, let delay, let error, let deadline):
            dial(peer, entry, delay: delay, error: error, deadline: deadline)
        case .write(let peer, let lines, let longest, let ending):
            if let member = member(peer) { write(member, lines, longest, ending) }
        case .read(let peer, let bytes): if let stream = stream(peer) { _ = world_read(stream, bytes) }
        case .stopSending(let peer): if let stream = stream(peer) { world_shut_down(stream) }
        case .hangUp(let peer): if let stream = stream(peer) { world_close(stream) }
        case .reset(let peer): if let stream = stream(peer) { world_reset(stream) }

        case .publish(let topic, let from, let messages, let longest):
            for _ in 0..<messages { publish(random.number(1...longest), to: topic, from: from.flatMap { member($0) }) }
        case .sendPrivately(let peer, let length): if let member = member(peer) { sendPrivately(length, to: member) }
        case .finish(let peer): if let member = member(peer) { finish(member) }
        case .close(let peer): if let member = member(peer) { close(member) }
        case .subscribe(let peer, let topic, let history):
            if let member = member(peer), let connection = member.openConnection {
                counts[.rejoined] += member.delivery.subscriptions.contains { $0.topic == topic && $0.hasEnded } ? 1 : 0
                subscribe(member, connection, to: topic, history: history)
            }
        case .unsubscribe(let peer, let topic): if let member = member(peer) { unsubscribe(member, from: topic) }
        case .pause(let peer):
            if let member = member(peer), let connection = member.openConnection {
                connection.pauseReading()
                member.pauses += 1
            }
        case .resume(let peer): if let member = member(peer), member.pauses > 0 { resume(member) }
        case .arm(let timer, let delay): arm(timer, after: delay)
        case .cancel(let timer): timers.removeValue(forKey: timer)?.timer.cancel()

        case .execute(let queuedTasks): hand(over: queuedTasks)
        case .run(let queuedTasks, let stopFirst): try run(queuedTasks, stopFirst: stopFirst)
        case .wait(let time): try wait(time)
        case .stall(let time): kernel_advance(Int64(time) * 1_000_000)
        case .limitDescriptors(let more): kernel_limit_descriptors(kernel_open_descriptors() + Int32(more))
        case .exhaust(let error): kernel_exhaust(error)
        case .liftLimit: liftLimit()
        case .nothing: break
        }
        try throwFinding()
    }

    private func member(_ number: Int) -> Member? { members.first { $0.number == number } }

    private func stream(_ number: Int) -> Int32? { member(number).flatMap { $0.stream < 0 ? nil : $0.stream } }

    // MARK: - Coming

    private func call(_ number: Int, _ entry: Entry) {
        let member = Member(number, entry, .socket, in: self)
        member.stream = world_call(Int32(Self.port), entry.inputCapacity, entry.outputCapacity)
        members.append(member)
    }

    private func adopt(_ number: Int, _ entry: Entry, _ kind: Pipe) {
        var entry = entry
        if kind == .input {
            entry.subscriptions = []
            entry.isAnswered = false
        }
        let member = Member(number, entry, kind, in: self)
        var descriptor: Int32 = -1
        let streamKind = kind == .socket ? STREAM_SOCKET : kind == .input ? STREAM_INPUT : STREAM_OUTPUT
        let stream = unsafe world_open(streamKind, entry.inputCapacity, entry.outputCapacity, &descriptor)
        if stream < 0 { return }
        member.stream = stream
        members.append(member)
        let owned = OwnedDescriptor(takingOver: descriptor)
        let options = plan.setting.connectionOptions { member.stream }
        do {
            let connection =
                switch kind {
                case .socket: try loop.adopt(socket: owned, options: options, handler: member)
                case .input: try loop.adopt(owned, for: .input, options: options, handler: member)
                case .output: try loop.adopt(owned, for: .output, options: options, handler: member)
                }
            // With a transport it opens in the next turn.
            if plan.setting.recordSize == nil, connection.id != member.id {
                record(Finding("an adopted connection does not open"))
            }
        } catch {
            if error.rawValue != world_failure(stream) { record(Finding("adopting fails for no reason", "\(error)")) }
        }
    }

    private func dial(_ number: Int, _ entry: Entry, delay: Int?, error: Int32, deadline: Int?) {
        let member = Member(number, entry, .socket, in: self)
        members.append(member)
        let time = delay.map { Int64($0) * 1_000_000 } ?? -1
        world_expect_connect(time, error, entry.inputCapacity, entry.outputCapacity)
        let now = ContinuousClock.now
        if let deadline { member.deadline = kernel_now() + Int64(deadline) * 1_000_000 }
        do {
            let connection = try loop.connect(
                to: .loopback(port: 9), deadline: deadline.map { now.advanced(by: .milliseconds($0)) },
                options: plan.setting.connectionOptions { member.stream }, handler: member)
            member.connection = connection
            member.stream = world_newest()
        } catch {}
    }

    func didOpen(_ member: Member, _ connection: Connection) {
        counts[.connections] += 1
        for subscription in member.entry.subscriptions {
            subscribe(member, connection, to: subscription.topic, history: subscription.history)
        }
        if member.entry.isPublisher { topics[member.entry.home].addPublisher(connection) }
    }

    // MARK: - Subscribing

    func subscribe(_ member: Member, _ connection: Connection, to topic: Int, history: Int) {
        if member.kind == .input || topic >= topics.count { return }
        let isNew = !connection.isFinishing && !member.delivery.isSubscribed(to: topic)
        topics[topic].subscribe(connection, history: history)
        if !isNew { return }
        // Those of the last ones that lie in the last half of the log.
        var first = published[topic].endIndex
        while first > 0, published[topic].endIndex - first < history,
            tails[topic] - published[topic][first - 1].position <= plan.setting.topics[topic].capacity / 2
        {
            first -= 1
        }
        counts[.historyMessages] += UInt64(published[topic].count - first)
        member.delivery.subscribe(to: topic, history: published[topic][first...])
        member.lags[topic] = Member.Lag()
    }

    private func unsubscribe(_ member: Member, from topic: Int) {
        // What a transport has sealed by then leaves all the same, and the oracle does not know how much that is.
        guard topic < topics.count, plan.setting.recordSize == nil, let connection = member.openConnection else { return }
        if member.stream >= 0 { noting { () throws(Finding) in try checkSent(member) } }
        topics[topic].unsubscribe(connection)
        member.delivery.unsubscribe(from: topic)
    }

    // MARK: - Going

    private func finish(_ member: Member) {
        guard let connection = member.connection, member.reason == nil else { return }
        connection.finish()
        member.wasFinished = true
        member.finishingSince = member.finishingSince ?? kernel_now()
    }

    private func close(_ member: Member) {
        guard let connection = member.connection, member.reason == nil else { return }
        connection.close()
        member.wasClosed = true
    }

    func resume(_ member: Member) {
        member.pauses -= 1
        member.connection?.resumeReading()
    }

    // MARK: - Messages

    /// Letters: small ones for topic 0, capitals for topic 1.
    private func text(_ length: Int, for topic: Int) -> [UInt8] {
        let first: UInt8 = topic == 0 ? 97 : 65
        return unsafe [UInt8](unsafeUninitializedCapacity: length) { bytes, count in
            var bits: UInt64 = 0
            for index in 0..<length {
                if index & 7 == 0 { bits = random.next() }
                unsafe bytes[index] = first + UInt8(truncatingIfNeeded: bits & 15)
                bits >>= 8
            }
            count = length
        }
    }

    private func write(_ member: Member, _ lines: Int, _ longest: Int, _ ending: Ending) {
        if member.stream < 0 { return }
        let isChunked = plan.setting.framing == .chunks
        var bytes: [UInt8] = []
        for line in 1...lines {
            bytes += text(random.oneIn(12) ? 0 : random.number(1...longest), for: member.entry.home)
            if isChunked || (line == lines && ending == .unfinished) { continue }
            bytes += line == lines && ending == .carriageReturn ? [13, 10] : [10]
        }
        if bytes.isEmpty { return }
        var wireBytes = bytes[...]
        if plan.setting.recordSize != nil { StreamCipher.change(&wireBytes, from: member.writtenCount) }
        let count = unsafe wireBytes.withUnsafeBufferPointer { unsafe world_write(member.stream, $0.baseAddress!, $0.count) }
        member.writtenCount += count
        member.framing.write(bytes[..<count])
    }

    /// The oracle: a copy for everybody who listens, but not for the sender.
    private func copy(_ bytes: [UInt8], of topic: Int, from sender: Member?) {
        let message = DeliveryOracle.Message(bytes: bytes, position: tails[topic])
        published[topic].append(message)
        tails[topic] += bytes.count
        publishedInTurn[topic] += bytes.count
        counts[.messagesPublished] += 1
        for member in members where member.delivery.isSubscribed(to: topic) {
            if member !== sender, member.isListening {
                member.delivery.add(message, of: topic)
                counts[.copiesDue] += 1
            }
            // Messages that are not for it put the log's end further away from what it lacks, too.
            noteLag(of: member, in: topic)
        }
    }

    func noteLag(of member: Member, in topic: Int) {
        let lag = member.delivery.lag(in: topic, tail: tails[topic])
        let capacity = plan.setting.topics[topic].capacity
        if lag > capacity / 2, member.lags[topic].since == nil { member.lags[topic].since = kernel_now() }
    }

    /// Whether a publisher that is not paused may publish. One that minds the pressure does not.
    private func mayPublish(to topic: Int) -> Bool {
        plan.setting.isReckless || !topics[topic].isUnderPressure
    }

    private func publish(_ length: Int, to topic: Int, from sender: Member?) {
        guard topic < topics.count, mayPublish(to: topic) else { return }
        if let sender, sender.openConnection == nil { return }
        var message = text(length, for: topic)
        message[length - 1] = 10
        // An empty line could be of either topic.
        if length == 1 { message[0] = topic == 0 ? 97 : 65 }
        let fits = message.count <= plan.setting.topics[topic].capacity / 4
        if fits { copy(message, of: topic, from: sender) }
        if topics[topic].publish(message.span, from: sender?.openConnection) != fits {
            record(Finding("publishing says that a message was published, and it was not, or the other way round"))
        }
    }

    func didReceive(_ messages: borrowing MessageBatch, from member: Member, _ connection: Connection) {
        let topic = member.entry.home
        let isFree = !member.delivery.isSubscribed(to: topic) && !member.entry.isPublisher
        let isPublishing = !isFree || mayPublish(to: topic)
        let terminator: [UInt8] = plan.setting.framing == .chunks ? [] : [10]
        // A reset ends what the peer says, too.
        let hasEnded = world_was_read_to_end(member.stream) || world_failure(member.stream) != 0
        let quiet = kernel_now() - world_last_received(member.stream)
        if member.framing.isIdle(after: quiet), topics[topic].isUnderPressure { hadIdleLine[topic] = true }
        var first = 0
        for index in 0..<messages.count {
            counts[.messagesReceived] += 1
            messages.withMessage(at: index) { message in
                noting { () throws(Finding) in
                    try member.framing.check(message, received: member.received, hasEnded: hasEnded, quiet: quiet)
                }
                let isPublishable = message.count > 0 && message[0] >= 65
                guard isPublishable, isPublishing else {
                    if first < index { topics[topic].publish(messages, in: first..<index, from: connection) }
                    first = index + 1
                    return
                }
                if message.count + terminator.count <= plan.setting.topics[topic].capacity / 4 {
                    var bytes = unsafe [UInt8](unsafeUninitializedCapacity: message.count + 1) { bytes, count in
                        for position in 0..<message.count { unsafe bytes[position] = message[position] }
                        count = message.count
                    }
                    bytes += terminator
                    copy(bytes, of: topic, from: member)
                }
            }
        }
        if first < messages.count { topics[topic].publish(messages, in: first..<messages.count, from: connection) }
        if member.entry.isAnswered { sendPrivately(random.number(2...60), to: member) }
    }

    func didDiscardLine(of member: Member, _ connection: Connection) {
        counts[.discardedLines] += 1
        noting { () throws(Finding) in try member.framing.checkDiscarded(received: member.received) }
        if plan.setting.closesOnLongLines { connection.close(reason: .messageTooLong) }
    }

    func sendPrivately(_ length: Int, to member: Member) {
        guard member.kind != .input, let connection = member.connection, member.reason == nil else { return }
        var line = text(length, for: 0)
        line[0] = UInt8(ascii: "!")
        line[length - 1] = 10
        let wasOpen = member.openConnection != nil && !connection.isFinishing
        let fits = connection.pendingOutput + length <= plan.setting.options.maximumPendingOutput
        let isAccepted = connection.send(line.span)
        if isAccepted { member.delivery.addPrivateLine(line) }
        // Once sending has failed, a connection takes nothing more, and lives on until the peer's last words are read.
        let mayRefuse = world_failure(member.stream) != 0
        if wasOpen, isAccepted != fits, isAccepted || !mayRefuse {
            record(Finding("a private line is refused that fits, or taken that does not"))
        }
    }

    // MARK: - Timers and other threads

    private func arm(_ number: Int, after delay: Int) {
        timers.removeValue(forKey: number)?.timer.cancel()
        let deadline = kernel_now() + Int64(delay) * 1_000_000
        let timer = loop.schedule(after: .milliseconds(delay)) { [unowned self] in
            counts[.timersFired] += 1
            guard let armed = timers.removeValue(forKey: number), armed.deadline == deadline else {
                return record(Finding("a timer fires that was cancelled, or fires twice"))
            }
            if kernel_now() < deadline { record(Finding("a timer fires before its deadline")) }
        }
        timers[number] = (timer, deadline)
    }

    /// An queuedTask of another thread, on the loop's thread: it knows a connection by its name alone.
    func run(_ queuedTask: QueuedTask) {
        switch queuedTask {
        case .sendPrivately(let peer, let length): withConnection(of: peer) { sendPrivately(length, to: $0) }
        case .publish(let topic, let length): publish(length, to: topic, from: nil)
        case .finish(let peer): withConnection(of: peer, finish)
        case .close(let peer): withConnection(of: peer, close)
        case .executeAgain:
            queuedTasks.insert(.publish(topic: 0, length: 20), at: postedTasks)
            post()
        }
    }

    private func withConnection(of number: Int, _ body: (Member) -> Void) {
        guard let member = member(number), let id = member.id else { return }
        let found = loop.connection(id)
        if found !== member.openConnection { return record(Finding("a connection's name finds another, or none while it lives")) }
        if found != nil { body(member) }
    }
}
