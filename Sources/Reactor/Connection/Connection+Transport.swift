import Glibc

/// A transport, and the bytes that it has sealed. A plain connection has none.
final class TransportState {
    let transport: any Transport
    /// Sealed bytes that the kernel has not taken yet. The connection seals nothing more while there are any, so these are one
    /// `WireBuffer.outputSize` at most, and what a step of the handshake, the transport's own answers and the end add.
    fileprivate var sealed: [UInt8] = []
    fileprivate var hasBegun = false
    fileprivate var hasSealedEnd = false
    fileprivate var isHandshakeScheduled = false

    init(_ transport: any Transport) {
        self.transport = transport
    }

    var sealedCount: Int { sealed.count }
    /// How many bytes of memory they have.
    var sealedCapacity: Int { sealed.capacity }

    /// How much a transport may answer by itself to a peer that does not read: more than a read of questions asks for.
    fileprivate static let longestAnswers = 131_072
    /// How many sealed bytes may wait: those answers, and what the handshake has left.
    fileprivate var sealedLimit = TransportState.longestAnswers
}

/// How a connection works that has a transport.
extension Connection {
    // MARK: - The handshake

    /// Has the loop take the next step of the handshake when it is this connection's turn. A step may take a millisecond, and
    /// four hundred steps in one turn would hold up all other connections.
    func scheduleHandshake() {
        guard let transport, !transport.isHandshakeScheduled else { return }
        transport.isHandshakeScheduled = true
        loop.scheduleHandshake(self)
    }

    func continueHandshake() {
        guard let state = transport else { return }
        state.isHandshakeScheduled = false
        guard phase == .establishing else { return }
        isBlocked = false
        guard writeSealed() else {
            // Without this, epoll would report in each turn what the peer sends meanwhile, and the loop would spin.
            if phase == .establishing { updateInterest(.writable) }
            return
        }
        let buffer = loop.wireBuffer
        let count = unsafe kind.read(rawDescriptor, into: buffer.input, count: buffer.inputSize)
        if count == 0 { return close(reason: .truncated) }
        if count < 0 {
            let error = Errno.last
            guard error == .wouldBlock || error == .interrupted else { return close(reason: .failed(error)) }
            // The first step needs no input, since a client speaks first.
            if state.hasBegun { return updateInterest(.readable) }
        } else {
            loop.didRead(count)
        }
        state.hasBegun = true
        var wire = buffer.wire(inputCount: max(count, 0))
        do throws(TransportFailure) {
            var isComplete = false
            var mustGoOn = true
            while mustGoOn {
                isComplete = try state.transport.establish(&wire)
                mustGoOn = !isComplete && wire.isFull
                keepSealed(from: &wire)
            }
            // The kernel may not take all of the last step's output yet. The input that has come with that step is delivered
            // all the same.
            _ = writeSealed()
            guard isComplete, phase == .establishing else { return }
            state.sealedLimit = state.sealedCount &+ TransportState.longestAnswers
            open()
            deliver(&wire)
        } catch {
            transportDidFail(error, &wire)
        }
    }

    // MARK: - Reading

    func readSealed() {
        let buffer = loop.wireBuffer
        let count = unsafe kind.read(rawDescriptor, into: buffer.input, count: buffer.inputSize)
        if count > 0 {
            loop.didRead(count)
            var wire = buffer.wire(inputCount: count)
            deliver(&wire)
            if inputLimits != nil { countBytes(count) }
        } else if count == 0 {
            readToEnd()
        } else {
            readFailed(.last)
        }
    }

    /// Opens the input and delivers its messages.
    private func deliver(_ wire: inout TransportWire) {
        guard let state = transport else { return }
        while isTakingMessages {
            let buffer = loop.readBuffer
            buffer.reserveHeadroom(sharedOptions.longestTail)
            var opened = 0
            var failure: TransportFailure?
            do throws(TransportFailure) {
                while opened < buffer.readSize {
                    let before = wire.inputCount
                    let room = unsafe UnsafeMutableRawBufferPointer(
                        start: buffer.start + opened, count: buffer.readSize &- opened)
                    let count = try unsafe state.transport.open(&wire, into: room)
                    opened &+= min(max(count, 0), room.count)
                    // The transport may answer by itself, to a change of keys perhaps.
                    keepSealed(from: &wire)
                    if state.sealedCount > state.sealedLimit {
                        throw TransportFailure("the peer has this side answer, and does not read")
                    }
                    if count <= 0, wire.inputCount == before { break }
                }
            } catch {
                failure = error
            }
            if opened > 0 { receive(opened) }
            if let failure { return transportDidFail(failure, &wire) }
            if opened == 0 { break }
        }
        if hasWaitingOutput, !isBlocked { scheduleFlush() }
        readToEndOfTransport()
    }

