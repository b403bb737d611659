import Broadcast
import Reactor

extension ChatServer {
    /// How far a server is with ending.
    struct ShuttingDown {
        var hasBegun = false
        var timer: EventLoop.Timer?
        var completions: [() -> Void] = []
        /// Whether it waits until what was published here has a place in the log that is shared, or in the order of several servers.
        var awaitsPlace = false
        /// When that is waited for no longer.
        var placeTimer: EventLoop.Timer?
        var groupTimeout = Duration.zero
        /// Whether `shutDown` was called of this very server: then it waits for all servers of the group.
        var waitsForGroup = false
        /// How many servers of the group have to end before this one has.
        var otherServerCount = 0
        /// Released when this server has no clients any more, each for another server that waits for that.
        var endReports: [ServerGroup.EndReport] = []
    }

    var isShuttingDown: Bool { shuttingDown.hasBegun }

    /// Stops accepting, tells every client that the server shuts down, sends what waits for it, and closes it.
    ///
    /// ```swift
    /// try loop.watchSignals([SIGTERM]) { _ in
    ///     server.shutDown(timeout: .seconds(5)) { loop.stop() }
    /// }
    /// ```
    ///
    /// A second call sets the timeout anew. The completions of all calls are called, in their order.
    ///
    /// Of a server in a group, all servers of the group shut down. Their clients get what was published on this loop before.
    ///
    /// - Parameters:
    ///   - timeout: How long it may take. A client that is still there after it is closed, and loses what waits for it.
    ///     A negative timeout counts as zero.
    ///   - completion: Called on the loop's thread once the last client has gone, of all servers of a group; at once if there is none.
    ///
    /// - Complexity: O(*n*) for *n* connections of the loop.
    public func shutDown(timeout: Duration, then completion: @escaping () -> Void) {
        shuttingDown.completions.append(completion)
        let isFirst = !isShuttingDown
        beginShutDown(timeout: timeout)
        if let group {
            if shuttingDown.waitsForGroup {
                group.executeOnOthers(than: number) { $0.beginShutDown(timeout: timeout) }
            } else {
                shuttingDown.waitsForGroup = true
                if group.isOfCluster {
                    shuttingDown.otherServerCount = group.endOthers(than: self, number: number, timeout: timeout)
                    if isFirst { endAlone(timeout: timeout) }
                } else {
                    shutDownGroup(timeout: timeout, isFirst: isFirst)
                }
            }
        } else if isFirst {
            endAlone(timeout: timeout)
        }
        completeShutDownIfEmpty()
    }

    private func beginShutDown(timeout: Duration) {
        shuttingDown.hasBegun = true
        let timer = shuttingDown.timer ?? loop.makeTimer { [weak self] in self?.shutDownTimeIsOver() }
        shuttingDown.timer = timer
        timer.arm(after: max(timeout, .zero))
        if shuttingDown.awaitsPlace { waitForPlace(atMost: timeout) }
        // Whoever shuts down now need not be told to do so later.
        _ = chat?.moderation.cancelShutDown()
        closeListeners()
    }

    /// Whether an order has what is done at this server and at others.
    private var isOneOfSeveral: Bool { room.relay?.order != nil || chat?.replica != nil }

    /// Whether the servers of its group end one after the other: what the first one's clients have said reaches those of all.
    private var endsWithGroup: Bool { group?.isOfCluster == false }

    /// Does nothing more, and calls `body` once what was done here has its place in that order.
    private func endInOrder(timeout: Duration, then body: @escaping () -> Void) {
        waitForPlace(atMost: timeout)
        room.relay?.order?.whenPlaced(body)
        chat?.replica?.end(then: body)
    }

    /// Has the clients of this server finish, once what was done here has its place, if there is an order.
    private func endAlone(timeout: Duration) {
        if isOneOfSeveral { return endInOrder(timeout: timeout) { [weak self] in self?.finishInOrder() } }
        sayGoodbye()
        finishClients()
    }

    private func sayGoodbye() {
        let goodbye = "goodbye: the server is shutting down"
        // It is about this server alone.
        if let chat { chat.tellOwn(.error(goodbye)) } else { room.tell("! " + goodbye) }
    }

    private func finishClients() {
        for client in clients { client.connection?.finish(reason: .shutdown) }
    }

