#if Hiredis
    import CHiredis
    import ChatReactor

    /// The adapter proper: hiredis says what it waits for, and is told when that is there.
    @safe final class RedisAdapter {
        private let context: UnsafeMutablePointer<redisAsyncContext>
        private let watcher: DescriptorWatcher

        private init(_ context: UnsafeMutablePointer<redisAsyncContext>, on loop: EventLoop) throws(Errno) {
            unsafe self.context = context
            watcher = try unsafe loop.watch(context.pointee.c.fd, for: []) { watcher, readiness in
                // A hang-up or an error is found by reading.
                if readiness != .writable { unsafe redisAsyncHandleRead(context) }
                // Reading may have found that the connection is gone; then hiredis has freed the context, and called `cleanup`.
                if readiness.contains(.writable), !watcher.isCancelled { unsafe redisAsyncHandleWrite(context) }
            }
        }

        /// Has a context driven by a loop, until the context is freed. To be called before anything is asked of it.
        static func attach(_ context: UnsafeMutablePointer<redisAsyncContext>, to loop: EventLoop) throws(Errno) {
            let adapter = try unsafe RedisAdapter(context, on: loop)
            unsafe context.pointee.ev.data = Unmanaged.passRetained(adapter).toOpaque()
            unsafe context.pointee.ev.addRead = { unsafe RedisAdapter.of($0)?.watch { $0.union(.readable) } }
            unsafe context.pointee.ev.delRead = { unsafe RedisAdapter.of($0)?.watch { $0.subtracting(.readable) } }
            unsafe context.pointee.ev.addWrite = { unsafe RedisAdapter.of($0)?.watch { $0.union(.writable) } }
            unsafe context.pointee.ev.delWrite = { unsafe RedisAdapter.of($0)?.watch { $0.subtracting(.writable) } }
            // Comes once, before hiredis closes the socket.
            unsafe context.pointee.ev.cleanup = { data in
                unsafe RedisAdapter.of(data)?.watcher.cancel()
                if let data = unsafe data { unsafe Unmanaged<RedisAdapter>.fromOpaque(data).release() }
            }
        }

        private static func of(_ data: UnsafeMutableRawPointer?) -> RedisAdapter? {
            unsafe data.map { unsafe Unmanaged<RedisAdapter>.fromOpaque($0).takeUnretainedValue() }
        }

        private func watch(_ change: (Interest) -> Interest) {
            do {
                try watcher.setInterest(change(watcher.interest))
            } catch {
                fatalError("the socket of hiredis cannot be watched: \(error)")
            }
        }
    }
#endif
