#if Redis
    import Reactor

    /// A stream of Redis, read and written on the loop: a connection that waits in XREAD, and one that writes. If either is lost, both are made anew, so there
    /// is one thing that can be wrong, and one way to make it right.
    final class RedisStream {
        /// Who reads and writes the stream.
        protocol Owner: AnyObject {
            /// From now on entries can be read, after the last one that was read before, and appended.
            ///
            /// - Parameter isContinued: Whether the stream still has, or once had, what was read last. If not, it has lost its end, or somebody has trimmed it.
            func streamDidOpen(isContinued: Bool)
            /// Entries were read; nil is something that no node has written. Nothing more is until `readOn`.
            ///
            /// - Parameter oldCount: How many of them, the first ones, were there already when the stream was found to have lost its end. Some of those
            ///   may be older than this server.
            func streamDidRead(_ entries: [StreamEntry?], oldCount: Int)
            /// What was appended first of what was not answered is in the stream.
            func streamDidAppend()
            /// Nothing new has come for a second.
            func streamIsQuiet()
            /// The connections are lost, or cannot be made. They are made anew in a moment.
            ///
            /// - Parameter isNew: Whether the reason was not told since what was appended was last read.
            func streamDidFail(_ reason: String, isNew: Bool)
        }

        /// How long connecting may take, and an answer that needs no waiting.
        static let timeout = Duration.seconds(2)
        /// How long a read waits for something: so often it is seen whether Redis is there.
        static let readTime = Duration.seconds(1)
        /// How many entries are read at a time: it bounds how much memory that takes, see `Outbox.entrySize`.
        static let readCount = 32

        private let loop: EventLoop
        private let configuration: ClusterConfiguration
        private let key: String
        /// It keeps this.
        private weak var owner: (any Owner)?
        private var reader: RedisConnection?
        private var writer: RedisConnection?
        private var isReaderReady = false
        private var isWriterReady = false
        private var isReading = false
        private var isContinued = true
        private var isClosed = false
        /// The last entry that was read; nil before the beginning is known.
        private(set) var last: StreamID?
        /// Where the stream ended when it was found to have lost its end.
        private var oldEnd = StreamID.zero
        private let findsLast: Bool
        private var attemptCount = 0
        /// How often it has failed since it was last proven.
        private var failureCount = 0
        /// Why, as far as that was told: a host may have several addresses, which are tried in turn.
        private var reasons: Set<String> = []
        private lazy var retryTimer = loop.makeTimer { [weak self] in self?.open() }

        /// - Parameters:
        ///   - key: What the stream is called in Redis.
        ///   - findsLast: Whether what was read last has to be in the stream still. One that has lost its end may have come further since, and then goes on
        ///     as if nothing were missing; but what was lost comes at another place, or not at all.
        init(_ configuration: ClusterConfiguration, key: String, findsLast: Bool = false, on loop: EventLoop, owner: any Owner) {
            (self.configuration, self.key, self.loop, self.owner) = (configuration, key, loop, owner)
            self.findsLast = findsLast
        }

        deinit { closeConnections() }

        /// Closes the connections for good. The owner is told nothing more.
        func close() {
            isClosed = true
            closeConnections()
            retryTimer.cancel()
        }

        /// Connects, until it succeeds.
        func open() {
            closeConnections()
            // A name may have several addresses, at not all of which there is a Redis.
            let address = configuration.addresses[attemptCount % configuration.addresses.count]
            attemptCount += 1
            do throws(RedisFailure) {
                let reader = try connect(to: address)
                self.reader = reader
                let writer = try connect(to: address)
                self.writer = writer
                logIn(reader)
                logIn(writer)
                findPosition(reader)
                ask(writer, ["PING"]) { stream, _ in
                    stream.isWriterReady = true
                    stream.begin()
                }
            } catch {
                // Later, since whoever has called this may not expect it yet.
                let reason = "\(address): \(error.reason)"
                loop.schedule(after: .zero) { [weak self] in self?.fail(reason) }
            }
        }

        private func connect(to address: SocketAddress) throws(RedisFailure) -> RedisConnection {
            try RedisConnection(to: address, over: configuration.transport, on: loop) { [weak self] in
                self?.fail("\(address): \($0)")
            }
        }

        private func closeConnections() {
            reader?.close()
            writer?.close()
            (reader, writer) = (nil, nil)
            (isReaderReady, isWriterReady, isReading) = (false, false, false)
        }

        private func fail(_ reason: String) {
            if isClosed { return }
            closeConnections()
            failureCount += 1
            // So that many nodes do not come back at the same moment.
            let delay = Duration.milliseconds(min(100 << min(failureCount - 1, 5), 2_000))
            retryTimer.arm(after: delay * Double.random(in: 0.5...1))
            // Some reasons have the name of an entry in them, so there might be any number.
            owner?.streamDidFail(reason, isNew: reasons.count < 16 && reasons.insert(reason).inserted)
        }

        /// Gives a command, whose answer must not be an error.
        private func ask(
            _ connection: RedisConnection, _ command: [String], then completion: @escaping (RedisStream, RedisReply) -> Void
        ) {
            connection.send(command, timeout: Self.timeout) { [weak self] reply in
                guard let self else { return }
                if case .error(let text) = reply { return fail("Redis answers \(command[0]) with: \(text)") }
                completion(self, reply)
            }
        }

        // MARK: - Opening

        private func logIn(_ connection: RedisConnection) {
            // A user may need no password. To be the default one instead would be another thing than was asked for.
            if configuration.place.user == nil, configuration.password == nil { return }
            ask(connection, ["AUTH"] + [configuration.place.user].compactMap(\.self) + [configuration.password ?? ""]) { _, _ in }
        }

        /// Finds out where to read from: the end of the stream at first, by its name, so that nothing is missed between one read and the next; and
        /// later where reading ended, if the stream has come as far.
        private func findPosition(_ reader: RedisConnection) {
            reader.send(["XINFO", "STREAM", key], timeout: Self.timeout) { [weak self] reply in
                guard let self else { return }
                let end: StreamID
                if case .error(let text) = reply {
                    guard text.hasPrefix("ERR no such key") else {
                        return fail("Redis answers XINFO STREAM \(key) with: \(text)")
                    }
                    end = .zero
                } else if let bytes = reply["last-generated-id"]?.bytes, let id = StreamID(bytes) {
                    end = id
                } else {
                    return fail("Redis does not say where the stream \(key) ends")
                }
                guard findsLast, let last, last > .zero, last <= end else {
                    return position(at: end, isContinued: last.map { $0 <= end } ?? true)
                }
                ask(reader, ["XREVRANGE", key, "\(last)", "\(last)", "COUNT", "1"]) { stream, reply in
                    // A stream that was emptied still knows its last name.
                    stream.position(at: end, isContinued: last == end || reply.elements?.isEmpty == false)
                }
            }
        }

        private func position(at end: StreamID, isContinued: Bool) {
            self.isContinued = isContinued
            if !isContinued {
                // All of it is read again. What was read before is known by its number.
                last = .zero
                oldEnd = end
            }
            last = last ?? end
            isReaderReady = true
            begin()
        }

        private func begin() {
            guard isReaderReady, isWriterReady else { return }
            owner?.streamDidOpen(isContinued: isContinued)
        }

        /// What was appended was read: so it works in both directions.
        func isProven() { (failureCount, reasons) = (0, []) }

        // MARK: - Reading

        /// Reads what comes next, once. Does nothing if that is being done, or cannot be.
        func readOn() {
            guard isReaderReady, !isReading, let reader, let last else { return }
            isReading = true
            let milliseconds = Self.readTime / .milliseconds(1)
            let command = [
                "XREAD", "COUNT", "\(Self.readCount)", "BLOCK", "\(Int(milliseconds))", "STREAMS", key, "\(last)",
            ]
            reader.send(command, timeout: Self.readTime + Self.timeout) { [weak self] reply in self?.didRead(reply) }
        }

        private func didRead(_ reply: RedisReply) {
            isReading = false
            switch reply {
            case .error(let text): return fail("Redis answers XREAD with: \(text)")
            case .null: return checkPosition()
            default: break
            }
            // [[key, [[id, [name, value, …]], …]]]
            guard let elements = reply.elements?.first?.elements?.last?.elements else {
                return fail("Redis answers XREAD with something else than entries")
            }
            var entries: [StreamEntry?] = []
            var oldCount = 0
            for element in elements {
                guard let parts = element.elements, let id = parts.first?.bytes.flatMap(StreamID.init) else {
                    return fail("Redis answers XREAD with something else than entries")
                }
                // Also of one that cannot be read, or it would be read for ever.
                last = id
                if id <= oldEnd { oldCount += 1 }
                var entry = parts.last?[Self.field]?.bytes.flatMap(StreamEntry.init)
                entry?.time = id.time
                entries.append(entry)
            }
            owner?.streamDidRead(entries, oldCount: oldCount)
        }

        /// Nothing has come for a second, which may be because the stream was made anew: then it is read by names that will not come.
        private func checkPosition() {
            guard let reader, let last else { return }
            ask(reader, ["XREVRANGE", key, "+", "-", "COUNT", "1"]) { stream, reply in
                let id = reply.elements?.first?.elements?.first?.bytes.flatMap(StreamID.init)
                // One that was emptied still knows its last name.
                if let id, id < last {
                    return stream.fail("the stream \(stream.key) has gone back from \(last) to \(id)")
                }
                stream.owner?.streamIsQuiet()
                stream.readOn()
            }
        }

        // MARK: - Writing

        /// Its name is the version of what it has.
        private static let field = "chatd1"

        func append(_ entry: StreamEntry) {
            guard let writer else { return }
            let before = last
            let command = ["XADD", key, "MAXLEN", "~", "\(max(configuration.streamLength, 100))", "*", Self.field]
            writer.send(command.map { Array($0.utf8) } + [entry.encoded], timeout: Self.timeout) { [weak self] reply in
                self?.didAppend(reply, after: before)
            }
        }

        /// - Parameter before: The last entry that had been read when it was sent. It is the older one, or it would never be read.
        private func didAppend(_ reply: RedisReply, after before: StreamID?) {
            if case .error(let text) = reply { return fail("Redis answers XADD with: \(text)") }
            guard let id = reply.bytes.flatMap(StreamID.init) else { return fail("Redis answers XADD with no name of an entry") }
            if let before, id <= before { return fail("the stream \(key) has gone back from \(before) to \(id)") }
            owner?.streamDidAppend()
        }
    }
#endif
