import Broadcast
import ChatReactor
import Reactor
import SimulatedKernel

/// What a chat takes place in: how the loop and the server are set, what the embedder's hooks do, and how malicious the kernel is.
struct ChatSetting {
    var loop = EventLoop.Configuration()
    var server = ChatServer.Configuration()
    var chat = Chat.Configuration(name: "tea")
    /// How long somebody who comes by WebSocket may be silent, before it is asked whether it is there; nil for as long as it likes.
    var pingInterval: Duration?
    var faults = kernel_faults()
    /// Every so many newcomers one is refused; 0 for none.
    var refusesEvery = 0
    /// Whether a hook refuses what has `spam` in it, and lets something else be said for `wine`.
    var isModerated = false

    init(using random: inout SeededGenerator) {
        loop.readSize = random.element(of: [1, 7, 64, 512, 2_048, 4_096])
        loop.readBudget = random.element(of: [1, 64, 512, 4_096])
        loop.acceptBudget = random.number(1...4)
        loop.eventsPerWait = random.element(of: [1, 2, 3, 16, 64])

        server.framing = .lines
        server.maximumMessageLength = random.element(of: [48, 120, 120, 300, 1_000, 4_000])
        server.logCapacity = 4_096
        server.slowClients = random.element(of: [
            .skip, .skip, .disconnect, .backpressure(),
            .backpressure(stall: .milliseconds(random.number(1...300)), grace: .milliseconds(random.number(1...900))),
        ])
        chat.history = random.element(of: [0, 1, 3, 20, 20, 100])
        chat.lobbySize = random.element(of: [4_096, 4_096, 8_192, 200_000])
        chat.roomSize = random.element(of: [4_096, 4_096, 200_000])
        chat.maximumRooms = random.element(of: [1, 3, 10_000])
        chat.messageOfTheDay = (0..<random.number(0...2)).map { "motd \($0)" }
        if random.oneIn(5) { refusesEvery = random.number(2...5) }
        isModerated = random.oneIn(4)
        pingInterval = random.element(of: [nil, .milliseconds(700), .seconds(3), .seconds(30)])

        faults = kernel_faults(failuresOneIn: 4, atMost: 20, using: &random)
        server.chat = chat
    }

    /// How many bytes of messages a room's topic keeps for those who are slow, at least.
    var topicCapacity: Int { max(8 * (4 * server.maximumMessageLength + 1_024), 4_096) }

    /// How many bytes of records a room keeps.
    func recordCapacity(of room: String) -> Int {
        ((room == "lobby" ? chat.lobbySize : chat.roomSize) + 4_095) & ~4_095
    }
}

extension ChatSetting: CustomStringConvertible {
    var description: String {
        """
          read size \(loop.readSize), intake budget \(loop.readBudget), accept budget \(loop.acceptBudget), \
        \(loop.eventsPerWait) events a wait
          lines of \(server.maximumMessageLength) bytes, \(server.slowClients), history \(chat.history), \
        records \(chat.lobbySize) and \(chat.roomSize) bytes, \(chat.maximumRooms) rooms, \
        \(chat.messageOfTheDay.count) lines of the day\(refusesEvery > 0 ? ", one in \(refusesEvery) refused" : "")\
        \(isModerated ? ", moderated" : "")\(pingInterval.map { ", pings after \($0)" } ?? "")
          faults in 1,024: short \(faults.short_transfers), EAGAIN \(faults.refusals), EINTR \(faults.interruptions), \
        failures \(faults.failures), accept \(faults.accept_failures), spurious \(faults.spurious_events), \
        stale \(faults.stale_events), delays \(faults.delays)
        """
    }
}
