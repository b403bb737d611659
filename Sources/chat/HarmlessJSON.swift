import ChatReactorText

/// JSON that can be shown on a terminal, whoever has written it.
enum HarmlessJSON {
    /// Appends a valid value that is in one line. What `VisibleText` would make visible becomes an escape, which means the same; bytes that
    /// are not UTF-8 become replacement characters.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    static func append(_ value: Span<UInt8>, to output: inout [UInt8]) {
        // Most values have nothing of that.
        var isPlain = true
        for index in value.indices where !(0x20..<0x7F).contains(value[index]) { isPlain = false }
        if isPlain {
            output.reserveCapacity(output.count + value.count + 1)
            for index in value.indices { output.append(value[index]) }
            return
        }
        for scalar in String(copying: value).unicodeScalars {
            // Strings have none of these, so it is space between values.
            if scalar.value < 0x20 {
                output.append(UInt8(ascii: " "))
            } else if VisibleText.isHarmless(scalar) {
                output.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
            } else {
                // All of them are below U+10000, so four digits are enough.
                let digits = String(scalar.value, radix: 16)
                output.append(contentsOf: "\\u\(String(repeating: "0", count: max(0, 4 - digits.utf8.count)))\(digits)".utf8)
            }
        }
    }
}
