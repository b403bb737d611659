/// A string of JSON, as RFC 8259 has it.
public enum JSONString {
    /// Appends a string with its quotation marks. Control characters, quotation marks and backslashes are escaped.
    ///
    /// - Parameter value: UTF-8.
    /// - Complexity: O(*n*) for *n* bytes. A byte becomes six at most.
    public static func append(_ value: Span<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        unsafe value.withUnsafeBufferPointer { value in
            var start = 0
            for index in value.indices {
                let byte = unsafe value[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
                unsafe output.append(contentsOf: value[start..<index])
                start = index &+ 1
                output.append(UInt8(ascii: "\\"))
                if byte >= 0x20 {
                    output.append(byte)
                } else if byte == UInt8(ascii: "\t") {
                    // The only one that the text of people has. In six bytes, a line of them would be longer than a room takes.
                    output.append(UInt8(ascii: "t"))
                } else {
                    output.append(contentsOf: "u00".utf8)
                    for digit in [byte >> 4, byte & 0xF] { output.append(digit &+ UInt8(ascii: digit < 10 ? "0" : "W")) }
                }
            }
            unsafe output.append(contentsOf: value[start...])
        }
        output.append(UInt8(ascii: "\""))
    }
}
