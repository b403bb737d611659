/// A connection for tasks: messages are awaited, and sending waits for a peer that is behind.
///
/// It is an actor that lives on its loop's thread. The closure that it is handed to runs there, too, isolated to it: so nothing that
/// the closure awaits of its connection costs a hop, and the loop's own `connection` is at its disposal. Any other task may
/// use the connection as well, by hopping.
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
    // Both belong to the loop's thread, and there is nothing isolated to this actor that runs elsewhere. They cannot be handed to it by
    // `sending`, since the loop knows them, too.
    private nonisolated(unsafe) let loopConnection: Connection
    private nonisolated(unsafe) let handler: AsyncConnectionHandler

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe remote.asUnownedSerialExecutor() }

    init(_ connection: Connection, handler: AsyncConnectionHandler) {
        remote = connection.loop.remote
        id = connection.id
        unsafe loopConnection = connection
        unsafe self.handler = handler
    }

    /// The connection as the loop has it, to subscribe it to a topic, or to ask for its addresses.
    ///
    /// Its `send` does not wait, and closes the connection where that of this actor would wait. Pausing its reading is not for others
    /// to do.
    public var connection: Connection { unsafe loopConnection }

    // MARK: - Receiving

    /// The peer's messages.
    public nonisolated var messages: MessageSequence<Message> { MessageSequence(connection: self) { $0 } }

    /// The content of the peer's messages as texts. What is no valid UTF-8 is replaced by U+FFFD.
    public nonisolated var lines: MessageSequence<String> { MessageSequence(connection: self) { $0.text } }

    /// The next message, or nil at the end: what `messages` asks for, and throws what it throws.
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

    /// Sends a text as it is, at the end of the loop's turn. First it waits while so much is due to the peer that the text would exceed
    /// `Connection.Options.maximumPendingOutput`; one that finds nothing waiting goes ahead, whatever its length.
    ///
    /// After the end of the peer's input it still sends, as long as the peer reads.
    ///
    /// Throws a `CloseReason` if the connection is closed or finishing, and `CancellationError` if the task is cancelled while it waits; then nothing was sent.
    public func send(_ text: String) async throws {
        try await send(text.utf8.count) { $0.sendUnlimited(text.utf8.span) }
    }

    /// As `send` of a text, for bytes.
    public func send(_ bytes: [UInt8]) async throws {
        try await send(bytes.count) { $0.sendUnlimited(bytes.span) }
    }

    /// As `send` of a text, for a message, which is passed on with its envelope: a line with its newline.
    public func send(_ message: Message) async throws {
        let bytes = message.wireBytes
        try await send(bytes.count) { $0.sendUnlimited(bytes.span) }
    }

    private func send(_ count: Int, by take: (Connection) -> Bool) async throws {
        let handler = unsafe handler
        var ticket: UInt64?
        defer {
            // What follows would otherwise wait for output that nobody has sent.
            if let ticket, handler.leaveQueue(ticket), connection.pendingOutput == 0 { handler.output.wakeAll() }
        }
        // Nobody overtakes those who wait already, even where there is room.
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

    /// Ends the connection once everything that waits for its peer has been sent: as `Connection.finish`. Does not wait for it.
    public func finish() {
        connection.finish()
    }

    /// Closes the connection at the end of the loop's turn: as `Connection.close`. Does not wait for it.
    public func close() {
        connection.close()
    }

    /// Runs `body` and then ends the connection: by `finish`, or by `close` if `body` throws or the task is cancelled. Returns once
    /// it is closed.
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
