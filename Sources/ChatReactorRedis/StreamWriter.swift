#if Redis
    import ChatReactor
    import Reactor

    /// Writes to the stream what a server has to say, and says again what it has not read back when the connection breaks.
    final class StreamWriter {
        /// How many entries may be unanswered. What is said meanwhile goes into the next one, so entries become larger as the stream becomes slower.
        private static let windowSize = 8

        private let loop: EventLoop
        private let stream: RedisStream
        private(set) var node: UInt64
        /// What was not read back yet.
        private(set) var outbox: Outbox
        /// How many connections to the stream have been made.
        private var session: UInt32 = 0
        /// Whether the stream can be written to.
        private(set) var isOpen = false
        /// Whether what was written first since the connections were made has been read.
        private var isProven = false
        private var unansweredCount = 0
        private var isFlushScheduled = false
        /// How many entries were written.
        private(set) var writtenCount = 0
        private var waiters = PlaceWaiters()

        init(node: UInt64, to stream: RedisStream, on loop: EventLoop) {
            (self.node, self.stream, self.loop) = (node, stream, loop)
            outbox = Outbox(node: node)
        }

        // MARK: - Writing

        /// Takes messages, which are written at the end of the turn.
        func write(_ messages: borrowing MessageBatch, in range: Range<Int>, from connection: UInt64) {
            outbox.append(messages, in: range, from: connection)
            scheduleFlush()
        }

        func write(_ message: Span<UInt8>, from connection: UInt64) {
            outbox.append(message, from: connection)
            scheduleFlush()
        }

        private func scheduleFlush() {
            if isFlushScheduled { return }
            isFlushScheduled = true
            loop.scheduleFlush(self)
        }

        private func writeUnsent() {
            while isOpen, unansweredCount < Self.windowSize, let entry = outbox.takeUnsent() { append(entry) }
        }

        private func append(_ entry: StreamEntry) {
            unansweredCount += 1
            writtenCount &+= 1
            stream.append(entry)
        }

        /// Says which number the next message has that is sent. When that is read back, everything before it was, or is lost.
        private func writeMarker() { append(StreamEntry(node: node, first: outbox.firstUnsent, session: session)) }

        /// Forgets what was not read back, and is called otherwise from now on.
        func restart(as node: UInt64) {
            self.node = node
            outbox = Outbox(node: node)
            // The one before has the name of before.
            if isOpen { writeMarker() }
            callWaiters(all: true)
        }

        /// Has `callWaiters` call `body` once all that was taken until now was read back.
        func whenRead(_ body: @escaping () -> Void) { waiters.add(until: outbox.messageCount, body) }

        /// - Parameter all: Whether those are called, too, whose messages are not read back.
        func callWaiters(all: Bool = false) {
            for body in waiters.take(upTo: all ? .max : outbox.firstUnread) { body() }
        }

        /// All that was not read back, as whole entries.
        func unread() -> [StreamEntry] { outbox.all(from: 0) }

        // MARK: - What the stream says

        func streamDidOpen() {
            isOpen = true
            isProven = false
            session &+= 1
            // First: so it has the number of what is sent again.
            writeMarker()
            writeUnsent()
        }

        func streamDidAppend() {
            unansweredCount -= 1
            writeUnsent()
        }

        func streamIsQuiet() {
            // All of it is in the stream, and nothing comes: somebody has taken it out, and it would be waited for until somebody speaks, or for ever.
            if isOpen, unansweredCount == 0, !outbox.isEmpty || !isProven { writeMarker() }
        }

        func streamDidFail() {
            isOpen = false
            unansweredCount = 0
            outbox.resend()
        }

        /// An entry was read.
        ///
        /// - Returns: Whether it is the proof that all that was sent before this connection was made was read, or is lost.
        func didRead(_ entry: StreamEntry) -> Bool {
            guard entry.node == node else { return false }
            outbox.remove(before: entry.next)
            let isProof = entry.count == 0 && entry.session == session
            if isProof { isProven = true }
            return isProof
        }
    }

    extension StreamWriter: Flushable {
        /// At the end of a turn, what was said in it is written.
        func flush() {
            isFlushScheduled = false
            writeUnsent()
        }
    }
#endif
