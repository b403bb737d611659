extension FramingOracle {
    /// A stream of what framing easily gets wrong: terminators of all kinds, and lines about as long as is allowed.
    public static func stream(limit: Int, using random: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let isShort = Bool.random(using: &random)
            let length: Int = isShort ? .random(in: 0...3, using: &random) : max(0, limit + .random(in: -2...2, using: &random))
            for _ in 0..<length {
                stream.append(Int.random(in: 0..<12, using: &random) == 0 ? 13 : .random(in: 97...122, using: &random))
            }
            switch Int.random(in: 0..<8, using: &random) {
            case 0..<4: stream.append(10)
            case 4..<7: stream += [13, 10]
            default: stream.append(13)
            }
        }
        return stream
    }
}

extension MessageFramingOracle {
    /// A stream of what a framing easily gets wrong: empty messages, messages about as long as is allowed, an end within a message, and, if
    /// the framing has such, bytes that are no message at all.
    public func stream(limit: Int, using random: inout SeededGenerator) -> [UInt8] {
        var stream: [UInt8] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let isShort = Bool.random(using: &random)
            let length: Int = isShort ? .random(in: 0...3, using: &random) : max(0, limit + .random(in: -2...2, using: &random))
            stream += message(random.bytes(length, from: self == .nulTerminated ? 1...255 : 0...255))
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0..<3: stream.removeLast(min(stream.count, .random(in: 1...3, using: &random)))
        // A length that no message has.
        case 3: stream += self == .netstrings ? Array("999999999:".utf8) : [UInt8](repeating: 255, count: width) + [1, 2, 3]
        case 4 where !stream.isEmpty:
            let index = Int.random(in: 0..<stream.count, using: &random)
            stream[index] = [0, 44, 48, 57, 58, 255].randomElement(using: &random)!
        default: break
        }
        return stream
    }

    private func message(_ content: [UInt8]) -> [UInt8] {
        switch self {
        case .nulTerminated: return content + [0]
        case .netstrings: return Array("\(content.count):".utf8) + content + Array(",".utf8)
        default:
            var length: [UInt8] = []
            for place in (0..<width).reversed() { length.append(UInt8(content.count >> (8 * place) & 255)) }
            return length + content
        }
    }
}
