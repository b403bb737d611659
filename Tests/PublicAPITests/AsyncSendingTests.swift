import ChatReactor
import TestSupport
import Testing

/// Sending waits while too much waits for the peer: until the peer reads, the connection ends, or the task is cancelled.
@Suite(.beyondPatience)
struct AsyncSendingTests {
    private static let block = String(repeating: "x", count: 9_999) + "\n"

    private static func limit(_ maximumPendingOutput: Int) -> Connection.Options {
        var options = Connection.Options()
        options.maximumPendingOutput = maximumPendingOutput
        return options
    }

    /// Sends until it has to wait for good; what comes after that is up to the test.
    private func withStalledSender(
        _ body: (Peer, _ sent: () -> Int, _ outcome: Record<Result<Int, any Error>>, EventLoop.Remote) async throws -> Void
    ) async throws {
        let outcome = Record<Result<Int, any Error>>()
        // How much output waits after each block that was sent.
        let waiting = Record<Int>()
        try await withBackgroundLoop { remote in
            try await withServer(on: remote, options: Self.limit(50_000)) { connection in
                connection.connection.setSendBuffer(4_096)
                do {
                    for _ in 0..<2_000 {
                        try await connection.send(Self.block)
                        waiting.append(connection.connection.pendingOutput)
                    }
                    outcome.append(.success(2_000))
                } catch {
                    outcome.append(.failure(error))
                    throw error
                }
            } _: { port in
                let peer = try Peer(port: port, receiveBuffer: 4_096)
                var last = -1
                // It waits once nothing has left for a while.
                while waiting.elements.count != last {
                    last = waiting.elements.count
                    try await Task.sleep(for: .milliseconds(100))
                }
                try await body(peer, { waiting.elements.count }, outcome, remote)
            }
        }
        #expect(waiting.elements.allSatisfy { $0 <= 50_000 })
    }

    @Test func aSenderWaitsForItsPeer() async throws {
        try await withStalledSender { peer, sent, outcome, _ in
            let stalledAt = sent()
            #expect(stalledAt < 2_000, "it never waited")
            let bytes = try peer.receiveAll()
            #expect(bytes.count == 2_000 * 10_000)
            #expect(try await outcome.wait(for: "the end of sending").get() == 2_000)
        }
    }

    @Test func aSenderThatWaitsIsToldOfTheEnd() async throws {
        try await withStalledSender { peer, _, outcome, _ in
            peer.reset()
            let result = try await outcome.wait(for: "the end of sending")
            #expect { try result.get() } throws: { error in
                // Which of the two it is depends on what was under way.
                [.failed(.connectionReset), .failed(.brokenPipe)].contains(error as? CloseReason)
            }
        }
    }

    @Test func aSenderThatWaitsIsToldOfTheLoopsEnd() async throws {
        try await withStalledSender { _, _, outcome, remote in
            try await remote.withLoop { $0.close() }
            let result = try await outcome.wait(for: "the end of sending")
            #expect(throws: CloseReason.shutdown) { try result.get() }
        }
    }

    @Test func waitingToSendCanBeCancelled() async throws {
        try await withBackgroundLoop { remote in
            let isStalled = Record<Bool>()
            let goOn = AsyncStream<Void>.makeStream()
            let stream = goOn.stream
            try await withServer(on: remote, options: Self.limit(1_000)) { connection in
                connection.connection.setSendBuffer(4_096)
                try await connection.send(String(repeating: "x", count: 300_000) + "\n")
                let waiting = Task(executorPreference: connection.remote) { try await connection.send("never\n") }
                await Task.yield()
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                isStalled.append(true)
                for await _ in stream {}
                try await connection.send("after that\n")
            } _: { port in
                let peer = try Peer(port: port, receiveBuffer: 4_096)
                _ = try await isStalled.wait(for: "the cancellation")
                goOn.continuation.finish()
                #expect(try peer.receiveLine()?.count == 300_000)
                #expect(try peer.receiveLine() == "after that")
                #expect(try peer.receiveLine() == nil)
            }
        }
    }

    /// Those among them, too, whose text would still fit while a longer one waits.
    @Test func sendersThatWaitAreServedInTheirOrder() async throws {
        try await withBackgroundLoop { remote in
            try await withServer(on: remote, options: Self.limit(80_000)) { connection in
                connection.connection.setSendBuffer(4_096)
                try await connection.send(String(repeating: "x", count: 60_000) + "\n")
                await withTaskGroup { group in
                    for number in 0..<20 {
                        // They begin, and so come to wait, in this order.
                        group.addTask(executorPreference: connection.remote) {
                            let length = number.isMultiple(of: 2) ? 50_000 : 900
                            try? await connection.send("\(number) " + String(repeating: "y", count: length) + "\n")
                        }
                    }
                }
            } _: { port in
                let peer = try Peer(port: port, receiveBuffer: 4_096)
                let lines = try peer.receiveLines(21)
                #expect(lines.dropFirst().map { $0.prefix { $0 != " " } } == (0..<20).map { Substring("\($0)") })
            }
        }
    }

    @Test func aClosedConnectionTakesNothing() async throws {
        try await withBackgroundLoop { remote in
            let wasRefused = Record<Bool>()
            try await withServer(on: remote) { connection in
                connection.finish()
                await #expect(throws: CloseReason.requested) { try await connection.send("too late\n") }
                wasRefused.append(true)
            } _: { port in
                let peer = try Peer(port: port)
                _ = try await wasRefused.wait(for: "the refusal")
                #expect(try peer.receiveLine() == nil)
            }
        }
    }
}
