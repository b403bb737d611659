import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `EventLoop.watch` and `DescriptorWatcher` promise.
struct WatcherTests {
    /// A pipe, both of whose ends are the test's.
    private final class Pipe {
        let input: Int32
        let writer: Peer
        private let reader: Peer
        init() throws {
            let ends = try makePipe()
            (input, reader, writer) = (ends.reader, Peer(takingOver: ends.reader), Peer(takingOver: ends.writer))
        }
        var bytes: [UInt8] { reader.bytes }
        func receive(atMost count: Int = .max) { reader.read(atMost: count) }
        func closeInput() { reader.close() }
    }

    @Test("The handler is called while there is something to read, and knows which watcher and what for")
    func readable() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        var calls: [(DescriptorWatcher, Readiness)] = []
        let watcher = try loop.watch(pipe.input, for: .readable) { watcher, readiness in
            calls.append((watcher, readiness))
            pipe.receive()
        }
        try loop.run(for: .milliseconds(10))
        #expect(calls.isEmpty)
        try pipe.writer.send("hello")
        try loop.run(until: "a call") { !calls.isEmpty }
        #expect(try loop.turns(during: .milliseconds(50)) <= 2)
        #expect(calls.count == 1)
        #expect(calls[0].0 === watcher)
        #expect(calls[0].1 == .readable)
        #expect(watcher.descriptor == pipe.input)
        #expect(watcher.loop === loop)
        #expect(watcher.interest == .readable)
        #expect(!watcher.isCancelled)
    }

    @Test("It is level-triggered: it is called in every turn in which the descriptor is ready, and once in each")
    func levelTriggered() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        var calls = 0
        try loop.watch(pipe.input, for: .readable) { _, _ in
            calls += 1
            pipe.receive(atMost: 1)
        }
        try pipe.writer.send("hello")
        for turn in 1...5 {
            try loop.runOnce(waitingAtMost: patience)
            #expect(calls == turn)
        }
        try loop.run(for: .milliseconds(10))
        #expect(calls == 5)
        #expect(pipe.bytes == Array("hello".utf8))
    }

    @Test("It can be watched for what can be written")
    func writable() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        var readiness: [Readiness] = []
        try loop.watch(pipe.writer.descriptor, for: .writable) { watcher, ready in
            readiness.append(ready)
            // Until the pipe is full.
            _ = pipe.writer.sendAvailable([UInt8](repeating: 65, count: 1_000_000))
        }
        try loop.run(until: "a call") { !readiness.isEmpty }
        try loop.run(for: .milliseconds(10))
        let count = readiness.count
        try loop.run(for: .milliseconds(10))
        #expect(readiness.count == count)
        #expect(readiness.allSatisfy { $0 == .writable })
        pipe.receive()
        try loop.run(until: "another call") { readiness.count > count }
    }

    @Test("It can be watched for what is out of the ordinary, such as urgent data of a TCP socket")
    func priority() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let listener = try makeSocket(for: .loopback(port: 0))
        defer { close(listener) }
        try #require(listen(listener, 1) == 0)
        let peer = try Peer(to: .loopback(port: localPort(of: listener)))
        let accepted = Peer(takingOver: accept(listener, nil, nil))
        var readiness: [Readiness] = []
        let watcher = try loop.watch(accepted.descriptor, for: .priority) { watcher, ready in
            readiness.append(ready)
            watcher.cancel()
        }
        try peer.send("ordinary")
        try loop.run(for: .milliseconds(10))
        #expect(readiness == [])
        _ = unsafe send(peer.descriptor, "!", 1, Int32(MSG_OOB))
        try loop.run(until: "a call") { watcher.isCancelled }
        #expect(readiness == [.priority])
    }

    @Test("A watcher that is cancelled is so at once and for good; what is done with it then does nothing")
    func cancelled() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        var calls = 0
        let watcher = try loop.watch(pipe.input, for: .readable) { _, _ in calls += 1 }
        watcher.cancel()
        watcher.cancel()
        try watcher.setInterest(.readable)
        #expect(watcher.isCancelled)
        #expect(watcher.interest == [])
        try pipe.writer.send("hello")
        try loop.run(for: .milliseconds(20))
        #expect(calls == 0)
    }

    @Test("The descriptor is its owner's: the watcher neither reads nor closes it, and it can be watched again")
    func owner() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        try pipe.writer.send("hello")
        var calls = 0
        try loop.watch(pipe.input, for: .readable) { watcher, _ in
            calls += 1
            watcher.cancel()
        }
        try loop.run(until: "a call") { calls == 1 }
        #expect(pipe.bytes == Array("hello".utf8))
        try pipe.writer.send("!")
        try loop.watch(pipe.input, for: .readable) { watcher, _ in
            calls += 1
            watcher.cancel()
        }
        try loop.run(until: "another call") { calls == 2 }
    }

    @Test("It watches whether or not anybody keeps it, and its handler is let go of when it is cancelled")
    func kept() throws {
        final class Witness {}
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        weak var handler: Witness?
        var hasBeenCalled = false
        do {
            let witness = Witness()
            handler = witness
            try loop.watch(pipe.input, for: .readable) { watcher, _ in
                _ = witness
                hasBeenCalled = true
                watcher.cancel()
            }
        }
        #expect(handler != nil)
        try pipe.writer.send("hello")
        try loop.run(until: "a call") { hasBeenCalled }
        #expect(handler == nil)
    }

    @Test("A descriptor that the loop watches already is refused, though a duplicate of it is another one")
    func twice() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let pipe = try Pipe()
        try loop.watch(pipe.input, for: .readable) { _, _ in }
        #expect(throws: Errno.fileExists) { try loop.watch(pipe.input, for: .readable) { _, _ in } }
        let duplicate = Peer(takingOver: dup(pipe.input))
        var calls = 0
        try loop.watch(duplicate.descriptor, for: .readable) { watcher, _ in
            calls += 1
            watcher.cancel()
        }
        try pipe.writer.send("hello")
        try loop.run(until: "a call") { calls == 1 }
    }

    @Test("Two loops may watch one descriptor")
    func twoLoops() throws {
        let loops = [try EventLoop(), try EventLoop()]
        defer { for loop in loops { loop.close() } }
        let pipe = try Pipe()
        var calls: Set<Int> = []
        for (index, loop) in loops.enumerated() { try loop.watch(pipe.input, for: .readable) { _, _ in calls.insert(index) } }
        try pipe.writer.send("hello")
        for (index, loop) in loops.enumerated() { try loop.run(until: "a call") { calls.contains(index) } }
    }

    @Test("A regular file and a directory are refused, since they never keep anybody waiting", arguments: [true, false])
    func notPermitted(isDirectory: Bool) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let descriptor = isDirectory ? unsafe open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : try path.open(O_RDWR)
        defer { close(descriptor) }
        #expect(throws: Errno.notPermitted) { try loop.watch(descriptor, for: .readable) { _, _ in } }
    }

    @Test("A number that is not open is refused", arguments: [-1, 10_000_000] as [Int32])
    func notOpen(number: Int32) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        #expect(throws: Errno(rawValue: EBADF)) { try loop.watch(number, for: .readable) { _, _ in } }
    }

    @Test("With an empty interest nothing is thrown until there is something to watch for; then the interest stays as it was")
    func lateError() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let path = TemporaryPath()
        let descriptor = try path.open(O_RDWR)
        defer { close(descriptor) }
        let watcher = try loop.watch(descriptor, for: []) { _, _ in }
        #expect(throws: Errno.notPermitted) { try watcher.setInterest(.readable) }
        #expect(watcher.interest == [])
        #expect(!watcher.isCancelled)
    }

    @Test("An interest drops bits that stand for nothing")
    func unknownBits() {
        #expect(Interest(rawValue: 0xFF) == [.readable, .writable, .priority])
        #expect(Interest(rawValue: 0b1000).isEmpty)
        #expect(Interest(rawValue: 0b001) == .readable)
        #expect(Interest(rawValue: 0b010) == .writable)
        #expect(Interest(rawValue: 0b100) == .priority)
    }

    @Test("A readiness has the bits of epoll's events")
    func epollBits() {
        // As <sys/epoll.h> has them.
        #expect(Readiness.readable.rawValue == 0x001)
        #expect(Readiness.priority.rawValue == 0x002)
        #expect(Readiness.writable.rawValue == 0x004)
        #expect(Readiness.error.rawValue == 0x008)
        #expect(Readiness.hangUp.rawValue == 0x010)
        #expect(Readiness(rawValue: 0x011) == [.readable, .hangUp])
    }
}
