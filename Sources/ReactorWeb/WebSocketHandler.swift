package import Reactor

/// Speaks WebSocket on a connection, for a handler that gets its messages as if they had come as lines.
///
///      frames ──> unmasked, checked ──> text ──> lines ──> the handler
///                        └──> ping: answered; close: answered, and the connection finishes
///
/// What the handler sends by `Connection.sendMessage` becomes frames by the connection's framing, which is a ``WebSocketFraming``. However the
/// connection finishes, the last that it sends is a Close frame.
package final class WebSocketHandler: ProtocolHandler {
    package let handler: any ConnectionHandler
    private let framing: WebSocketFraming
    private let pingInterval: Duration?
    private var reader: WebSocketReader
    private var pingTimer: EventLoop.Timer?
    /// When a frame has last come, or a part of one was seen to have come.
    private var lastHeard = ContinuousClock.now
    /// How much of an unfinished frame there was when the peer was last looked for.
    private var unfinishedByteCount = 0
    private var awaitsPong = false
    /// What the Close frame says. With nil, that follows from why the connection finishes.
    private var ending: Ending?
    private var hasEnded = false

    private struct Ending {
        /// Nil if the peer has not said why it closes: then it is not told either.
        let code: WebSocketCloseCode?
        var reason = ""
    }

    /// - Parameters:
    ///   - options: Those that the handler's connection is to have: see `connectionOptions`.
    ///   - pingInterval: How long a peer may be silent before it is asked whether it is there; nil for never.
    package init(_ handler: any ConnectionHandler, role: TransportRole, options: Connection.Options, pingInterval: Duration?) {
        self.handler = handler
        self.pingInterval = pingInterval
        framing = WebSocketFraming(role: role)
        reader = WebSocketReader(isServer: role == .server, limit: options.maximumMessageLength)
    }

    /// What a connection needs whose handler wants these options.
    package static func connectionOptions(_ options: Connection.Options, role: TransportRole) -> Connection.Options {
        var options = options
        options.framing = WebSocketFraming(role: role)
        return options
    }

    package var heldByteCount: Int { reader.capacity }

    // MARK: - What the connection tells

    package func connectionDidOpen(_ connection: Connection) {
        armPingTimer(of: connection)
        handler.connectionDidOpen(connection)
    }

    package func connection(_ connection: Connection, didReceive frames: borrowing MessageBatch) {
        lastHeard = .now
        awaitsPong = false
        for index in 0..<frames.count {
            // The handler may have ended the connection at the message before.
            if connection.isFinishing || !connection.isOpen { return }
            frames.withWireBytes(in: index..<index + 1) { receive($0, over: connection) }
        }
    }

    /// The frame was too long as a whole, and is passed over.
    package func connectionDidDiscardMessage(_ connection: Connection) {
        // A message of which a part is lacking is none.
        if reader.isInMessage || handler is any WebSocketMessageHandler {
            return fail(.init(.messageTooBig, "a message that is too long"), over: connection)
        }
        reader.passOver()
        handler.connectionDidDiscardMessage(connection)
    }

    package func connectionDidDrain(_ connection: Connection) { handler.connectionDidDrain(connection) }

    package func connectionDidReadToEnd(_ connection: Connection) { handler.connectionDidReadToEnd(connection) }

    package func connectionDidTimeOut(_ connection: Connection, reason: CloseReason) {
        handler.connectionDidTimeOut(connection, reason: reason)
    }

    package func connectionDidClose(_ connection: Connection, reason: CloseReason) {
        pingTimer?.cancel()
        pingTimer = nil
        connection.heldByteCountDidChange(by: -heldByteCount)
        _ = reader.takeMessage()
        handler.connectionDidClose(connection, reason: reason)
    }

    // MARK: - Frames

    private func receive(_ frame: Span<UInt8>, over connection: Connection) {
        let (header, length): (WebSocketFrameHeader, Int)
        switch WebSocketFrameHeader.parse(frame) {
        case .header(let parsed, let end): (header, length) = (parsed, end)
        case .malformed(let why): return fail(.init(.protocolError, why), over: connection)
        case .incomplete: return fail(.init(.protocolError, "half a frame"), over: connection)
        }
        do throws(WebSocketReader.Failure) { try reader.check(header) } catch { return fail(error, over: connection) }
        let payload = frame.extracting(droppingFirst: length)
        // A byte more: for the newline that makes a line of a text.
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: payload.count + 1) { memory in
            guard let base = memory.baseAddress else { return }
            unsafe exclusiveOr(payload, with: header.mask ?? 0, into: base)
            unsafe receive(header, UnsafeMutableBufferPointer(start: base, count: payload.count), over: connection)
        }
    }

    /// - Parameter payload: Unmasked, and with room for one byte behind it.
    private func receive(
        _ header: WebSocketFrameHeader, _ payload: UnsafeMutableBufferPointer<UInt8>, over connection: Connection
    ) {
        let event: WebSocketReader.Event
        let held = heldByteCount
        defer { connection.heldByteCountDidChange(by: heldByteCount - held) }
        do throws(WebSocketReader.Failure) {
            event = try unsafe reader.receive(header, UnsafeBufferPointer(payload).span)
        } catch {
            return fail(error, over: connection)
        }
        switch event {
        case .part: break
        case .pong: break
        case .ping:
            // A peer that asks and does not read the answers gets no more of them.
            if connection.pendingOutput > 65_536 { return }
            connection.send(unsafe framing.frame(UnsafeBufferPointer(payload).span, as: .pong).span)
        case .close(let code):
            ending = Ending(code: code)
            connection.finish(reason: .endOfInput)
        case .message(let kind, isInParts: false): unsafe deliver(payload, as: kind, over: connection)
        case .message(let kind, isInParts: true):
            var message = reader.takeMessage()
            let count = message.count
            message.append(0)
            unsafe message.withUnsafeMutableBufferPointer { message in
                unsafe deliver(UnsafeMutableBufferPointer(start: message.baseAddress, count: count), as: kind, over: connection)
            }
        }
    }

    /// - Parameter message: With room for one byte behind it.
    private func deliver(
        _ message: UnsafeMutableBufferPointer<UInt8>, as kind: WebSocketMessageKind, over connection: Connection
    ) {
        if let handler = handler as? any WebSocketMessageHandler {
            return unsafe handler.connection(connection, didReceive: UnsafeBufferPointer(message).span, as: kind)
        }
        guard kind == .text else { return fail(.init(.unsupportedData, "only text is taken here"), over: connection) }
        let ends = unsafe connection.options.batchesMessages ? splitLines(message) : [UInt32(joinLines(message))]
        guard let base = message.baseAddress, !ends.isEmpty else { return }
        // The frame was counted as one.
        if ends.count > 1 { connection.countMessages(ends.count - 1) }
        unsafe ends.withUnsafeBufferPointer { ends in
            guard let first = ends.baseAddress else { return }
            unsafe handler.connection(
                connection,
                didReceive: MessageBatch(base: base, start: 0, ends: first, count: ends.count, terminatorLength: 1))
        }
    }

    // MARK: - The end

    private func fail(_ failure: WebSocketReader.Failure, over connection: Connection) {
        ending = Ending(code: failure.code, reason: failure.description)
        connection.finish(reason: failure.code == .messageTooBig ? .messageTooLong : .malformedMessage)
    }

    package func takeEnd(of connection: Connection, reason: CloseReason) -> [UInt8]? {
        if hasEnded { return nil }
        hasEnded = true
        let ending = ending ?? Ending(code: WebSocketCloseCode(for: reason))
        var payload: [UInt8] = []
        if let code = ending.code {
            payload = [UInt8(code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)] + ending.reason.utf8
        }
        return framing.frame(payload.span, as: .close)
    }

    // MARK: - Who is there

    /// How long a peer may be silent before it is asked: so that who answers is never silent for as long as the options allow.
    private func interval(of connection: Connection) -> Duration? {
        guard let pingInterval else { return nil }
        return connection.options.idleTimeout.map { min(pingInterval, $0 / 2) } ?? pingInterval
    }

    private func armPingTimer(of connection: Connection, from start: ContinuousClock.Instant = .now) {
        guard let interval = interval(of: connection) else { return }
        let timer =
            pingTimer
            ?? connection.loop.makeTimer { [weak self, weak connection] in
                if let self, let connection { look(for: connection) }
            }
        pingTimer = timer
        timer.arm(at: start.advanced(clamping: interval))
    }

    /// A peer that is silent is asked, and one that has not answered is gone.
    private func look(for connection: Connection) {
        guard let interval = interval(of: connection), !connection.isFinishing else { return }
        // Nobody hears a peer whose reading is paused, and one that is in the midst of a long frame cannot answer before its end.
        if connection.pauses > 0 || connection.unfinishedByteCount != unfinishedByteCount || connection.hasUnreadInput {
            unfinishedByteCount = connection.unfinishedByteCount
            lastHeard = .now
            awaitsPong = false
        }
        if lastHeard.duration(to: .now) < interval { return armPingTimer(of: connection, from: lastHeard) }
        if awaitsPong { return connection.close(reason: .idleTimedOut) }
        awaitsPong = true
        connection.send(framing.frame([UInt8]().span, as: .ping).span)
        armPingTimer(of: connection)
    }
}

