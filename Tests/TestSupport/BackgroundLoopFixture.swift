public import Reactor
import Testing

/// Runs `body` with a loop on a thread of its own, which has ended when this returns.
///
/// The body has a thread of its own, too, and may block it. Swift's pool has as many threads as the machine has cores, and other tests may
/// block all of them. So if a body blocks, what it waits for must be done by a task that prefers the loop.
@discardableResult
public func withBackgroundLoop<Result>(_ body: (EventLoop.Remote) async throws -> Result) async throws -> Result {
    let background = try BackgroundLoop()
    let own = try BackgroundLoop()
    let result: Swift.Result<Result, any Error>
    do {
        result = .success(try await withTaskExecutorPreference(own.remote) { try await body(background.remote) })
    } catch {
        result = .failure(error)
    }
    try await background.stop()
    try await own.stop()
    return try result.get()
}

/// Starts a server on 127.0.0.1, passes its port to `body`, and cancels the server after that.
public func withServer(
    on remote: EventLoop.Remote, options: Connection.Options = .init(),
    serving: @escaping @Sendable (isolated AsyncConnection) async throws -> Void, _ body: (UInt16) async throws -> Void
) async throws {
    try await remote.withListener(on: .loopback(port: 0), options: options) { listener in
        let server = Task(executorPreference: remote) { try await listener.serve(serving) }
        do {
            try await body(try #require(listener.address.port))
        } catch {
            server.cancel()
            throw error
        }
        server.cancel()
        _ = await server.result
    }
}
