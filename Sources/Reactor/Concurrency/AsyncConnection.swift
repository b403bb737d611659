/// A connection for tasks: messages are awaited, and sending waits for a slow peer.
///
/// It is an actor that lives on its loop's thread. The closure that gets it runs there, too, isolated to it: so the closure
/// awaits its connection without a hop, and may use the loop's own `connection`. Any other task may use the connection as well,
/// by hopping.
///
/// ```swift
/// try await remote.withConnection(to: .loopback(port: 3001)) { connection in
///     try await connection.send("hello\n")
///     for try await line in connection.lines { print(line) }
/// }
/// ```
public actor AsyncConnection {
    /// The loop that the connection is on.
    public nonisolated let remote: EventLoop.Remote
    /// Names the connection for as long as it lives: see `EventLoop.connection(_:)`.
    public nonisolated let id: Connection.ID
    // Both belong to the loop's thread, and nothing that is isolated to this actor runs elsewhere. `sending` parameters would not
    // do, since the loop refers to them, too.
    private nonisolated(unsafe) let loopConnection: Connection
    private nonisolated(unsafe) let handler: AsyncConnectionHandler

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    init(_ connection: Connection, handler: AsyncConnectionHandler) {
        remote = connection.loop.remote
        id = connection.id
        unsafe loopConnection = connection
        unsafe self.handler = handler
    }

    /// The loop's connection, to subscribe it to a topic, or to ask for its addresses.
    ///
    /// Its `send` does not wait, and closes the connection where that of this actor would wait. This actor pauses and resumes its
    /// reading, so no other code may.
    public var connection: Connection { unsafe loopConnection }

    // MARK: - Receiving

    /// The peer's messages.
    public nonisolated var messages: MessageSequence<Message> { MessageSequence(connection: self) { $0 } }

    /// The content of the peer's messages as texts. Bytes that are no valid UTF-8 are replaced by U+FFFD.
    public nonisolated var lines: MessageSequence<String> { MessageSequence(connection: self) { $0.text } }

    /// The next message, or nil at the end. Throws what iterating `messages` throws.
    public func nextMessage() async throws -> Message? {
        let handler = unsafe handler
        while true {
            if let message = handler.popMessage() { return message }
            if handler.hasReadToEnd, handler.closeReason == nil {
                try Task.checkCancellation()
                return nil
            }
            if let reason = handler.closeReason {
                try Task.checkCancellation()
                if reason == .endOfInput || reason == .requested { return nil }
                throw reason
            }
            handler.read(connection)
            try await handler.input.wait(since: handler.input.wakeCount, on: self)
        }
    }

    // MARK: - Sending

    /// Sends a text as it is, at the end of the loop's turn. First it waits while so much output is pending that the text would
    /// exceed `Connection.Options.maximumPendingOutput`. If nothing is pending, it does not wait, whatever the length of the
    /// text.
    ///
    /// After the end of the peer's input it still sends, as long as the peer reads.
    ///
    /// Throws a `CloseReason` if the connection is closed or finishing, and `CancellationError` if the task is cancelled while it
    /// waits; then nothing was sent.
    public func send(_ text: String) async throws {
        try await send(text.utf8.count) { $0.sendUnlimited(text.utf8.span) }
    }

    /// Sends bytes, as `send` of a text does.
    public func send(_ bytes: [UInt8]) async throws {
        try await send(bytes.count) { $0.sendUnlimited(bytes.span) }
    }

    /// Sends a message with its envelope, a line with its newline, as `send` of a text does.
    public func send(_ message: Message) async throws {
        let bytes = message.wireBytes
        try await send(bytes.count) { $0.sendUnlimited(bytes.span) }
    }

    private func send(_ count: Int, by take: (Connection) -> Bool) async throws {
        let handler = unsafe handler
        var ticket: UInt64?
        defer {
            // With nothing pending, no `connectionDidDrain` would wake the next in the queue.
            if let ticket, handler.leaveQueue(ticket), connection.pendingOutput == 0 { handler.output.wakeAll() }
        }
        // A task does not overtake others that wait already, even where there is room.
        while connection.isTakingMessages,
            !handler.isNext(ticket) || (connection.pendingOutput > 0 && !connection.hasRoom(for: count))
        {
            ticket = ticket ?? handler.joinQueue()
            connection.owesDrain = true
            try await handler.output.wait(since: handler.output.wakeCount, on: self)
        }
        if take(connection) { return }
        try Task.checkCancellation()
        throw connection.reason
    }

    // MARK: - Closing

    /// Ends the connection once everything that waits for its peer has been sent, as `Connection.finish` does. Returns at once.
    public func finish() {
        connection.finish()
    }

    /// Closes the connection at the end of the loop's turn, as `Connection.close` does. Returns at once.
    public func close() {
        connection.close()
    }

    /// Runs `body` and then ends the connection: by `finish`, or by `close` if `body` throws or the task is cancelled. Returns
    /// once it is closed.
    func whileOpen<Result: Sendable>(
        _ body: @Sendable (isolated AsyncConnection) async throws -> Result
    ) async throws -> Result {
        try await withTaskCancellationHandler {
            do {
                let result = try await body(self)
                finish()
                await unsafe handler.waitForClose()
                return result
            } catch {
                close()
                await unsafe handler.waitForClose()
                throw error
            }
        } onCancel: {
            remote.execute { [id] loop in loop.connection(id)?.close() }
        }
    }
}
