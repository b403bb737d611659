#if ServiceLifecycle
    import ChatReactor
    import ChatReactorService
    import Glibc
    import ServiceLifecycle
    import ServiceLifecycleTestKit
    import TestSupport
    import Testing

    /// An event loop as a service: a graceful shutdown drains it, a cancellation ends it at once.
    @Suite struct EventLoopServiceTests {
        @Test func `a group's graceful shutdown sends what waits, and the group ends`() async throws {
            let place = Place()
            let service = EventLoopService(drainTimeout: .seconds(3_600)) { loop in
                place.announce(try loop.listen(on: .loopback(port: 0), handler: Generous()).address)
            }
            let group = ServiceGroup(services: [service])
            async let end: Void = group.run()
            let port = try #require(await place.address.port)
            let client = try await onThread { try Peer(port: port, receiveBuffer: 4_096) }
            let first = try await onThread { try client.receiveLine() }
            #expect(first == Generous.line)

            await group.triggerGracefulShutdown()
            try await onThread {
                // Nobody is accepted any more, but the client that is connected gets all that it should.
                try wait(for: "the listener to close") { (try? Peer(port: port)) == nil }
                let rest = try client.receiveAll()
                #expect(rest.count == (Generous.count - 1) * (Generous.line.utf8.count + 1))
                client.close()
            }
            try await end
        }

        @Test func `a chat server's clients get what was said, and then the end`() async throws {
            let place = Place()
            let service = EventLoopService { loop in
                place.announce(try ChatServer(on: loop).listen(on: .loopback(port: 0)).address)
            }
            try await testGracefulShutdown { trigger in
                async let end: Void = service.run()
                let port = try #require(await place.address.port)
                try await onThread {
                    let one = try Peer(port: port)
                    let two = try Peer(port: port)
                    // A line goes to the clients that have been accepted.
                    try wait(for: "both to be in") {
                        try one.send("hello\n")
                        return two.receiveAvailable() != []
                    }
                    trigger.triggerGracefulShutdown()
                    #expect(try one.receiveAll() == [])
                    _ = try two.receiveAll()
                }
                try await end
            }
        }

        @Test func `who does not read is waited for until the drain timeout`() async throws {
            let place = Place()
            let service = EventLoopService(drainTimeout: .milliseconds(50)) { loop in
                place.announce(try loop.listen(on: .loopback(port: 0), handler: Generous()).address)
            }
            try await testGracefulShutdown { trigger in
                async let end: Void = service.run()
                let port = try #require(await place.address.port)
                let client = try await onThread { try Peer(port: port, receiveBuffer: 4_096) }
                let first = try await onThread { try client.receiveLine() }
                #expect(first == Generous.line)
                let start = ContinuousClock.now
                trigger.triggerGracefulShutdown()
                try await end
                #expect(start.duration(to: .now) >= .milliseconds(50))
                client.close()
            }
        }

        @Test func `a cancellation closes everything at once`() async throws {
            let place = Place()
            let service = EventLoopService(drainTimeout: .seconds(3_600)) { loop in
                place.announce(try loop.listen(on: .loopback(port: 0), handler: Generous()).address)
            }
            let running = Task { try await service.run() }
            let port = try #require(await place.address.port)
            let client = try await onThread { try Peer(port: port, receiveBuffer: 4_096) }
            let first = try await onThread { try client.receiveLine() }
            #expect(first == Generous.line)
            running.cancel()
            try await running.value
            #expect(throws: Errno.connectionRefused) { try Peer(port: port) }
            client.close()
        }

        @Test func `a shutdown or a cancellation before the service runs ends it, too`() async throws {
            try await testGracefulShutdown { trigger in
                trigger.triggerGracefulShutdown()
                try await EventLoopService { loop in try loop.listen(on: .loopback(port: 0), handler: Generous()) }.run()
            }
            let running = Task {
                while !Task.isCancelled { await Task.yield() }
                try await EventLoopService { loop in try loop.listen(on: .loopback(port: 0), handler: Generous()) }.run()
            }
            running.cancel()
            try await running.value
        }

        @Test func `what the start throws ends the service`() async throws {
            let listener = try EventLoop().listen(on: .loopback(port: 0), handler: Generous())
            let address = listener.address
            let service = EventLoopService { loop in try loop.listen(on: address, handler: Generous()) }
            await #expect(throws: Errno.addressInUse) { try await service.run() }
            listener.close()
        }

        @Test func `a loop that stops by itself ends the service`() async throws {
            let service = EventLoopService { loop in
                loop.schedule(after: .zero) { loop.stop() }
            }
            try await service.run()
        }

        @Test func `a loop has a thread of its own and one configuration`() async throws {
            var configuration = EventLoop.Configuration()
            configuration.readSize = 4_096
            let service = EventLoopService(configuration: configuration) { loop in
                #expect(loop.configuration.readSize == 4_096)
                let starter = currentThread()
                loop.schedule(after: .zero) {
                    #expect(starter == currentThread())
                    loop.stop()
                }
            }
            // Two at once: on a pool of few threads, loops that blocked them would end this.
            try await withThrowingTaskGroup { group in
                for _ in 0..<16 { group.addTask { try await service.run() } }
                try await group.waitForAll()
            }
        }

        /// Says more to everyone who comes than the kernel takes at once.
        private final class Generous: ConnectionHandler {
            static let line = String(repeating: "l", count: 999)
            static let count = 1_000

            func connectionDidOpen(_ connection: Connection) {
                connection.send(String(repeating: Self.line + "\n", count: Self.count))
            }

            func connection(_ connection: Connection, didReceive messages: borrowing MessageBatch) {}
        }

        /// Where a service has come to listen.
        private final class Place: Sendable {
            private let stream: AsyncStream<SocketAddress>
            private let continuation: AsyncStream<SocketAddress>.Continuation

            init() {
                (stream, continuation) = AsyncStream.makeStream()
            }

            func announce(_ address: SocketAddress) {
                continuation.yield(address)
            }

            /// Waits until it is known.
            var address: SocketAddress {
                get async {
                    for await address in stream { return address }
                    return .unix(path: "")
                }
            }
        }
    }
#endif