    /// Ends the input if the transport says that it has ended, once all of it is delivered.
    func readToEndOfTransport() {
        guard isTakingMessages, !hasReadToEnd, !messages.isUnparsed, let transport, transport.transport.hasEnded else { return }
        readToEnd()
    }

    /// Closes the connection. The transport's output may be an alert that says why, so it is sent first.
    private func transportDidFail(_ failure: TransportFailure, _ wire: inout TransportWire) {
        keepSealed(from: &wire)
        _ = writeSealed()
        close(reason: .transportFailed(failure))
    }

    // MARK: - Writing

    /// Seals runs of bytes and writes them, until all are sealed or the kernel takes no more. Returns how many bytes are sealed:
    /// the connection will send these, so the caller counts them as sent.
    func sealAndWrite(
        _ leading: UnsafeRawBufferPointer, _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer
    ) -> Int {
        guard writeSealed(), let state = transport else { return 0 }
        var taken = 0
        do throws(TransportFailure) {
            for index in 0..<3 {
                var rest = unsafe index == 0 ? leading : index == 1 ? first : second
                while unsafe !rest.isEmpty {
                    var wire = loop.wireBuffer.wire()
                    while unsafe !rest.isEmpty {
                        let count = try unsafe min(max(state.transport.seal(rest, &wire), 0), rest.count)
                        if count == 0 { break }
                        taken &+= count
                        unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
                    }
                    // A transport that neither takes bytes nor makes output would be called for ever.
                    if wire.outputCount == 0 { throw TransportFailure("nothing could be sealed") }
                    if !writeSealed(from: &wire) { return taken }
                }
            }
        } catch {
            close(reason: .transportFailed(error))
        }
        return taken
    }

    /// Seals the end, and returns whether the kernel has taken it. If not, `flush` calls this again.
    func sealEnd() -> Bool {
        guard let state = transport else { return true }
        if !state.hasSealedEnd {
            state.hasSealedEnd = true
            var wire = loop.wireBuffer.wire()
            state.transport.sealEnd(&wire)
            keepSealed(from: &wire)
        }
        return writeSealed()
    }

    private func keepSealed(from wire: inout TransportWire) {
        if wire.outputCount == 0 { return }
        changeSealed { sealed in unsafe wire.emptyOutput { unsafe sealed.append(contentsOf: $0) } }
    }

    private func changeSealed(_ change: (inout [UInt8]) -> Void) {
        guard let state = transport else { return }
        let before = state.sealed.capacity
        change(&state.sealed)
        loop.bufferedByteCount &+= state.sealed.capacity &- before
    }

    func dropSealed() { changeSealed { $0 = [] } }

    /// Writes what the wire holds, straight from there, and keeps what the kernel does not take. There must be no sealed bytes that wait.
    /// Returns what `writeSealed()` returns.
    private func writeSealed(from wire: inout TransportWire) -> Bool {
        var isWhole = false
        var error: Errno?
        unsafe wire.emptyOutput { bytes in
            let written = unsafe write(bytes)
            isWhole = written == bytes.count
            if isWhole { return }
            if written < 0 { error = .last }
            changeSealed { sealed in unsafe sealed.append(contentsOf: bytes.dropFirst(max(written, 0))) }
        }
        if !isWhole { sendFellShort(error) }
        return isWhole
    }

    /// Writes sealed bytes by one system call, and returns its result.
    private func write(_ sealed: UnsafeRawBufferPointer) -> Int {
        let written = unsafe kind.write(rawDescriptor, sealed)
        // Only counts: what the call says of its failure stays.
        loop.didSend(calls: 1, bytes: max(written, 0))
        return written
    }

    /// Writes the sealed bytes that wait, and returns whether the kernel has taken all of them. If not, the connection is blocked or
    /// closed.
    private func writeSealed() -> Bool {
        guard phase != .closed, let state = transport else { return false }
        if state.sealed.isEmpty { return true }
        if isBlocked || hasFailedOutput { return false }
        let written = unsafe state.sealed.withUnsafeBytes { unsafe write($0) }
        if written < 0 {
            sendFellShort(.last)
            return false
        }
        if written == state.sealed.count {
            dropSealed()
            return true
        }
        changeSealed { $0.removeFirst(written) }
        block()
        return false
    }
}
