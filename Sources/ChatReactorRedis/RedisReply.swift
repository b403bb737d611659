#if Redis
    import CReactorHiredis

    /// What Redis answers.
    enum RedisReply {
        case null
        case integer(Int)
        /// A text or a status.
        case string([UInt8])
        case error(String)
        case array([RedisReply])

        /// hiredis bounds how deep arrays are nested.
        init(_ reply: UnsafePointer<redisReply>) {
            switch unsafe reply.pointee.type {
            case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .string(unsafe Self.bytes(of: reply))
            case REDIS_REPLY_ERROR:
                let text = unsafe Self.bytes(of: reply).prefix(Self.longestError)
                self = .error(String(decoding: text, as: UTF8.self))
            case REDIS_REPLY_INTEGER: self = .integer(unsafe Int(reply.pointee.integer))
            case REDIS_REPLY_ARRAY:
                let count = unsafe reply.pointee.element == nil ? 0 : reply.pointee.elements
                self = .array(
                    (0..<count).map { index in
                        guard let element = unsafe reply.pointee.element[index] else { return .null }
                        return unsafe RedisReply(element)
                    })
            default: self = .null
            }
        }

        /// How much of an error is kept: it goes to the log, and somebody else may have made it.
        private static let longestError = 256

        private static func bytes(of reply: UnsafePointer<redisReply>) -> [UInt8] {
            guard let text = unsafe reply.pointee.str else { return [] }
            return unsafe Array(UnsafeRawBufferPointer(start: text, count: reply.pointee.len))
        }

        var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }
        var elements: [RedisReply]? { if case .array(let elements) = self { elements } else { nil } }

        /// Of an array of names and values.
        subscript(name: String) -> RedisReply? {
            guard let elements else { return nil }
            for index in stride(from: 0, to: elements.count - 1, by: 2) where elements[index].bytes == Array(name.utf8) {
                return elements[index + 1]
            }
            return nil
        }
    }
#endif
