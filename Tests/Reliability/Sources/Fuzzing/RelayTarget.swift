import Glibc

@testable import ChatReactor
@testable import Reactor

/// A relay and a few peers that do what the input says: they write, read, half close, vanish and come, between turns of the loop.
///
/// Every peer gets the others' messages, whole, in the order of the log, never its own, and all of them if it has not been closed.
final class RelayTarget {
    private static let limit = 24

    private let loop: EventLoop
    private let server: ChatServer
    private let framing: any Framing
    private let policy: SlowSubscriberPolicy
    private var peers: [RelayPeer] = []
    private var announcements = 0

    static func run(_ input: FuzzInput) throws {
        var input = input
        let target = try RelayTarget(&input)
        // The server keeps its observers, which must not keep the server.
        target.server.addObserver(Observer(target: target))
        defer { target.loop.close() }
        for _ in 0..<2 { try target.join(hasSmallBuffer: input.flag()) }
        while !input.isEmpty { try target.act(&input) }
        try target.settle()
        for peer in target.peers { target.judge(peer) }
    }

    private init(_ input: inout FuzzInput) throws {
        let long = Duration.seconds(86_400)
        policy = input.choose([.backpressure(stall: long, grace: long), .skip, .disconnect])
        framing = input.choose([LineFraming(), AutomaticFraming(idle: long), ChunkFraming()] as [any Framing])
        var configuration = EventLoop.Configuration()
        configuration.readSize = input.choose([16, 64, 256, 1_024])
        configuration.readBudget = input.choose([1, 300, 4_096])
        loop = try EventLoop(configuration: configuration)
        var settings = ChatServer.Configuration()
        settings.framing = framing
        settings.maximumMessageLength = Self.limit
        settings.slowClients = policy
        settings.logCapacity = 1
        server = try ChatServer(on: loop, configuration: settings)
    }

    // MARK: - What the input says

    private func act(_ input: inout FuzzInput) throws {
        let code = input.byte()
        let peer = peers[Int(code >> 3) % peers.count]
        switch code & 7 {
        case 0:
            for _ in 0...input.number(below: 64) { try loop.runOnce(waitingAtMost: .zero) }
        case 1: peer.writeLines(input.number(below: 256), length: input.number(below: Self.limit + 3))
        case 2:
            var text = input.bytes(input.number(below: 32))
            // FramingTarget looks at telnet's commands, which would be answered here.
            if framing is AutomaticFraming { text = text.map { $0 == 255 || $0 == 0 ? 1 : $0 } }
            // Only the server's notices begin with an exclamation mark.
            peer.write(text.isEmpty ? Array("x\n".utf8) : text.map { $0 == UInt8(ascii: "!") ? UInt8(ascii: "x") : $0 })
        case 3: peer.read(atMost: 16 * input.number(below: 256))
        case 4 where peers.count < 6: try join(hasSmallBuffer: input.flag())
        case 5: peer.finishWriting()
        case 6: peer.hangUp()
        default: announce()
        }
    }

