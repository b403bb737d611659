import ChatReactor
import Glibc
import TestSupport
import Testing

/// A connection lives as long as the closure that it is passed to. The closure's end, failure and cancellation close it.
@Suite(.beyondPatience)
struct AsyncConnectionTests {
    private struct Mishap: Error, Equatable {}

    /// A listener of the test's own, whose peers are plain blocking sockets.
    private final class Host {
        let descriptor: Int32
        let port: UInt16

        init() throws {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            listen(descriptor, 16)
            var name = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = unsafe withUnsafeMutablePointer(to: &name) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
            }
            if result < 0 { throw Errno(rawValue: errno) }
            self.descriptor = descriptor
            var time = timeval(tv_sec: 10, tv_usec: 0)
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
            port = UInt16(bigEndian: name.sin_port)
        }

        deinit { close(descriptor) }

        var address: SocketAddress { .loopback(port: port) }

        /// The next who connects; waits for it as long as a receive does.
        func accept() -> Peer { Peer(takingOver: Glibc.accept(descriptor, nil, nil)) }
    }

    @Test func aClientTalksAndGetsAnAnswer() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let answer = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { connection in
                    try await connection.send("how many?\n")
                    return try await connection.nextMessage()?.text
                }
            }
            let peer = host.accept()
            #expect(try peer.receiveLine() == "how many?")
            try peer.send("seven\n")
            #expect(try peer.receiveLine() == nil)
            peer.close()
            #expect(try await answer.value == "seven")
        }
    }

    @Test func theBodyRunsOnTheLoopsThread() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let thread = try await remote.withLoop { _ in currentThread() }
            let threads = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { connection in
                    var threads: Set = [currentThread()]
                    _ = try await connection.nextMessage()
                    threads.insert(currentThread())
                    try await remote.sleep(for: .milliseconds(1))
                    threads.insert(currentThread())
                    #expect(connection.connection.remoteAddress == address)
                    return threads
                }
            }
            let peer = host.accept()
            try peer.send("hello\n")
            #expect(try peer.receiveLine() == nil)
            peer.close()
            #expect(try await threads.value == [thread])
        }
    }

    /// What was sent last still arrives, although the body has returned long before its peer reads.
    @Test func whatWasSentArrivesAfterTheBodyHasReturned() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let bodyHasReturned = Record<Bool>()
            let done = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { connection in
                    try await connection.send([UInt8](repeating: 10, count: 5_000_000))
                    bodyHasReturned.append(true)
                }
            }
            let peer = host.accept()
            _ = try await bodyHasReturned.wait(for: "the body")
            #expect(try peer.receiveAll().count == 5_000_000)
            peer.close()
            try await done.value
        }
    }

    @Test func aBodyThatThrowsClosesTheConnection() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let task = Task(executorPreference: remote) { try await remote.withConnection(to: address) { _ in throw Mishap() } }
            let peer = host.accept()
            let end = try peer.receiveLine()
            #expect(end == nil)
            await #expect(throws: Mishap()) { try await task.value }
        }
    }

    @Test func aBodyThatThrowsDoesNotWaitForItsPeerToTakeWhatWasSent() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let task = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { connection in
                    // More than the kernel takes.
                    try await connection.send([UInt8](repeating: 0x78, count: 32_000_000))
                    throw Mishap()
                }
            }
            let peer = host.accept()
            let count = (try? peer.receiveAll().count) ?? 0
            #expect(count < 32_000_000)
            await #expect(throws: Mishap()) { try await task.value }
        }
    }

    @Test func cancellingClosesTheConnection() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let connected = Record<Connection.ID>()
            let task = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { connection in
                    connected.append(connection.id)
                    for try await _ in connection.lines {}
                }
            }
            let peer = host.accept()
            let id = try await connected.wait(for: "the connection")
            #expect(try await remote.withLoop { $0.connection(id) != nil })
            task.cancel()
            #expect(try peer.receiveLine() == nil)
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await remote.withLoop { $0.connection(id) == nil })
        }
    }

    /// Even one that heeds nothing.
    @Test func cancellingClosesTheConnectionOfABodyThatWaitsForSomethingElse() async throws {
        let host = try Host()
        let address = host.address
        let goOn = AsyncStream<Void>.makeStream()
        let stream = goOn.stream
        try await withBackgroundLoop { remote in
            let task = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { _ in
                    await Task { for await _ in stream {} }.value
                }
            }
            let peer = host.accept()
            task.cancel()
            let end = try peer.receiveLine()
            #expect(end == nil)
            goOn.continuation.finish()
            _ = await task.result
        }
    }

    @Test func aConnectionThatIsRefusedIsThrown() async throws {
        let port = try Host().port
        try await withBackgroundLoop { remote in
            await #expect(throws: CloseReason.failed(.connectionRefused)) {
                try await remote.withConnection(to: .loopback(port: port)) { _ in Issue.record("it is connected") }
            }
            await #expect(throws: CloseReason.failed(Errno(rawValue: ENOENT))) {
                try await remote.withConnection(to: .temporaryPath()) { _ in Issue.record("it is connected") }
            }
        }
    }

    /// A listener whose queue is full answers no one.
    @Test func connectingHasADeadlineAndCanBeCancelled() async throws {
        let host = try Host()
        let address = host.address
        listen(host.descriptor, 0)
        let fillers = try (0..<1).map { _ in try Peer(port: host.port) }
        try await withBackgroundLoop { remote in
            await #expect(throws: CloseReason.connectTimedOut) {
                try await remote.withConnection(to: address, deadline: .now.advanced(by: .milliseconds(50))) { _ in }
            }
            let task = Task(executorPreference: remote) { try await remote.withConnection(to: address) { _ in } }
            try await remote.withLoop { _ in }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(fillers.count == 1)
    }

    @Test func theMemoryOfAConnectionIsFreed() async throws {
        let host = try Host()
        let address = host.address
        try await withBackgroundLoop { remote in
            let reference = Record<WeakConnection>()
            let done = Task(executorPreference: remote) {
                try await remote.withConnection(to: address) { connection in
                    reference.append(WeakConnection(connection: connection))
                    for try await line in connection.lines { try await connection.send(line + "\n") }
                }
            }
            let peer = host.accept()
            try peer.send("hello\n")
            #expect(try peer.receiveLine() == "hello")
            peer.close()
            try await done.value
            try await remote.withLoop { _ in }
            #expect(reference.elements.count == 1 && reference.elements.allSatisfy { $0.connection == nil })
        }
    }
}

private struct WeakConnection: Sendable {
    weak var connection: AsyncConnection?
}
