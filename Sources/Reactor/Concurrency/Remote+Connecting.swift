extension EventLoop.Remote {
    /// Connects, runs `body` with the connection, and ends it when `body` does. From any task; `body` runs on the loop's thread.
    ///
    /// ```swift
    /// let answer = try await remote.withConnection(to: address) { connection in
    ///     try await connection.send("how many?\n")
    ///     return try await connection.nextMessage()?.text
    /// }
    /// print(answer ?? "no answer")
    /// ```
    ///
    /// When `body` returns, what waits for the peer is still sent, as by `Connection.finish`; when it throws, or when the task is
    /// cancelled, the connection is closed at once. Either way it is closed when this returns.
    ///
    /// - Parameters:
    ///   - address: Where to: see `EventLoop.connect`.
    ///   - deadline: When to give up connecting; nil leaves that to the kernel, which tries for about two minutes.
    ///   - options: How the connection is to behave.
    ///   - body: What is done with it.
    /// - Throws: What `body` throws, a `CloseReason` if no connection comes about, and `CancellationError` if the task is
    ///   cancelled before one does.
    public func withConnection<Result: Sendable>(
        to address: SocketAddress, deadline: ContinuousClock.Instant? = nil, options: Connection.Options = .init(),
        _ body: @Sendable (isolated AsyncConnection) async throws -> Result
    ) async throws -> Result {
        try await LoopActor(on: self).connect(to: address, deadline: deadline, options: options).whileOpen(body)
    }
}

extension LoopActor {
    fileprivate func connect(
        to address: SocketAddress, deadline: ContinuousClock.Instant?, options: Connection.Options
    ) async throws -> AsyncConnection {
        let loop = try openLoop
        let handler = AsyncConnectionHandler(on: remote)
        let connection: Connection
        do throws(Errno) {
            connection = try loop.connect(to: address, deadline: deadline, options: options.allowingHalfClose, handler: handler)
        } catch {
            throw CloseReason.failed(error)
        }
        while !connection.isOpen {
            if let reason = handler.closeReason { throw reason }
            do {
                try await handler.input.wait(since: handler.input.wakeCount, on: self)
            } catch {
                connection.close()
                throw error
            }
        }
        return handler.makeActor(of: connection)
    }
}
