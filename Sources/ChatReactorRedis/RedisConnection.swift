#if Redis
    import Reactor

    /// One connection to Redis. It connects at once, and commands may be given from the beginning.
    final class RedisConnection {
        private let loop: EventLoop
        private let parser: ReplyParser
        /// The loop keeps it, and it keeps this.
        private weak var connection: Connection?
        /// The answers that are waited for, in order.
        private var awaited: [Awaited] = []
        /// Whether something was read since the timer was armed.
        private var hasRead = false
        /// How many bytes were not with the other end when the timer was armed.
        private var unsentCount = 0
        private static let shortCount = 16_384
        private lazy var timer = loop.makeTimer { [weak self] in self?.timeIsOver() }
        /// Called once, with the reason, when the connection is lost.
        private var onFailure: ((String) -> Void)?

        private struct Awaited {
            /// How long the answer may take, once all before it are there.
            let timeout: Duration
            let completion: (RedisReply) -> Void
        }

        /// - Parameters:
        ///   - transport: What its bytes pass through, such as TLS; nil for plain bytes.
        ///   - onFailure: Is told why, once, if it cannot be made or is lost. Not if it is closed from here.
        /// - Throws: Why it cannot be begun.
        init(
            to address: SocketAddress, over transport: TransportFactory? = nil, on loop: EventLoop,
            onFailure: @escaping (String) -> Void
        ) throws(RedisFailure) {
            self.loop = loop
            self.onFailure = onFailure
            parser = try ReplyParser()
            var options = Connection.Options()
            options.framing = .chunks
            options.transport = transport
            // What waits is bounded by who gives the commands, and it is the server's own.
            options.maximumPendingOutput = 1 << 30
            options.closesAtMemoryLimit = false
            options.lingerTimeout = .zero
            do throws(Errno) {
                connection = try loop.connect(to: address, options: options, handler: self)
            } catch {
                throw RedisFailure("\(error)")
            }
        }

        /// Closes it. Nobody is told.
        func close() {
            onFailure = nil
            end()
        }

        private func end() {
            timer.cancel()
            awaited = []
            connection?.close()
        }

        private func fail(_ reason: String) {
            let failed = onFailure.take()
            end()
            failed?(reason)
        }

        // MARK: - Commands

        /// Gives a command, which is sent at the end of the turn.
        ///
        /// - Parameters:
        ///   - timeout: How long its answer may take, once all before it are there. The connection is lost then, unless the answer is coming, or what
        ///     was sent is leaving: over a slow line either may take longer.
        ///   - completion: Is called with the answer, unless the connection is lost before.
        func send(_ command: [[UInt8]], timeout: Duration, then completion: @escaping (RedisReply) -> Void) {
            guard onFailure != nil, let connection else { return }
            awaited.append(Awaited(timeout: timeout, completion: completion))
            var bytes = Array("*\(command.count)\r\n".utf8)
            bytes.reserveCapacity(command.reduce(bytes.count) { $0 + $1.count + 32 })
            for argument in command { bytes += "$\(argument.count)\r\n".utf8 + argument + "\r\n".utf8 }
            connection.send(bytes.span)
            if timer.deadline == nil { wait(timeout) }
        }

        func send(_ command: [String], timeout: Duration, then completion: @escaping (RedisReply) -> Void) {
            send(command.map { Array($0.utf8) }, timeout: timeout, then: completion)
        }

        // MARK: - Answers

        private func receive(_ bytes: Span<UInt8>) throws(RedisFailure) {
            hasRead = true
            try parser.append(bytes)
            // What completions ask for is not answered in what has come before.
            for _ in 0..<awaited.count {
                guard let reply = try parser.next() else { return }
                let completion = awaited.removeFirst().completion
                if let next = awaited.first { wait(next.timeout) } else { timer.cancel() }
                completion(reply)
                if onFailure == nil { return }
            }
            if parser.hasMore { throw RedisFailure("it says what was not asked for") }
        }

        private func wait(_ timeout: Duration) {
            hasRead = false
            unsentCount = heldCount
            timer.arm(after: timeout)
        }

        /// How many bytes this process and the kernel hold for the other end.
        private var heldCount: Int {
            guard let connection else { return 0 }
            return connection.waitingCount + (connection.bytesHeldByKernel ?? 0)
        }

        private func timeIsOver() {
            let timeout = awaited.first?.timeout ?? .zero
            // What is short leaves at once, also to an end that answers no more.
            if hasRead || unsentCount > Self.shortCount && heldCount < unsentCount { return wait(timeout) }
            fail("nothing is answered within \(timeout.components.seconds) s")
        }
    }

    extension RedisConnection: ConnectionHandler {
        func connection(_ connection: Connection, didReceive chunks: borrowing MessageBatch) {
            if onFailure == nil { return }
            var failure: RedisFailure?
            chunks.withWireBytes { bytes in
                do throws(RedisFailure) { try receive(bytes) } catch { failure = error }
            }
            if let failure { fail(failure.reason) }
        }

        func connectionDidClose(_ connection: Connection, reason: CloseReason) {
            // With the loop, all that is told of this has ended.
            if reason == .shutdown { onFailure = nil }
            fail(reason == .endOfInput ? "the connection was closed" : "\(reason)")
        }
    }

    /// Why something with Redis has failed.
    struct RedisFailure: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }
#endif
