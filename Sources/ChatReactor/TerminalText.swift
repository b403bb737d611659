/// Text as it may be shown on a terminal: nothing in it can move the cursor, change a colour, forge a line or hide a word.
enum TerminalText {
    /// Appends a message to `output`, with what is dangerous or broken made visible: `^[` for control characters, `\u{202E}` for those
    /// that reorder text, `\xFF` for bytes that are no UTF-8.
    static func append(_ message: Span<UInt8>, to output: inout [UInt8]) {
        unsafe message.withUnsafeBufferPointer { bytes in
            var iterator = unsafe bytes.makeIterator()
            var parser = Unicode.UTF8.ForwardParser()
            var position = 0
            while true {
                switch unsafe parser.parseScalar(from: &iterator) {
                case .valid(let encoded):
                    append(Unicode.UTF8.decode(encoded), encoded, to: &output)
                    position += encoded.count
                case .error(let length):
                    for index in position..<position + length {
                        output.append(contentsOf: #"\x"#.utf8)
                        output.append(contentsOf: unsafe hexadecimal(UInt32(bytes[index])).utf8)
                    }
                    position += length
                case .emptyInput:
                    return
                }
            }
        }
    }

    private static func append(_ scalar: Unicode.Scalar, _ encoded: UTF8.EncodedScalar, to output: inout [UInt8]) {
        switch scalar.value {
        case 0x09:
            output.append(0x09)
        case 0..<0x20, 0x7F:
            // As terminals echo them: ^@ to ^_, and ^? for DEL.
            output.append(UInt8(ascii: "^"))
            output.append(UInt8(scalar.value) ^ 0x40)
        case 0x80..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
            output.append(contentsOf: "\\u{\(hexadecimal(scalar.value))}".utf8)
        default:
            output.append(contentsOf: encoded)
        }
    }

    private static func hexadecimal(_ value: UInt32) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return digits.count < 2 ? "0" + digits : digits
    }
}
