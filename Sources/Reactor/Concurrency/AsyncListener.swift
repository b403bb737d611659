/// A socket that accepts connections, each of which is served by a task of its own.
///
/// ```swift
/// try await remote.withListener(on: .loopback(port: 3001)) { listener in
///     print("listening on \(listener.address)")
///     try await listener.serve { connection in
///         for try await message in connection.messages { try await connection.send(message) }
///     }
/// }
/// ```
public actor AsyncListener {
    /// The address that the listener is bound to: its port is the real one, even where 0 was asked for.
    public nonisolated let address: SocketAddress
    private nonisolated let remote: EventLoop.Remote
    /// Those who have been accepted, and whom no task serves yet.
    private nonisolated let connections: AsyncStream<AsyncConnection>
    // As in AsyncConnection.
    private nonisolated(unsafe) let listener: Listener

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    init(_ listener: Listener, of connections: AsyncStream<AsyncConnection>, on remote: EventLoop.Remote) {
        address = listener.address
        self.remote = remote
        self.connections = connections
        unsafe self.listener = listener
    }

    /// Serves those who connect, each in a child task in which `body` runs on the loop's thread. A connection ends when its `body`
    /// does: see `EventLoop.Remote.withConnection`.
    ///
    /// What `body` throws ends that connection alone. Returns when the listener is closed, by `close` or with its loop, and the last
    /// `body` has ended. Throws `CancellationError` when the task is cancelled, which closes every connection.
    public func serve(_ body: @escaping @Sendable (isolated AsyncConnection) async throws -> Void) async throws {
        await withDiscardingTaskGroup { group in
            for await connection in connections {
                group.addTask { try? await connection.whileOpen(body) }
            }
        }
        try Task.checkCancellation()
    }

    /// Stops listening. Those who have been accepted live on.
    public func close() {
        unsafe listener.close()
    }

    /// Stops listening, and turns away those whom no task serves.
    fileprivate func shutDown() async {
        close()
        for await connection in connections { await connection.close() }
    }
}

extension EventLoop.Remote {
    /// Listens on an address for as long as `body` runs. From any task. Port 0 has the kernel pick one.
    ///
    /// Throws what `body` throws, and a `CloseReason` if nothing can listen there.
    public func withListener<Result>(
        on address: SocketAddress, options: Connection.Options = .init(),
        _ body: (AsyncListener) async throws -> Result
    ) async throws -> Result {
        let listener = try await listen(on: address, options: options)
        do {
            let result = try await body(listener)
            await listener.shutDown()
            return result
        } catch {
            await listener.shutDown()
            throw error
        }
    }

    /// A function of its own, to come back from the loop's thread: Swift 6.3 calls a `body` that is nonisolated right where an actor's
    /// method has returned.
    private func listen(on address: SocketAddress, options: Connection.Options) async throws -> AsyncListener {
        try await LoopActor(on: self).listen(on: address, options: options)
    }

    /// Listens on an address and serves those who connect, until the task is cancelled or the loop is closed: see
    /// `AsyncListener.serve`.
    ///
    /// ```swift
    /// try await remote.serve(on: .loopback(port: 3001)) { connection in
    ///     for try await message in connection.messages { try await connection.send(message) }
    /// }
    /// ```
    public func serve(
        on address: SocketAddress, options: Connection.Options = .init(),
        _ body: @escaping @Sendable (isolated AsyncConnection) async throws -> Void
    ) async throws {
        try await withListener(on: address, options: options) { try await $0.serve(body) }
    }
}

extension LoopActor {
    fileprivate func listen(on address: SocketAddress, options: Connection.Options) throws -> AsyncListener {
        let loop = try openLoop
        let (connections, accepted) = AsyncStream<AsyncConnection>.makeStream()
        do throws(Errno) {
            // As in AsyncConnectionHandler.makeActor.
            nonisolated(unsafe) let listener = try loop.listen(on: address, options: options.allowingHalfClose) { [remote] in
                AsyncConnectionHandler(on: remote, accepted: accepted)
            }
            unsafe listener.onClose = { accepted.finish() }
            return unsafe AsyncListener(listener, of: connections, on: remote)
        } catch {
            throw CloseReason.failed(error)
        }
    }
}
