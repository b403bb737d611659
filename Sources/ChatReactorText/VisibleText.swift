/// Makes text harmless for those who read it: nothing in it can move a cursor, change a colour, forge a line or hide a word.
public enum VisibleText {
    /// What is shown for bytes that are not UTF-8.
    public enum InvalidUTF8: Sendable {
        /// Each byte in hexadecimal, as in `\xFF`: the text shows what came.
        case hexadecimal
        /// A replacement character, U+FFFD, for each maximal subpart of an ill-formed sequence, as the Unicode standard
        /// recommends: what else decodes the bytes makes the same text of them.
        case replacementCharacter
    }

    /// Appends a text to `output`, and makes visible what is dangerous in it or broken. A control character becomes `^[` or the
    /// like; one that reorders text or ends a line `\u{202E}`. A tab stays, and so does all else: joiners, variation selectors,
    /// any script.
    ///
    /// - Complexity: O(*n*) for *n* bytes. A byte becomes four at most.
    public static func append(_ text: Span<UInt8>, to output: inout [UInt8], invalidUTF8: InvalidUTF8) {
        unsafe text.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            // What is harmless is appended in runs. One begins at `run`.
            var run = 0
            var position = 0
            func appendRun() {
                unsafe output.append(contentsOf: UnsafeBufferPointer(start: start + run, count: position &- run))
            }
            while true {
                position &+= unsafe plainCount(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[position...]))
                if position == bytes.count { break }
                var rest = unsafe UnsafeBufferPointer(start: start + position, count: bytes.count &- position).makeIterator()
                var parser = Unicode.UTF8.ForwardParser()
                switch unsafe parser.parseScalar(from: &rest) {
                case .valid(let encoded):
                    let scalar = Unicode.UTF8.decode(encoded)
                    if isHarmless(scalar) {
                        position &+= encoded.count
                        continue
                    }
                    appendRun()
                    appendVisible(scalar, to: &output)
                    position &+= encoded.count
                case .error(let length):
                    appendRun()
                    for offset in 0..<length where invalidUTF8 == .hexadecimal {
                        output.append(UInt8(ascii: "\\"))
                        output.append(UInt8(ascii: "x"))
                        unsafe appendHexadecimal(UInt32(bytes[position &+ offset]), to: &output)
                    }
                    if invalidUTF8 == .replacementCharacter { output.append(contentsOf: "\u{FFFD}".utf8) }
                    position &+= length
                case .emptyInput:
                    // There is a byte at `position`.
                    return
                }
                run = position
            }
            appendRun()
        }
    }

    /// How many of the first bytes are printable ASCII characters, which are left alone. Most bytes are, so eight are looked at together.
    private static func plainCount(_ bytes: UnsafeRawBufferPointer) -> Int {
        var count = 0
        while count &+ 8 <= bytes.count {
            let eight = unsafe bytes.loadUnaligned(fromByteOffset: count, as: UInt64.self)
            // The highest bit of some byte is set if one is not ASCII, is DEL, or is less than a space. A byte that carries into the
            // next one, or borrows from it, has it set already.
            let others = eight | (eight &+ 0x0101_0101_0101_0101) | (eight &- 0x2020_2020_2020_2020)
            if others & 0x8080_8080_8080_8080 != 0 { break }
            count &+= 8
        }
        while count < bytes.count, unsafe (0x20..<0x7F).contains(bytes[count]) { count &+= 1 }
        return count
    }

    /// Whether a character is neither a control character, nor reorders text, nor ends a line.
    public static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09: true
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: false
        default: true
        }
    }

    private static func appendVisible(_ scalar: Unicode.Scalar, to output: inout [UInt8]) {
        if scalar.isASCII {
            // As terminals echo them: ^@ to ^_, and ^? for DEL.
            output.append(UInt8(ascii: "^"))
            output.append(UInt8(scalar.value) ^ 0x40)
        } else {
            output.append(contentsOf: #"\u{"#.utf8)
            appendHexadecimal(scalar.value, to: &output)
            output.append(UInt8(ascii: "}"))
        }
    }

    /// Appends a number with at least two digits. A `String` for each would be slow: every byte of a long line may come here.
    private static func appendHexadecimal(_ value: UInt32, minimumDigits: Int = 2, to output: inout [UInt8]) {
        if minimumDigits > 1 || value > 0xF { appendHexadecimal(value >> 4, minimumDigits: minimumDigits &- 1, to: &output) }
        let digit = UInt8(truncatingIfNeeded: value & 0xF)
        output.append(digit &+ UInt8(ascii: digit < 10 ? "0" : "7"))
    }
}
