#if Hiredis
    import CHiredis
    import ChatReactor

    /// A connection to Redis that listens to one channel.
    @safe final class RedisConnection {
        private let context: UnsafeMutablePointer<redisAsyncContext>
        private let onEnd: (String) -> Never
        private var onSubscribed: () -> Void = {}
        private var onMessage: (String) -> Void = { _ in }

        /// Begins to connect. The object lives as long as the program.
        ///
        /// - Parameter onEnd: Ends the program, for a reason: the connection could not be made, or has ended.
        init(to endpoint: Endpoint, on loop: EventLoop, onEnd: @escaping (String) -> Never) throws(Errno) {
            let made =
                switch endpoint {
                case .tcp(let host, let port): unsafe redisAsyncConnect(host, Int32(port))
                case .unix(let path): unsafe redisAsyncConnectUnix(path)
                }
            guard let context = unsafe made else { throw Errno.noMemory }
            unsafe self.context = context
            self.onEnd = onEnd
            if let reason = unsafe Self.reason(context) { onEnd(reason) }
            try unsafe RedisAdapter.attach(context, to: loop)
            unsafe context.pointee.data = Unmanaged.passRetained(self).toOpaque()
            unsafe redisAsyncSetConnectCallback(context) { context, status in
                if status != REDIS_OK { unsafe RedisConnection.of(context)?.didEnd() }
            }
            unsafe redisAsyncSetDisconnectCallback(context) { context, _ in unsafe RedisConnection.of(context)?.didEnd() }
        }

        /// Subscribes to a channel. May be called once.
        ///
        /// - Parameters:
        ///   - onSubscribed: Called when Redis has agreed.
        ///   - onMessage: Called for each message from then on, with what is broken in its UTF-8 mended.
        func subscribe(
            to channel: String, onSubscribed: @escaping () -> Void, onMessage: @escaping (String) -> Void
        ) {
            self.onSubscribed = onSubscribed
            self.onMessage = onMessage
            unsafe "SUBSCRIBE".withCString { command in
                unsafe channel.withCString { name in
                    var words: [UnsafePointer<CChar>?] = unsafe [command, name]
                    var lengths = [9, channel.utf8.count]
                    let result = unsafe redisAsyncCommandArgv(
                        context, { context, reply, _ in unsafe RedisConnection.of(context)?.didReceive(reply) }, nil, 2, &words,
                        &lengths)
                    if result != REDIS_OK { didEnd() }
                }
            }
        }

        /// A reply is `subscribe`, the channel and how many there are; or `message`, the channel and the message.
        private func didReceive(_ pointer: UnsafeMutableRawPointer?) {
            guard let reply = unsafe pointer?.assumingMemoryBound(to: redisReply.self).pointee else { return }
            guard unsafe reply.type == REDIS_REPLY_ARRAY, unsafe reply.elements == 3 else {
                onEnd(unsafe Self.text(reply) ?? "a reply that was not understood")
            }
            let kind = unsafe reply.element[0].flatMap { unsafe Self.text($0.pointee) }
            if kind == "subscribe" {
                onSubscribed()
            } else if kind == "message", let message = unsafe reply.element[2].flatMap({ unsafe Self.text($0.pointee) }) {
                onMessage(message)
            }
        }

        private static func text(_ reply: redisReply) -> String? {
            guard let start = unsafe reply.str else { return nil }
            return unsafe String(decoding: UnsafeRawBufferPointer(start: start, count: Int(reply.len)), as: UTF8.self)
        }

        private func didEnd() {
            onEnd(unsafe Self.reason(context) ?? "the connection has ended")
        }

        private static func reason(_ context: UnsafeMutablePointer<redisAsyncContext>) -> String? {
            unsafe context.pointee.err == 0 ? nil : unsafe String(cString: context.pointee.errstr)
        }

        private static func of(_ context: UnsafePointer<redisAsyncContext>?) -> RedisConnection? {
            unsafe context?.pointee.data.map { unsafe Unmanaged<RedisConnection>.fromOpaque($0).takeUnretainedValue() }
        }

        private static func of(_ context: UnsafeMutablePointer<redisAsyncContext>?) -> RedisConnection? {
            unsafe of(context.map { unsafe UnsafePointer($0) })
        }
    }
#endif
