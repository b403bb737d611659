#if Redis
    import CReactorHiredis

    /// Makes replies of what Redis sends: hiredis's reader.
    @safe final class ReplyParser {
        private let reader: UnsafeMutablePointer<redisReader>

        /// - Throws: If there is no memory for it.
        init() throws(RedisFailure) {
            guard let reader = unsafe redisReaderCreate() else { throw RedisFailure("there is no memory for what it answers") }
            unsafe self.reader = reader
            if let functions = unsafe Self.functions { unsafe reader.pointee.fn = functions }
        }

        deinit { unsafe redisReaderFree(reader) }

        /// hiredis's own functions, but for arrays of more elements than Redis takes arguments. hiredis would make room for two thousand million, and take
        /// a minute to look at each of them when it lets go of the reply.
        nonisolated(unsafe) private static let functions: UnsafeMutablePointer<redisReplyObjectFunctions>? = {
            guard let originals else { return nil }
            let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
            unsafe functions.initialize(to: originals)
            unsafe functions.pointee.createArray = { task, count in
                count > 1 << 20 ? nil : unsafe ReplyParser.originals?.createArray(task, count)
            }
            return unsafe functions
        }()

        private static let originals: redisReplyObjectFunctions? = {
            guard let reader = unsafe redisReaderCreate() else { return nil }
            defer { unsafe redisReaderFree(reader) }
            return unsafe reader.pointee.fn.pointee
        }()

        /// Takes what has come.
        func append(_ bytes: Span<UInt8>) throws(RedisFailure) {
            let result = unsafe bytes.withUnsafeBytes { bytes in
                unsafe redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            if result != REDIS_OK { throw failure }
        }

        /// The next reply; nil if not all of it has come.
        ///
        /// - Throws: If what has come is none. Then nothing more is.
        func next() throws(RedisFailure) -> RedisReply? {
            var reply: UnsafeMutableRawPointer?
            if unsafe redisReaderGetReply(reader, &reply) != REDIS_OK { throw failure }
            guard let reply = unsafe reply else { return nil }
            defer { unsafe freeReplyObject(reply) }
            return unsafe RedisReply(reply.assumingMemoryBound(to: redisReply.self))
        }

        /// Whether something has come that was not looked at.
        var hasMore: Bool { unsafe reader.pointee.pos < reader.pointee.len }

        private var failure: RedisFailure {
            unsafe RedisFailure(
                withUnsafePointer(to: &reader.pointee.errstr) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
                        unsafe String(cString: $0)
                    }
                })
        }
    }
#endif
