/// The beginning of a frame of WebSocket (RFC 6455, 5.2): what it is, how long, and by what its payload is masked.
struct WebSocketFrameHeader {
    enum Opcode: UInt8 {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    var opcode: Opcode
    /// Whether the message ends with this frame.
    var isFinal = true
    /// The first of the four bytes of the mask is the lowest; nil if the payload is not masked.
    var mask: UInt32?
    var payloadLength: Int

    /// The longest payload of a frame that controls the connection.
    static let longestControlPayload = 125
    /// How many bytes a header may have.
    static let maximumLength = 14

    /// What the first bytes of a frame say.
    enum Parsed {
        case header(WebSocketFrameHeader, length: Int)
        /// There are too few bytes to know.
        case incomplete
        /// No frame begins so.
        case malformed(String)
    }

    static func parse(_ bytes: Span<UInt8>) -> Parsed {
        guard bytes.count >= 2 else { return .incomplete }
        if bytes[0] & 0x70 != 0 { return .malformed("a reserved bit is set") }
        guard let opcode = Opcode(rawValue: bytes[0] & 0x0F) else { return .malformed("an unknown kind of frame") }
        let (isFinal, isMasked, code) = (bytes[0] & 0x80 != 0, bytes[1] & 0x80 != 0, Int(bytes[1] & 0x7F))
        if opcode.isControl, !isFinal { return .malformed("a control frame in parts") }
        if opcode.isControl, code > longestControlPayload { return .malformed("a control frame that is too long") }
        let lengthEnd = code < 126 ? 2 : code == 126 ? 4 : 10
        let end = lengthEnd + (isMasked ? 4 : 0)
        guard bytes.count >= end else { return .incomplete }
        var length: UInt64 = code < 126 ? UInt64(code) : 0
        for index in 2..<lengthEnd { length = length << 8 | UInt64(bytes[index]) }
        if length >> 62 != 0 { return .malformed("a length beyond 62 bits") }
        if lengthEnd == 4 && length < 126 || lengthEnd == 10 && length >> 16 == 0 {
            return .malformed("a length in too many bytes")
        }
        var mask: UInt32?
        if isMasked { mask = (0..<4).reduce(0) { $0 | UInt32(bytes[lengthEnd + $1]) << (8 * UInt32($1)) } }
        return .header(Self(opcode: opcode, isFinal: isFinal, mask: mask, payloadLength: Int(length)), length: end)
    }

    func append(to output: inout [UInt8]) {
        output.append(opcode.rawValue | (isFinal ? 0x80 : 0))
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch payloadLength {
        case ..<126: output.append(maskBit | UInt8(truncatingIfNeeded: payloadLength))
        case ..<65_536:
            output.append(maskBit | 126)
            Self.append(UInt64(payloadLength), count: 2, to: &output)
        default:
            output.append(maskBit | 127)
            Self.append(UInt64(payloadLength), count: 8, to: &output)
        }
        if let mask { Self.append(UInt64(mask.byteSwapped), count: 4, to: &output) }
    }

    private static func append(_ number: UInt64, count: Int, to output: inout [UInt8]) {
        for index in (0..<count).reversed() { output.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * index))) }
    }
}

/// Masking: the same function takes the mask off again.
///
/// - Complexity: O(*n*), eight bytes at a time.
func exclusiveOr(_ source: Span<UInt8>, with mask: UInt32, into target: UnsafeMutablePointer<UInt8>) {
    let wide = UInt64(mask) << 32 | UInt64(mask)
    unsafe source.withUnsafeBytes { source in
        var index = 0
        let target = UnsafeMutableRawPointer(target)
        while index &+ 8 <= source.count {
            let word = unsafe source.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ wide.littleEndian
            unsafe target.storeBytes(of: word, toByteOffset: index, as: UInt64.self)
            index &+= 8
        }
        while index < source.count {
            let byte = unsafe source[index] ^ UInt8(truncatingIfNeeded: wide >> UInt64(8 * (index & 7)))
            unsafe target.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            index &+= 1
        }
    }
}
