import ChatReactor
import Glibc
import Synchronization
import TestSupport
import Testing

/// A closed loop refuses everything, is closed once, and keeps nothing alive.
@Suite(.beyondPatience)
struct ClosedLoopTests {
    /// Tries to register one of everything with a loop, and returns the errors.
    private func errors(of loop: EventLoop) throws -> [Errno] {
        let (near, far) = try socketPair()
        let pipe = try makePipe()
        let reader = OwnedDescriptor(takingOver: pipe.reader)
        let handler = RecordingHandler()
        var errors: [Errno] = []
        func note(_ body: () throws -> Void) throws {
            do {
                try body()
                Issue.record("it was accepted")
            } catch let error as Errno {
                errors.append(error)
            }
        }
        try note { try loop.listen(on: .loopback(port: 0), handler: handler) }
        try note { try loop.listen(on: .temporaryPath(), handler: handler) }
        try note { try loop.connect(to: .loopback(port: 1), handler: handler) }
        try note { try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: handler) }
        try note { try loop.adopt(OwnedDescriptor(takingOver: pipe.writer), for: .output, handler: handler) }
        try note { try loop.watch(reader.rawValue, for: .readable) { _, _ in } }
        try note { try loop.watch(reader.rawValue, for: []) { _, _ in } }
        try note { try loop.watchSignals([SIGURG]) { _ in } }
        #expect(handler.events.isEmpty)
        // An adopted descriptor is closed all the same.
        try far.waitForEnd()
        return errors
    }

    private let allCanceled = [Errno](repeating: .canceled, count: 8)

    @Test("A closed loop refuses to register anything, and arms no timer")
    func refuses() throws {
        let loop = try EventLoop()
        let timer = loop.makeTimer { Issue.record("it fired") }
        loop.close()
        #expect(loop.isClosed)
        #expect(try errors(of: loop) == allCanceled)
        timer.arm(after: .zero)
        #expect(timer.deadline == nil)
        #expect(loop.schedule(after: .zero) { Issue.record("it fired") }.deadline == nil)
        loop.shutDown(timeout: .zero)
        loop.close()
        try loop.runOnce()
        try loop.run()
        #expect(loop.turnCount == 0)
    }

    @Test("What a handler registers while the loop closes is refused, and no timer that it arms survives")
    func duringClose() throws {
        weak var weakLoop: EventLoop?
        do {
            let loop = try EventLoop()
            weakLoop = loop
            let connection = try TestConnection(on: loop)
            var refused: [Errno] = []
            connection.handler.onClose = { connection in
                refused = (try? errors(of: connection.loop)) ?? []
                connection.loop.schedule(after: .seconds(60)) { _ = connection }
            }
            loop.close()
            #expect(refused == allCanceled)
            #expect(loop.connectionCount == 0)
            connection.handler.onClose = nil
        }
        #expect(weakLoop == nil)
    }

    @Test("What is published as a closed loop lets go of a handler keeps neither a topic nor the loop alive")
    func publishedWhileReleased() throws {
        final class Farewell: ConnectionHandler {
            let topic: Topic
            init(to topic: Topic) { self.topic = topic }
            deinit { topic.publish("goodbye\n") }
            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
        }
        weak var weakLoop: EventLoop?
        weak var weakTopic: Topic?
        do {
            let loop = try EventLoop()
            let topic = try Topic(on: loop)
            let (near, far) = try socketPair()
            // Only what is to be flushed keeps the connection when it is closed.
            try loop.adopt(socket: OwnedDescriptor(takingOver: near), handler: Farewell(to: topic)).send("hello\n")
            (weakLoop, weakTopic) = (loop, topic)
            loop.close()
            #expect(topic.messageCount == 1)
            withExtendedLifetime(far) {}
        }
        #expect(weakTopic == nil && weakLoop == nil)
    }

    /// From where a loop is closed.
    enum Caller: CaseIterable {
        case message, timer, task, drain, close, watcher
    }

    @Test(
        "A handler may close its loop: run returns, and everything is closed at the end of the turn, before which nothing else is called",
        arguments: Caller.allCases)
    func byHandler(caller: Caller) throws {
        let loop = try EventLoop()
        let (one, two) = (try TestConnection(on: loop), try TestConnection(on: loop))
        var isClosing = false
        let close = {
            isClosing = true
            loop.close()
            #expect(loop.isClosed)
            #expect(one.connection.loop.connectionCount > 0, "not from within the call")
            loop.close()
        }
        loop.schedule(at: .now.advanced(by: .milliseconds(20))) { if isClosing { Issue.record("a due timer fired") } }
        let (reader, writer) = try makePipe()
        let owner = OwnedDescriptor(takingOver: reader)
        let peer = Peer(takingOver: writer)
        switch caller {
        case .message:
            one.handler.onMessage = { _, _ in close() }
            two.handler.onMessage = { _, _ in close() }
            for peer in [one.peer, two.peer] { try peer.send("hello\n") }
        case .timer:
            loop.schedule(after: .milliseconds(1), close)
            loop.schedule(after: .milliseconds(1)) { Issue.record("a due timer fired") }
        case .task:
            let task = Confined(close)
            loop.remote.execute { _ in task.value() }
            loop.remote.execute { _ in Issue.record("a task ran") }
        case .drain:
            one.handler.onDrain = { _ in close() }
            one.connection.send("hello\n")
        case .close:
            one.handler.onClose = { _ in if !isClosing { close() } }
            one.connection.close()
        case .watcher:
            try loop.watch(owner.rawValue, for: .readable) { _, _ in close() }
            try peer.send("x")
        }
        try loop.run()
        #expect(isClosing)
        #expect(one.handler.closeReasons.count + two.handler.closeReasons.count == 2)
        #expect(one.handler.texts.count + two.handler.texts.count <= 1)
        #expect(loop.connectionCount == 0)
        for peer in [one.peer, two.peer] { try peer.waitForEnd() }
    }

    @Test("A job that closes its loop, and turns it, goes on on the same thread to its end")
    func byJob() async throws {
        let background = try BackgroundLoop()
        try await background.remote.withLoop { loop in
            let thread = currentThread()
            loop.close()
            try loop.runOnce()
            #expect(loop.isClosed)
            #expect(currentThread() == thread)
        }
        try await background.join()
    }

    @Test("A loop that another thread runs is not run, turned or closed: the process ends with a sentence")
    func twoThreads() async {
        await #expect(processExitsWith: .failure) { try await useWhileAnotherThreadRuns { try $0.runOnce(waitingAtMost: .zero) } }
        await #expect(processExitsWith: .failure) { try await useWhileAnotherThreadRuns { try $0.run() } }
        await #expect(processExitsWith: .failure) { try await useWhileAnotherThreadRuns { $0.close() } }
        await #expect(processExitsWith: .failure) {
            try await useWhileAnotherThreadRuns { try $0.listen(on: .loopback(port: 0), handler: RecordingHandler()) }
        }
        await #expect(processExitsWith: .success) { try await useWhileAnotherThreadRuns { $0.remote.stop() } }
    }

    @Test("A handler that runs its own loop ends the process with a sentence")
    func nestedRun() async {
        await #expect(processExitsWith: .failure) {
            let loop = try EventLoop()
            loop.schedule(after: .zero) { try? loop.run() }
            try loop.run()
        }
    }

    @Test("A handler that makes its own loop turn ends the process with a sentence, and a timer or a task may do it")
    func nestedTurn() async throws {
        await #expect(processExitsWith: .failure) {
            let connection = try TestConnection()
            connection.handler.onMessage = { connection, _ in try? connection.loop.runOnce(waitingAtMost: .zero) }
            try connection.peer.send("hello\n")
            try connection.loop.runOnce()
        }
        await #expect(processExitsWith: .failure) {
            let connection = try TestConnection()
            connection.handler.onDrain = { connection in try? connection.loop.runOnce(waitingAtMost: .zero) }
            connection.connection.send("hello\n")
            try connection.loop.runOnce()
        }
        await #expect(processExitsWith: .failure) {
            // A pause has ended the line, so a timer of the loop's own delivers it.
            let connection = try TestConnection(options: .with { $0.framing = .automatic(idle: .milliseconds(1)) })
            connection.handler.onMessage = { connection, _ in try? connection.loop.runOnce(waitingAtMost: .zero) }
            try connection.peer.send("hello")
            try connection.loop.run(until: "received") { !connection.handler.texts.isEmpty }
        }
        let connection = try TestConnection()
        let loop = connection.loop
        try connection.peer.send("one\n")
        try loop.run(until: "the first") { connection.handler.texts == ["one"] }
        var turns = 0
        let turn = Confined {
            turns += 1
            try? connection.peer.send("more\n")
            try? loop.run(until: "a message") { connection.handler.texts.count == turns + 1 }
        }
        loop.schedule(after: .zero) { turn.value() }
        try loop.run(until: "the timer") { turns == 1 }
        loop.remote.execute { _ in turn.value() }
        try loop.run(until: "the task") { turns == 2 }
    }

    @Test("A turn after a stop, or after a shutdown, waits as any other does")
    func turnsAfterStop() throws {
        for isShutDown in [false, true] {
            let loop = try EventLoop()
            if isShutDown { loop.shutDown(timeout: .seconds(60)) } else { loop.stop() }
            #expect(try loop.turns(during: .milliseconds(50)) <= 3)
            loop.close()
        }
    }

    @Test("A job that turns the loop does not spin while the inbox has something")
    func turnsOfAJob() async throws {
        let background = try BackgroundLoop()
        let remote = background.remote
        let turns = try await remote.withLoop { loop in
            remote.execute { _ in }
            return try loop.turns(during: .milliseconds(50))
        }
        #expect(turns <= 3)
        try await background.stop()
    }

    /// How a loop comes to its end.
    enum End: CaseIterable {
        case close, closeTwice, closeByHandler, shutDownThenClose, serverShutDownThenClose, dropped
    }

    @Test("Of 200 loops, listeners and servers that are made and ended nothing stays", arguments: End.allCases)
    func nothingStays(end: End) async {
        let number: Int = End.allCases.firstIndex(of: end) ?? 0
        await #expect(processExitsWith: .success) { [number = number as Int] in
            let end = End.allCases[number]
            let before = try openDescriptors()
            weak var keptLoop: EventLoop?
            weak var keptListener: Listener?
            weak var keptServer: ChatServer?
            for _ in 0..<200 {
                let loop = try EventLoop()
                keptLoop = loop
                if end == .dropped { continue }
                let keeper = Keeper()
                let listener = try loop.listen(on: .loopback(port: 0), handler: keeper)
                keeper.listener = listener
                keeper.loop = loop
                listener.onAcceptFailure = { _ in _ = keeper }
                keptListener = listener
                let server = try ChatServer(on: loop)
                keptServer = server
                let address = try server.listen(on: .loopback(port: 0)).address
                let peer = try Peer(to: address)
                try peer.send("hello\n")
                try loop.run(until: "accepted") { loop.connectionCount == 1 }
                switch end {
                case .close: loop.close()
                case .closeTwice:
                    loop.close()
                    loop.close()
                case .closeByHandler:
                    loop.schedule(after: .zero) { loop.close() }
                    try loop.run()
                case .shutDownThenClose:
                    loop.shutDown(timeout: .milliseconds(1))
                    try loop.run()
                    loop.close()
                case .serverShutDownThenClose:
                    server.shutDown(timeout: .zero) { loop.stop() }
                    try loop.run()
                    loop.close()
                case .dropped: break
                }
            }
            try #require(keptLoop == nil)
            try #require(keptListener == nil)
            try #require(keptServer == nil)
            // The runtime may open a few of its own meanwhile.
            try #require(try openDescriptors() < before + 20)
        }
    }
}

/// Refers to everything that refers to it.
private final class Keeper: ConnectionHandler {
    var listener: Listener?
    var loop: EventLoop?
    func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
}

private func openDescriptors() throws -> Int {
    guard let folder = unsafe opendir("/proc/self/fd") else { throw Errno(rawValue: errno) }
    defer { unsafe closedir(folder) }
    var count = 0
    while unsafe readdir(folder) != nil { count += 1 }
    return count
}

private func useWhileAnotherThreadRuns(_ body: (EventLoop) throws -> Void) async throws {
    let background = try BackgroundLoop()
    let stolen = Mutex<UInt>(0)
    // The compiler would not let the loop cross.
    try await background.remote.withLoop { loop in
        stolen.withLock { $0 = unsafe UInt(bitPattern: Unmanaged.passRetained(loop).toOpaque()) }
    }
    let address = stolen.withLock { $0 }
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: address) else { return }
    let loop = unsafe Unmanaged<EventLoop>.fromOpaque(pointer).takeRetainedValue()
    try body(loop)
    try await background.join()
}
