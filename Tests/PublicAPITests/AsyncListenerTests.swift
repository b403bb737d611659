import ChatReactor
import Glibc
import TestSupport
import Testing

/// A listener serves each connection in a task of its own, and ends with its task.
@Suite(.beyondPatience)
struct AsyncListenerTests {
    private struct Mishap: Error {}

    @Test func theBodyRunsWhereItsCallerDoes() async throws {
        try await withBackgroundLoop { remote in
            let thread = currentThread()
            try await remote.withListener(on: .loopback(port: 0)) { _ in #expect(currentThread() == thread) }
            #expect(currentThread() == thread)
        }
    }

    @Test func manyConnectionsAreServedAtOnce() async throws {
        try await withBackgroundLoop { remote in
            try await withServer(on: remote) { connection in
                for try await message in connection.messages { try await connection.send(message) }
            } _: { port in
                let peers = try (0..<100).map { _ in try Peer(port: port) }
                for round in 0..<3 {
                    for (number, peer) in peers.enumerated() { try peer.send("\(round) \(number)\n") }
                    for (number, peer) in peers.enumerated() { #expect(try peer.receiveLine() == "\(round) \(number)") }
                }
            }
        }
    }

    @Test func aBodyThatThrowsEndsItsConnectionAlone() async throws {
        try await withBackgroundLoop { remote in
            try await withServer(on: remote) { connection in
                for try await line in connection.lines {
                    if line == "fail" { throw Mishap() }
                    try await connection.send(line + "\n")
                }
            } _: { port in
                let (first, second) = (try Peer(port: port), try Peer(port: port))
                try first.send("fail\n")
                #expect(try first.receiveLine() == nil)
                try second.send("hello\n")
                #expect(try second.receiveLine() == "hello")
                let third = try Peer(port: port)
                try third.send("hello\n")
                #expect(try third.receiveLine() == "hello")
            }
        }
    }

    @Test func cancellingClosesEveryConnectionAndTheListener() async throws {
        try await withBackgroundLoop { remote in
            let port = Record<UInt16>()
            let server = Task(executorPreference: remote) {
                try await remote.withListener(on: .loopback(port: 0)) { listener in
                    port.append(try #require(listener.address.port))
                    try await listener.serve { connection in for try await _ in connection.lines {} }
                }
            }
            let number = try await port.wait(for: "the port")
            let peers = try (0..<10).map { _ in try Peer(port: number) }
            server.cancel()
            for peer in peers {
                // Ended, if it was served, and reset, if it was still in the kernel's queue.
                _ = try? peer.receiveLine()
            }
            await #expect(throws: CancellationError.self) { try await server.value }
            try waitUntilRefused(at: .loopback(port: number))
        }
    }

    @Test func closingTheListenerLetsTheConnectionsLiveOn() async throws {
        try await withBackgroundLoop { remote in
            let ends = Record<Void>()
            try await remote.withListener(on: .loopback(port: 0)) { listener in
                let port = try #require(listener.address.port)
                let server = Task(executorPreference: remote) {
                    try await listener.serve { connection in
                        for try await line in connection.lines { try await connection.send(line + "\n") }
                    }
                    ends.append(())
                }
                let peer = try Peer(port: port)
                try peer.send("hello\n")
                #expect(try peer.receiveLine() == "hello")
                await listener.close()
                try waitUntilRefused(at: .loopback(port: port))
                try peer.send("still here\n")
                #expect(try peer.receiveLine() == "still here")
                #expect(ends.elements.isEmpty)
                peer.shutDownSending()
                #expect(try peer.receiveLine() == nil)
                peer.close()
                try await server.value
            }
        }
    }

    @Test func whoeverIsNotServedIsClosedWithTheListener() async throws {
        try await withBackgroundLoop { remote -> Void in
            let peer = try await remote.withListener(on: .loopback(port: 0)) { listener in
                let peer = try Peer(port: try #require(listener.address.port))
                try peer.send("hello?\n")
                // Accepted by then.
                try await remote.withLoop { _ in }
                return peer
            }
            // The end, or a reset, since nobody has read what it sent.
            #expect((try? peer.receiveLine()) == nil)
        }
    }

    @Test func anAddressInUseIsThrown() async throws {
        try await withBackgroundLoop { remote in
            try await remote.withListener(on: .loopback(port: 0)) { listener in
                await #expect(throws: CloseReason.failed(.addressInUse)) {
                    try await remote.withListener(on: listener.address) { _ in Issue.record("it listens") }
                }
            }
        }
    }

    /// An actor that is not of the loop, with state that only its own executor may touch.
    private actor Caller {
        private var count = 0

        func listen(on remote: EventLoop.Remote) async throws -> Int {
            for _ in 0..<100 {
                try await remote.withListener(on: .loopback(port: 0)) { _ in
                    #expect(remote.isIsolatingCurrentContext() == false)
                    preconditionIsolated()
                    count += 1
                }
                #expect(remote.isIsolatingCurrentContext() == false)
                preconditionIsolated()
            }
            return count
        }
    }

    @Test func theBodyIsIsolatedToItsCaller() async throws {
        try await withBackgroundLoop { remote in
            let count = try await Caller().listen(on: remote)
            #expect(count == 100)
        }
    }

    @Test func aSecondServeGoesOnAfterACancelledOne() async throws {
        try await withBackgroundLoop { remote in
            try await remote.withListener(on: .loopback(port: 0)) { listener in
                let port = try #require(listener.address.port)
                for round in 0..<3 {
                    let server = Task {
                        try await listener.serve { connection in
                            for try await line in connection.lines { try await connection.send("\(line) \(round)\n") }
                        }
                    }
                    let peer = try Peer(port: port)
                    try peer.send("hello\n")
                    #expect(try peer.receiveLine() == "hello \(round)")
                    server.cancel()
                    await #expect(throws: CancellationError.self) { try await server.value }
                    #expect(try peer.receiveLine() == nil)
                }
            }
        }
    }

    @Test func whatABodyThrowsIsReported() async throws {
        let errors = Record<String>()
        try await withBackgroundLoop { remote in
            try await remote.withListener(on: .loopback(port: 0)) { listener in
                let server = Task {
                    try await listener.serve(onError: { errors.append("\($0)") }) { connection in
                        _ = try await connection.nextMessage()
                        throw Mishap()
                    }
                }
                let peer = try Peer(port: try #require(listener.address.port))
                try peer.send("hello\n")
                #expect(try await errors.wait(for: "the error") == "\(Mishap())")
                server.cancel()
                _ = await server.result
            }
        }
    }
}