    private func join(hasSmallBuffer: Bool) throws {
        let (mine, far) = try makeSocketPair()
        if hasSmallBuffer {
            // The least that the kernel grants: some two thousand bytes leave at a time.
            var size: Int32 = 1
            unsafe setsockopt(mine, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let peer = RelayPeer(far, letter: UInt8(ascii: "a") + UInt8(peers.count))
        var options = Connection.Options()
        options.framing = framing
        options.maximumMessageLength = Self.limit
        let connection = try loop.adopt(
            socket: OwnedDescriptor(takingOver: mine), options: options, handler: RelayClient(of: server))
        peer.connection = connection
        peer.id = connection.id
        peers.append(peer)
    }

    private func announce() {
        announcements += 1
        let line = "# \(announcements)"
        owe(Array("\(line)\n".utf8), from: nil)
        guard server.announce(line) else { fatalError("a short line was too long to announce") }
    }

    /// Turns, and has everybody read, until nothing more comes.
    private func settle() throws {
        var quiet = 0
        var rounds = 0
        while quiet < 8 * peers.count {
            let before = peers.reduce(0) { $0 + $1.relayed.count }
            try loop.runOnce(waitingAtMost: .zero)
            let taken = peers.reduce(0) { $0 + $1.read(atMost: .max) }
            let after = peers.reduce(0) { $0 + $1.relayed.count }
            quiet = taken == 0 && before == after ? quiet + 1 : 0
            rounds += 1
            guard rounds < 100_000 else { fatalError("the loop does not come to rest") }
        }
    }

    // MARK: - What must hold

    private var isChunked: Bool { framing is ChunkFraming }

    private func owe(_ message: [UInt8], from sender: RelayPeer?) {
        for peer in peers where peer !== sender {
            guard let connection = peer.connection, connection.isOpen, !connection.isFinishing else { continue }
            peer.due.append(message)
        }
    }

    private func judge(_ peer: RelayPeer) {
        let events = FramingOracle.events(of: peer.written, limit: Self.limit)
        let isEndedHere = peer.hasFinishedWriting || peer.hasHungUp
        let long = isChunked ? 0 : events.count { $0 == .tooLong }
        let hasQuit = isChunked || events.contains(.message(Array("x".utf8)))
        switch peer.reason {
        case nil: break
        case .endOfInput where isEndedHere: break
        case .failed where peer.hasHungUp: break
        case .requested where hasQuit: break
        case .messageTooLong where long >= 3: break
        case .tooSlow where policy == .disconnect: break
        case .tooSlow where policy == .skip && (isEndedHere || hasQuit || long >= 3): break
        case .tooSlow where policy != .skip && announcements > 0: break
        case .some(let reason): fatalError("peer \(peer.name) was closed: \(reason)")
        }
        let notices = peer.checkReceived(maySkip: policy == .skip)
        guard notices <= long else { fatalError("peer \(peer.name) was told of \(notices) long lines, and has sent \(long)") }
        var isBroken = peer.hasHungUp || peer.reason == .tooSlow || (peer.wasToldTooSlow && policy != .skip)
        if case .failed = peer.reason { isBroken = true }
        if !isBroken, !peer.hasEverything {
            fatalError("peer \(peer.name) did not get \(peer.due.count) messages, or has got a part of one")
        }
        checkRelayed(of: peer, events)
    }

    /// What was relayed for a sender is what it has written.
    private func checkRelayed(of peer: RelayPeer, _ events: [FramingOracle.Event]) {
        let relayed = peer.relayed.flatMap { $0 }
        var expected = peer.written
        if !isChunked {
            var lines: [[UInt8]] = []
            for case .message(let line) in events {
                if line == Array("x".utf8) { break }
                lines.append(line + [10])
            }
            // What has no newline is a line only once the input has ended, whatever the connection is closed for in the end.
            if !peer.hasFinishedWriting, !peer.hasHungUp, let last = peer.written.last, last != 10,
                case .message(let tail) = events.last,
                lines.last == tail + [10]
            {
                lines.removeLast()
            }
            expected = lines.flatMap { $0 }
        }
        guard expected.starts(with: relayed) else { fatalError("peer \(peer.name) has sent other bytes than were relayed") }
        let isWhole =
            (peer.reason == nil && peer.connection?.isFinishing == false) || (peer.reason == .endOfInput && !peer.hasHungUp)
        if isWhole, relayed.count < expected.count { fatalError("of peer \(peer.name), not everything was relayed") }
    }
}

extension RelayTarget {
    fileprivate func didRelay(_ message: [UInt8], of client: ChatServer.Client) {
        guard let sender = peers.first(where: { $0.id == client.id }) else { fatalError("a message of nobody") }
        sender.relayed.append(message)
        owe(message, from: sender)
    }

    fileprivate func didClose(_ client: ChatServer.Client, _ reason: CloseReason) {
        guard let peer = peers.first(where: { $0.id == client.id }) else { fatalError("somebody else was closed") }
        guard peer.reason == nil else { fatalError("peer \(peer.name) was closed twice") }
        peer.reason = reason
    }

    private final class Observer: ChatServerObserver {
        weak let target: RelayTarget?

        init(target: RelayTarget) {
            self.target = target
        }

        func server(
            _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
        ) {
            for index in range {
                let message = messages.withWireBytes(in: index..<index + 1) { bytes in bytes.indices.map { bytes[$0] } }
                target?.didRelay(message, of: client)
            }
        }

        func server(_ server: ChatServer, didClose client: ChatServer.Client, reason: CloseReason) {
            target?.didClose(client, reason)
        }
    }
}
