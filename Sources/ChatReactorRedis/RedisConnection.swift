#if Redis
    import CReactorHiredis
    import Glibc
    import Reactor

    /// One connection to Redis: hiredis on the loop. It connects at once, and commands may be given from the beginning.
    ///
    /// hiredis owns the descriptor and closes it, right after it has called `cleanup`, which cancels the watcher. It may free its context within any of its
    /// functions, so nobody looks at that after a call but by `context`, which is nil from then on.
    @safe final class RedisConnection {
        private var context: UnsafeMutablePointer<redisAsyncContext>?
        private let loop: EventLoop
        private var watcher: DescriptorWatcher?
        private var interest: Interest = []
        /// Those that are waited for, in order.
        private var completions: [(RedisReply) -> Void] = []
        /// How long each answer may take, of those that are waited for.
        private var timeouts: [Duration] = []
        /// Whether something was read since the timer was armed.
        private var hasRead = false
        /// How many bytes were not with the other end when the timer was armed.
        private var unsentCount = 0
        private static let shortCount = 16_384
        private lazy var timer = loop.makeTimer { [weak self] in self?.timeIsOver() }
        /// Called once, with the reason, when the connection is lost.
        private var onFailure: ((String) -> Void)?
        /// Whether SIGPIPE does nothing in this process anyway, as in chatd.
        private let ignoresBrokenPipes = RedisConnection.areBrokenPipesIgnored

        /// - Parameter onFailure: Is told why, once, if it cannot be made or is lost. Not if it is closed from here.
        /// - Throws: Why it cannot be begun.
        init(to address: SocketAddress, on loop: EventLoop, onFailure: @escaping (String) -> Void) throws(RedisFailure) {
            self.loop = loop
            self.onFailure = onFailure
            // An address is a number here, which is looked up nowhere.
            let made =
                switch address {
                case .unix(let path): unsafe redisAsyncConnectUnix(path)
                default: unsafe redisAsyncConnect(address.numericHost, Int32(address.port ?? 0))
                }
            guard let made = unsafe made else { throw RedisFailure("cannot connect: \(Errno.noMemory)") }
            if unsafe made.pointee.err != 0 {
                let reason = unsafe Self.reason(made)
                unsafe redisAsyncFree(made)
                throw RedisFailure(reason)
            }
            do throws(Errno) {
                watcher = try loop.watch(unsafe made.pointee.c.fd, for: []) { [weak self] _, readiness in self?.isReady(readiness)
                }
            } catch {
                unsafe redisAsyncFree(made)
                throw RedisFailure("cannot connect: \(error)")
            }
            unsafe context = made
            if let reader = unsafe made.pointee.c.reader, let functions = unsafe Self.functions {
                unsafe reader.pointee.fn = functions
            }
            // Until `cleanup`.
            let retained = unsafe Unmanaged.passRetained(self).toOpaque()
            unsafe made.pointee.ev.data = retained
            unsafe made.pointee.ev.addRead = { unsafe RedisConnection.of($0)?.watch(.readable, true) }
            unsafe made.pointee.ev.delRead = { unsafe RedisConnection.of($0)?.watch(.readable, false) }
            unsafe made.pointee.ev.addWrite = { unsafe RedisConnection.of($0)?.watch(.writable, true) }
            unsafe made.pointee.ev.delWrite = { unsafe RedisConnection.of($0)?.watch(.writable, false) }
            unsafe made.pointee.ev.cleanup = { data in
                guard let data = unsafe data else { return }
                unsafe Unmanaged<RedisConnection>.fromOpaque(data).takeRetainedValue().cleanUp()
            }
            // This also has it wait until it is connected.
            unsafe redisAsyncSetConnectCallback(made, { _, _ in })
        }

        /// What makes replies: hiredis's own functions, but for arrays of more elements than Redis takes arguments. hiredis would make room for two thousand
        /// million, and take a minute to look at each of them when it lets go of the reply.
        nonisolated(unsafe) private static let functions: UnsafeMutablePointer<redisReplyObjectFunctions>? = {
            guard let originals else { return nil }
            let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
            unsafe functions.initialize(to: originals)
            unsafe functions.pointee.createArray = { task, count in
                count > 1 << 20 ? nil : unsafe RedisConnection.originals?.createArray(task, count)
            }
            return unsafe functions
        }()

        private static let originals: redisReplyObjectFunctions? = {
            guard let reader = unsafe redisReaderCreate() else { return nil }
            defer { unsafe redisReaderFree(reader) }
            return unsafe reader.pointee.fn.pointee
        }()

        private static func of(_ data: UnsafeMutableRawPointer?) -> RedisConnection? {
            guard let data = unsafe data else { return nil }
            return unsafe Unmanaged<RedisConnection>.fromOpaque(data).takeUnretainedValue()
        }

        private static func reason(_ context: UnsafeMutablePointer<redisAsyncContext>) -> String {
            // Of an error of the system, hiredis has the system's words.
            guard unsafe context.pointee.err != 0, let text = unsafe context.pointee.errstr
            else { return "the connection was closed" }
            return unsafe String(cString: text)
        }

        /// Closes it. Nobody is told.
        func close() {
            onFailure = nil
            end()
        }

        private func end() {
            timer.cancel()
            if let context = unsafe context { unsafe redisAsyncFree(context) }
        }

        // MARK: - Commands

        /// Gives a command.
        ///
        /// - Parameters:
        ///   - timeout: How long its answer may take, once all before it are there. The connection is lost then, unless the answer is coming, or what
        ///     was sent is leaving: over a slow line either may take longer.
        ///   - completion: Is called with the answer, unless the connection is lost before.
        func send(_ command: [[UInt8]], timeout: Duration, then completion: @escaping (RedisReply) -> Void) {
            guard let context = unsafe context else { return }
            completions.append(completion)
            timeouts.append(timeout)
            let lengths = command.map(\.count)
            // One piece of memory for all arguments, since each has to stay where it is during the call.
            let bytes = command.flatMap(\.self).map { CChar(bitPattern: $0) }
            let result = unsafe bytes.withUnsafeBufferPointer { bytes in
                var offset = 0
                var pointers: [UnsafePointer<CChar>?] = unsafe lengths.map { length in
                    defer { offset += length }
                    return unsafe bytes.baseAddress.map { unsafe $0 + offset }
                }
                return unsafe redisAsyncCommandArgv(
                    context, { context, reply, _ in unsafe RedisConnection.of(context?.pointee.ev.data)?.didAnswer(reply) }, nil,
                    Int32(command.count), &pointers, lengths)
            }
            if result != REDIS_OK { return fail("no command can be given") }
            if timer.deadline == nil { wait(timeout) }
        }

        func send(_ command: [String], timeout: Duration, then completion: @escaping (RedisReply) -> Void) {
            send(command.map { Array($0.utf8) }, timeout: timeout, then: completion)
        }

        /// Sends what was given now, and not in the next turn.
        func flush() {
            // Within a completion hiredis does not expect that its context is let go of, as it is if this fails: then it is done right after that.
            guard let context = unsafe context, interest.contains(.writable),
                unsafe context.pointee.c.flags & (REDIS_CONNECTED | REDIS_IN_CALLBACK) == REDIS_CONNECTED
            else { return }
            unsafe write(context)
        }

        /// Has hiredis write. It does so by `write`, which raises SIGPIPE if the other end is gone: no signal is to end an embedder's process.
        private func write(_ context: UnsafeMutablePointer<redisAsyncContext>) {
            if ignoresBrokenPipes { return unsafe redisAsyncHandleWrite(context) }
            var isDone: Int32 = 0
            var result = REDIS_OK
            Self.withoutBrokenPipes { result = unsafe redisBufferWrite(&context.pointee.c, &isDone) }
            // It writes no more then: it goes on after the last byte, or after the error. That calls what may call anything, so no signal is blocked.
            if isDone != 0 || result != REDIS_OK { unsafe redisAsyncHandleWrite(context) }
        }

        private static var areBrokenPipesIgnored: Bool {
            var action = sigaction()
            guard unsafe sigaction(SIGPIPE, nil, &action) == 0 else { return false }
            return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
                == unsafeBitCast(SIG_IGN, to: Int.self)
        }

        /// Calls `body` with SIGPIPE blocked for this thread, and takes away the one that it raises.
        private static func withoutBrokenPipes(_ body: () -> Void) {
            var (brokenPipe, before, pending) = (sigset_t(), sigset_t(), sigset_t())
            unsafe sigemptyset(&brokenPipe)
            unsafe sigaddset(&brokenPipe, SIGPIPE)
            unsafe sigpending(&pending)
            unsafe pthread_sigmask(SIG_BLOCK, &brokenPipe, &before)
            body()
            if unsafe sigismember(&pending, SIGPIPE) == 0 {
                var noTime = timespec()
                while unsafe sigtimedwait(&brokenPipe, nil, &noTime) == -1, errno == EINTR {}
            }
            unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
        }

        // MARK: - What hiredis says

        private func didAnswer(_ reply: UnsafeMutableRawPointer?) {
            // Without an answer, the connection is being lost.
            guard let reply = unsafe reply, onFailure != nil, !completions.isEmpty else { return }
            let completion = completions.removeFirst()
            timeouts.removeFirst()
            if let next = timeouts.first { wait(next) } else { timer.cancel() }
            completion(unsafe RedisReply(reply.assumingMemoryBound(to: redisReply.self)))
            // hiredis would look for who waits for the rest, and end the process.
            if completions.isEmpty, onFailure != nil, let reader = unsafe context?.pointee.c.reader,
                unsafe reader.pointee.pos < reader.pointee.len
            {
                fail(Self.unasked)
            }
        }

        private static let unasked = "it says what was not asked for"

        /// Whether something has come that nobody waits for: hiredis would end the process. The end of input is for hiredis to find.
        private func hasUnasked(_ context: UnsafeMutablePointer<redisAsyncContext>) -> Bool {
            guard completions.isEmpty else { return false }
            var byte: UInt8 = 0
            return unsafe recv(context.pointee.c.fd, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
        }

        private func watch(_ what: Interest, _ isWanted: Bool) {
            if isWanted { interest.insert(what) } else { interest.remove(what) }
            do throws(Errno) {
                try watcher?.setInterest(interest)
            } catch {
                // Not from within hiredis's function, which goes on with its context.
                loop.schedule(after: .zero) { [weak self] in self?.fail("cannot watch the connection: \(error)") }
            }
        }

        private func isReady(_ readiness: Readiness) {
            // hiredis may let go of this.
            withExtendedLifetime(self) {
                // What is wrong with the descriptor is found by reading, and that it is connected, too.
                let isReadable = !readiness.isDisjoint(with: [.readable, .hangUp, .error])
                if let context = unsafe context, unsafe isReadable || context.pointee.c.flags & REDIS_CONNECTED == 0 {
                    if unsafe hasUnasked(context) { return fail(Self.unasked) }
                    hasRead = true
                    unsafe redisAsyncHandleRead(context)
                }
                // Also what completions have given.
                flush()
            }
        }

        private func wait(_ timeout: Duration) {
            hasRead = false
            unsentCount = heldCount
            timer.arm(after: timeout)
        }

        /// How many bytes hiredis and the kernel hold for the other end.
        private var heldCount: Int {
            guard let context = unsafe context else { return 0 }
            var ofKernel: Int32 = 0
            _ = unsafe ioctl(context.pointee.c.fd, UInt(TIOCOUTQ), &ofKernel)
            return unsafe Int(ofKernel) + (context.pointee.c.obuf.map { unsafe sdslen($0) } ?? 0)
        }

        private func timeIsOver() {
            let timeout = timeouts.first ?? .zero
            // What is short leaves at once, also to an end that answers no more.
            if hasRead || unsentCount > Self.shortCount && heldCount < unsentCount { return wait(timeout) }
            fail("nothing is answered within \(timeout.components.seconds) s")
        }

        private func fail(_ reason: String) {
            withExtendedLifetime(self) {
                let failed = onFailure.take()
                end()
                failed?(reason)
            }
        }

        /// hiredis closes the descriptor, and frees its context.
        private func cleanUp() {
            var reason = ""
            if let context = unsafe context {
                reason = unsafe Self.reason(context)
                // Newer versions may call the completions of commands after this.
                unsafe context.pointee.ev.data = nil
                unsafe context.pointee.ev.cleanup = nil
            }
            unsafe context = nil
            timer.cancel()
            watcher?.cancel()
            watcher = nil
            completions = []
            let failed = onFailure.take()
            failed?(reason)
        }
    }

    /// Why something with Redis has failed.
    struct RedisFailure: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }
#endif