// MARK: - Lines

/// Makes lines of a text, each ending with a newline, in the memory in which it lies. A carriage return before a newline goes.
///
/// - Parameter text: With room for one byte behind it.
/// - Returns: Where each line ends. A text is one line at least.
private func splitLines(_ text: UnsafeMutableBufferPointer<UInt8>) -> [UInt32] {
    let (newline, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    guard let base = text.baseAddress else { return [] }
    var (end, ends): (Int, [UInt32]) = (0, [])
    for index in 0..<text.count {
        let byte = unsafe text[index]
        if byte == newline, end > 0, unsafe base[end - 1] == carriageReturn { end -= 1 }
        unsafe base[end] = byte
        end += 1
        if byte == newline { ends.append(UInt32(truncatingIfNeeded: end)) }
    }
    if ends.last.map({ Int($0) < end }) ?? true {
        unsafe base[end] = newline
        ends.append(UInt32(truncatingIfNeeded: end + 1))
    }
    return ends
}

/// Makes one line of a text, for a handler that gets each message alone: spaces in place of its line ends, and none at its end.
///
/// - Returns: Where the line ends, with its newline.
private func joinLines(_ text: UnsafeMutableBufferPointer<UInt8>) -> Int {
    guard let base = text.baseAddress else { return 0 }
    var (end, isBehindLineEnd) = (0, false)
    for index in 0..<text.count {
        let byte = unsafe text[index]
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
            isBehindLineEnd = true
            continue
        }
        if isBehindLineEnd, end > 0 {
            unsafe base[end] = UInt8(ascii: " ")
            end += 1
        }
        isBehindLineEnd = false
        unsafe base[end] = byte
        end += 1
    }
    unsafe base[end] = UInt8(ascii: "\n")
    return end + 1
}
