import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// An embedder's object may be released at any point of a turn, of `close` and of `shutDown`, and its deinit may call anything.
///
/// Each test gives the loop, or something on it, an object of one sort, and takes care that nothing else refers to it. At one point it
/// is released. Its deinit then calls every public function of everything that it knows.
@Suite(.beyondPatience)
struct ReleaseAnywhereTests {
    /// What the object is a part of.
    enum Sort: CaseIterable {
        case connectionHandler, sharedHandler, acceptHandler, acceptFailureHandler, framing
        case timer, dueTimer, task, watcherHandler, signalHandler
        case subscriberHandler, skipNotice
        case serverObserver, serverCompletion
        case upgradedHandler, upgradedFraming
    }

    /// When it is released.
    enum Point: CaseIterable {
        case betweenTurns, dispatch, timer, task, flush, reap
        case close, closeByHandler, shutDown
    }

    /// What the deinit does with the loop beside all else.
    enum End: CaseIterable {
        case none, close, shutDown
    }

    @Test(arguments: Sort.allCases, Point.allCases)
    func itsDeinitMayCallAnything(_ sort: Sort, at point: Point) throws {
        for end in End.allCases {
            let world = try World(endsLoopBy: end)
            // Not kept here: the closure that releases the object may hold the last reference to a topic.
            try world.reach(point, world.install(sort))
            world.loop.close()
            #expect(world.deaths == 1, "\(sort) at \(point), which ends the loop by \(end)")
            #expect(world.loop.connectionCount == 0)
        }
    }
}

/// A loop with one of everything, and an object that knows all of it.
private final class World {
    let loop: EventLoop
    var deaths = 0
    private let end: ReleaseAnywhereTests.End
    private let topic: Topic
    private let handler = RecordingHandler()
    private let trigger: Connection
    private let triggerPeer: Peer
    private let other: Connection
    private let otherPeer: Peer
    private let listener: Listener
    private let timer: EventLoop.Timer
    private let watcher: DescriptorWatcher
    private let signals: SignalWatcher
    private let pipe: (reader: Int32, writer: Int32)
    private var peers: [Peer] = []
    /// Kept by its listener and its clients alone, so that it may go, with its observers, at any point.
    private weak var server: ChatServer?
    private var hasMeddled = false

    init(endsLoopBy end: ReleaseAnywhereTests.End) throws {
        self.end = end
        loop = try EventLoop()
        topic = try Topic(on: loop)
        let (first, second) = (try socketPair(), try socketPair())
        (triggerPeer, otherPeer) = (first.far, second.far)
        trigger = try loop.adopt(socket: OwnedDescriptor(takingOver: first.near), handler: handler)
        other = try loop.adopt(socket: OwnedDescriptor(takingOver: second.near), handler: handler)
        topic.subscribe(other)
        listener = try loop.listen(on: .loopback(port: 0), handler: handler)
        timer = loop.makeTimer {}
        timer.arm(after: .seconds(60))
        pipe = try makePipe()
        watcher = try loop.watch(pipe.reader, for: .readable) { _, _ in }
        signals = try loop.watchSignals([SIGURG]) { _ in }
    }

    deinit {
        for end in [pipe.reader, pipe.writer] { Glibc.close(end) }
    }