    /// Has the clients of all servers of the group finish, once what was published here has a place in the log: they get it all.
    private func shutDownGroup(timeout: Duration, isFirst: Bool) {
        shuttingDown.groupTimeout = timeout
        let finish = { [weak self] () -> Void in self?.finishGroup() }
        if isOneOfSeveral { return endInOrder(timeout: timeout, then: finish) }
        waitForPlace(atMost: timeout)
        if isFirst { sayGoodbye() }
        room.topic?.whenNothingWaits(finish)
    }

    private func finishGroup() {
        guard shuttingDown.awaitsPlace, shuttingDown.waitsForGroup, endsWithGroup, let group else { return }
        shuttingDown.awaitsPlace = false
        shuttingDown.otherServerCount = group.endOthers(than: self, number: number, timeout: shuttingDown.groupTimeout)
        // In a relay, those of all servers were told.
        if chat != nil { sayGoodbye() }
        finishClients()
        completeShutDownIfEmpty()
    }

    /// Has the clients finish, once what they have said is in the order that this server has in common with others: they get it all.
    private func finishInOrder() {
        guard shuttingDown.awaitsPlace, !(shuttingDown.waitsForGroup && endsWithGroup) else { return }
        shuttingDown.awaitsPlace = false
        sayGoodbye()
        finishClients()
        completeShutDownIfEmpty()
    }

    /// Another server of the group shuts down, and this one with it.
    ///
    /// - Parameter report: Released when the last client has gone.
    func end(timeout: Duration, _ report: ServerGroup.EndReport) {
        shuttingDown.endReports.append(report)
        let isFirst = !isShuttingDown
        beginShutDown(timeout: timeout)
        if !endsWithGroup {
            if isFirst { endAlone(timeout: timeout) }
        } else if chat != nil {
            // One that ends by itself does so once it may.
            if !shuttingDown.waitsForGroup { endAlone(timeout: timeout) }
        } else {
            room.topic?.catchUp()
            finishClients()
        }
        completeShutDownIfEmpty()
    }

    func otherServerDidEnd() {
        shuttingDown.otherServerCount -= 1
        completeShutDownIfEmpty()
    }

    /// Waits for a place half of the time that the end may take: the rest is for telling the clients.
    private func waitForPlace(atMost timeout: Duration) {
        shuttingDown.awaitsPlace = true
        let timer = shuttingDown.placeTimer ?? loop.makeTimer { [weak self] in self?.placeTimeIsOver() }
        shuttingDown.placeTimer = timer
        timer.arm(after: max(timeout, .zero) / 2)
    }

    private func placeTimeIsOver() {
        finishGroup()
        finishInOrder()
    }

    private func shutDownTimeIsOver() {
        shuttingDown.groupTimeout = .zero
        placeTimeIsOver()
        closeClients()
        if group == nil { return }
        // A loop that is held up for ever does not hold up this one.
        loop.schedule(after: .seconds(1)) { [weak self] in
            self?.shuttingDown.otherServerCount = 0
            self?.completeShutDownIfEmpty()
        }
    }

    /// Not only those in the room: one that was taken out of it for being too slow may still be finishing.
    private func closeClients() {
        for client in clients { client.connection?.close(reason: .shutdown) }
    }

    func completeShutDownIfEmpty() {
        guard isShuttingDown, clientCount == 0, !shuttingDown.awaitsPlace else { return }
        // Before this one waits for others: one of them may be waiting for it.
        var reports: [ServerGroup.EndReport] = []
        swap(&reports, &shuttingDown.endReports)
        withExtendedLifetime(reports) {}
        if shuttingDown.otherServerCount > 0 { return }
        shuttingDown.timer?.cancel()
        if group != nil { loop.removeEndObserver(self) }
        var completions: [() -> Void] = []
        swap(&completions, &shuttingDown.completions)
        for completion in completions { completion() }
    }
}

extension ChatServer: LoopEndObserver {
    /// The loop lets go of the server. Nobody is passed to it any more, and what waits for a place in the log never gets one.
    package func loopIsClosing() {
        group?.remove(number: number)
        finishGroup()
        if group == nil { return }
        room.relay?.order?.leave()
        chat?.replica?.order?.leave()
    }
}
