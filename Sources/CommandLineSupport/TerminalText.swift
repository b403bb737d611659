/// Makes text harmless for a terminal: nothing in it can move the cursor, change a colour, forge a line or hide a word.
public enum TerminalText {
    /// Appends a message to `output`, and makes visible what is dangerous or broken: a control character becomes `^[` or the like, one
    /// that reorders text `\u{202E}`, and a byte that is not part of any UTF-8 sequence `\xFF`. A tab stays.
    ///
    /// - Complexity: O(n) of the message's bytes. A byte becomes four at most.
    public static func append(_ message: Span<UInt8>, to output: inout [UInt8]) {
        unsafe message.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            var position = 0
            while position < bytes.count {
                var end = position
                while end < bytes.count, unsafe isPlain(bytes[end]) { end &+= 1 }
                unsafe output.append(contentsOf: UnsafeBufferPointer(start: start + position, count: end &- position))
                position = end
                var rest = unsafe UnsafeBufferPointer(start: start + position, count: bytes.count &- position).makeIterator()
                var parser = Unicode.UTF8.ForwardParser()
                switch unsafe parser.parseScalar(from: &rest) {
                case .valid(let encoded):
                    append(Unicode.UTF8.decode(encoded), encoded, to: &output)
                    position &+= encoded.count
                case .error(let length):
                    for _ in 0..<length {
                        output.append(UInt8(ascii: "\\"))
                        output.append(UInt8(ascii: "x"))
                        unsafe appendHexadecimal(UInt32(bytes[position]), to: &output)
                        position &+= 1
                    }
                case .emptyInput:
                    return
                }
            }
        }
    }

    /// Whether a byte is a printable ASCII character, which is left alone. Most bytes are.
    private static func isPlain(_ byte: UInt8) -> Bool { (0x20..<0x7F).contains(byte) }

    private static func append(_ scalar: Unicode.Scalar, _ encoded: UTF8.EncodedScalar, to output: inout [UInt8]) {
        switch scalar.value {
        case 0x09:
            output.append(0x09)
        case 0..<0x20, 0x7F:
            // As terminals echo them: ^@ to ^_, and ^? for DEL.
            output.append(UInt8(ascii: "^"))
            output.append(UInt8(scalar.value) ^ 0x40)
        case 0x80..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
            output.append(contentsOf: #"\u{"#.utf8)
            appendHexadecimal(scalar.value, to: &output)
            output.append(UInt8(ascii: "}"))
        default:
            output.append(contentsOf: encoded)
        }
    }

    /// Appends a number with at least two digits. A `String` for each would be slow: every byte of a long line may come here.
    private static func appendHexadecimal(_ value: UInt32, minimumDigits: Int = 2, to output: inout [UInt8]) {
        if minimumDigits > 1 || value > 0xF { appendHexadecimal(value >> 4, minimumDigits: minimumDigits &- 1, to: &output) }
        let digit = UInt8(truncatingIfNeeded: value & 0xF)
        output.append(digit &+ UInt8(ascii: digit < 10 ? "0" : "7"))
    }
}
