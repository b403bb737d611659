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
    // Both belong to the loop's thread, as the connection of an AsyncConnection does.
    private nonisolated(unsafe) let queue: AcceptQueue
    private nonisolated(unsafe) let listener: Listener

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    fileprivate init(_ listener: Listener, _ queue: AcceptQueue, on remote: EventLoop.Remote) {
        address = listener.address
        self.remote = remote
        unsafe self.queue = queue
        unsafe self.listener = listener
    }

    /// Serves each connection in a child task in which `body` runs on the loop's thread. A connection ends when its `body` does:
    /// see `EventLoop.Remote.withConnection`.
    ///
    /// Returns when the listener is closed, by `close` or with its loop, and the last `body` has ended. When the task is
    /// cancelled, every connection that it serves is closed, and this throws `CancellationError`. The listener goes on listening
    /// then: connections wait until `serve` is called again, or until `EventLoop.Remote.withListener` returns.
    ///
    /// - Parameters:
    ///   - onError: Called with what a `body` throws, which ends that connection alone: for a log. It is called by the
    ///     connection's task, on any thread.
    ///   - body: What is done with each connection.
    public func serve(
        onError: @escaping @Sendable (any Error) -> Void = { _ in },
        _ body: @escaping @Sendable (isolated AsyncConnection) async throws -> Void
    ) async throws {
        await withDiscardingTaskGroup { group in
            while let connection = await nextConnection() {
                group.addTask {
                    do { try await connection.whileOpen(body) } catch { onError(error) }
                }
            }
        }
        try Task.checkCancellation()
    }

    /// Nil once the listener is closed, or the task is cancelled.
    private func nextConnection() async -> AsyncConnection? {
        let queue = unsafe queue
        while !Task.isCancelled {
            if let connection = queue.popFirst() { return connection }
            if queue.isClosed { return nil }
            try? await queue.arrivals.wait(since: queue.arrivals.wakeCount, on: self)
        }
        return nil
    }

    /// Stops listening. Connections that were accepted live on.
    public func close() {
        unsafe listener.close()
    }

    /// Stops listening, and closes the connections that no task serves.
    fileprivate func shutDown() async {
        close()
        while let connection = unsafe queue.popFirst() { await connection.close() }
    }
}

extension EventLoop.Remote {
    /// Listens on an address for as long as `body` runs, which runs where the caller does. From any task. With port 0 the kernel
    /// picks one.
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

    /// Leaves the loop's actor before `body` is called. Inlined, Swift 6.3 would run `body` on the loop's thread, in release
    /// builds alone: see "A body that runs on a foreign executor" in Docs/workarounds.md.
    @inline(never)
    private func listen(on address: SocketAddress, options: Connection.Options) async throws -> AsyncListener {
        try await LoopActor(on: self).listen(on: address, options: options)
    }

    /// Listens on an address and serves each connection, until the task is cancelled or the loop is closed: see
    /// `AsyncListener.serve`.
    ///
    /// ```swift
    /// try await remote.serve(on: .loopback(port: 3001)) { connection in
    ///     for try await message in connection.messages { try await connection.send(message) }
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - address: Where.
    ///   - options: How the connections are to behave.
    ///   - onError: Called with what a `body` throws, which ends that connection alone.
    ///   - body: What is done with each connection.
    public func serve(
        on address: SocketAddress, options: Connection.Options = .init(),
        onError: @escaping @Sendable (any Error) -> Void = { _ in },
        _ body: @escaping @Sendable (isolated AsyncConnection) async throws -> Void
    ) async throws {
        try await withListener(on: address, options: options) { try await $0.serve(onError: onError, body) }
    }
}

extension LoopActor {
    fileprivate func listen(on address: SocketAddress, options: Connection.Options) throws -> AsyncListener {
        let loop = try openLoop
        let queue = AcceptQueue(on: remote)
        do throws(Errno) {
            // The actor lives on the loop's thread, on which this is called: so neither leaves that thread.
            nonisolated(unsafe) let accepted = queue
            nonisolated(unsafe) let listener = try loop.listen(on: address, options: options.allowingHalfClose) { [remote] in
                AsyncConnectionHandler(on: remote, accepted: queue)
            }
            unsafe listener.onClose = { queue.close() }
            return unsafe AsyncListener(listener, accepted, on: remote)
        } catch {
            throw CloseReason.failed(error)
        }
    }
}