    /// What the deinit does: calls everything.
    fileprivate func meddle() {
        deaths += 1
        if hasMeddled { return }
        hasMeddled = true
        _ = (loop.turnCount, loop.connectionCount, loop.isClosed, loop.configuration)
        for connection in [trigger, other] {
            _ = (connection.isOpen, connection.pendingOutput, connection.remoteAddress, connection.localAddress)
            connection.send("bye\n")
            connection.pauseReading()
            connection.resumeReading()
            _ = loop.connection(connection.id)
            connection.upgrade(to: connection.options, handler: handler)
        }
        topic.publish("news\n".utf8.span, from: other)
        _ = (topic.connections, topic.byteCount, topic.subscriberCount)
        topic.subscribe(trigger)
        topic.unsubscribe(other)
        trigger.finish()
        other.close()
        timer.cancel()
        timer.arm(after: .zero)
        timer.arm(at: .now)
        loop.schedule(after: .zero) {}
        loop.schedule(at: .now) {}
        loop.makeTimer {}.arm(after: .zero)
        try? watcher.setInterest([.readable, .priority])
        try? watcher.setInterest([])
        watcher.cancel()
        signals.cancel()
        listener.rejectionMessage = "no\n"
        listener.onAcceptFailure = { _ in }
        listener.onAcceptFailure = nil
        listener.close()
        loop.remote.execute { loop in _ = loop.turnCount }
        if let server { meddle(with: server) }
        _ = try? loop.watch(pipe.reader, for: .readable) { watcher, _ in watcher.cancel() }.cancel()
        _ = try? loop.watchSignals([SIGURG]) { _ in }
        if let listener = try? loop.listen(on: .loopback(port: 0), handler: handler) {
            _ = try? loop.connect(to: listener.address, handler: handler)
            listener.close()
        }
        if let (near, far) = try? socketPair() {
            peers.append(far)
            _ = try? loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: handler).send("hello\n")
        }
        switch end {
        case .none: break
        case .close: loop.close()
        case .shutDown: loop.shutDown(timeout: .milliseconds(1))
        }
        loop.stop()
        loop.remote.stop()
    }

    private func meddle(with server: ChatServer) {
        _ = (server.clientCount, server.configuration, server.room.clients.count)
        for client in server.clients { _ = (client.id, client.room, client.connection?.pendingOutput) }
        server.announce("news")
        server.room.announce("news")
        server.room.topic?.publish("news\n")
        let observer = SilentObserver()
        server.addObserver(observer)
        server.removeObserver(observer)
        _ = try? server.listen(on: .loopback(port: 0))
        server.shutDown(timeout: .seconds(60)) { [weak server] in server?.announce("nobody hears this") }
        server.shutDown(timeout: .zero) {}
    }

    /// Returns a function that releases the object.
    func install(_ sort: ReleaseAnywhereTests.Sort) throws -> () -> Void {
        let object = Meddler(self)
        switch sort {
        case .connectionHandler, .subscriberHandler, .framing:
            let (near, far) = try socketPair()
            peers.append(far)
            var options = Connection.Options()
            if sort == .framing { options.framing = MeddlingFraming(object: object) }
            let handler: any ConnectionHandler = sort == .framing ? handler : Meddling(object)
            weak let connection = try loop.adopt(
                socket: OwnedDescriptor(takingOver: near), options: options, handler: handler)
            if sort == .subscriberHandler, let connection {
                topic.subscribe(connection)
                topic.publish("what a subscriber lacks\n".utf8.span)
            }
            return { connection?.close() }
        case .upgradedHandler, .upgradedFraming:
            let (near, far) = try socketPair()
            peers.append(far)
            var options = Connection.Options()
            if sort == .upgradedFraming { options.framing = MeddlingFraming(object: object) }
            weak let connection = try loop.adopt(
                socket: OwnedDescriptor(takingOver: near), options: options,
                handler: sort == .upgradedFraming ? handler : Meddling(object))
            // What is kept of an unfinished message is delivered once more.
            try far.send("unfinished")
            return { [weak self] in
                guard let self, let connection else { return }
                connection.upgrade(to: Connection.Options(), handler: handler)
            }
        case .sharedHandler:
            weak let listener = try loop.listen(on: .loopback(port: 0), handler: Meddling(object))
            if let listener { peers.append(try Peer(to: listener.address)) }
            return { [weak self] in
                listener?.close()
                self?.closeAcceptedConnections()
            }
        case .acceptHandler:
            weak let listener = try loop.listen(on: .loopback(port: 0)) { [self] socket, _ throws(Errno) in
                _ = object
                _ = try loop.adopt(socket: socket, handler: handler)
            }
            if let listener { peers.append(try Peer(to: listener.address)) }
            return { listener?.close() }
        case .acceptFailureHandler:
            listener.onAcceptFailure = { _ in _ = object }
            return { [weak listener] in listener?.onAcceptFailure = nil }
        case .timer:
            weak let timer = loop.schedule(after: .seconds(60)) { _ = object }
            return { timer?.cancel() }
        case .dueTimer:
            loop.schedule(after: .zero) { _ = object }
            return {}
        case .task:
            loop.remote.execute { _ in _ = object }
            return {}
        case .watcherHandler:
            let end = dup(pipe.writer)
            weak let watcher = try loop.watch(end, for: .writable) { _, _ in _ = object }
            return {
                watcher?.cancel()
                Glibc.close(end)
            }
        case .signalHandler:
            weak let watcher = try loop.watchSignals([SIGURG]) { _ in _ = object }
            return { watcher?.cancel() }
        case .serverObserver:
            let server = try makeServer()
            server.addObserver(MeddlingObserver(object))
            return { [weak server] in server?.shutDown(timeout: .zero) {} }
        case .serverCompletion:
            let server = try makeServer()
            server.shutDown(timeout: .seconds(60)) { _ = object }
            return { [weak server] in server?.clients.first?.connection?.close() }
        case .skipNotice:
            var configuration = Topic.Configuration()
            configuration.skipNotice = { _ in
                _ = object
                return Array("skipped\n".utf8)
            }
            var topic: Topic? = try Topic(on: loop, configuration: configuration)
            topic?.subscribe(other)
            topic?.publish("news\n".utf8.span)
            return { [weak self] in
                if let self { topic?.unsubscribe(other) }
                topic = nil
            }
        }
    }

    /// A server with one client.
    private func makeServer() throws -> ChatServer {
        let server = try ChatServer(on: loop)
        self.server = server
        peers.append(try Peer(to: server.listen(on: .loopback(port: 0)).address))
        try loop.run(until: "a client") { server.clientCount == 1 }
        return server
    }

    private func closeAcceptedConnections() {
        for peer in peers { peer.close() }
    }

    /// Has the loop reach a point, and calls `release` there.
    func reach(_ point: ReleaseAnywhereTests.Point, _ release: @escaping () -> Void) throws {
        var isReached = false
        let release = {
            // Once: several connections may close here, and a descriptor that is closed twice may be another test's by then.
            if isReached { return }
            isReached = true
            release()
        }
        switch point {
        case .betweenTurns:
            release()
        case .dispatch:
            handler.onMessage = { _, _ in release() }
            try triggerPeer.send("now\n")
        case .timer:
            loop.schedule(after: .zero, release)
        case .task:
            nonisolated(unsafe) let release = release
            loop.remote.execute { _ in unsafe release() }
        case .flush:
            handler.onDrain = { _ in release() }
            trigger.send("now\n")
        case .reap:
            handler.onClose = { _ in release() }
            trigger.close()
        case .close:
            isReached = true
            loop.close()
        case .closeByHandler:
            handler.onMessage = { [loop] _, _ in
                isReached = true
                loop.close()
            }
            try triggerPeer.send("now\n")
        case .shutDown:
            isReached = true
            loop.shutDown(timeout: .milliseconds(1))
        }
        try loop.run(until: "at the point") { isReached || loop.isClosed }
        for _ in 0..<20 { try loop.runOnce(waitingAtMost: .milliseconds(1)) }
        (handler.onMessage, handler.onDrain, handler.onClose) = (nil, nil, nil)
    }
}

/// Its deinit calls everything. Only the loop's thread has it.
private final class Meddler: @unchecked Sendable {
    private let world: World

    init(_ world: World) {
        self.world = world
    }

    deinit { world.meddle() }
}

private final class Meddling: ConnectionHandler {
    private let object: Meddler

    init(_ object: Meddler) {
        self.object = object
    }

    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
}

private final class MeddlingObserver: ChatServerObserver {
    private let object: Meddler

    init(_ object: Meddler) {
        self.object = object
    }
}

private final class SilentObserver: ChatServerObserver {}

private struct MeddlingFraming: Framing {
    let object: Meddler

    func messageExtent(in bytes: Span<UInt8>, seen: Int) -> MessageExtent {
        for index in bytes.indices where bytes[index] == 10 { return .length(index + 1) }
        return .unknown
    }
}
