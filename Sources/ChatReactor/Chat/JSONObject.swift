/// Writes one JSON object, as RFC 8259 has it, on one line.
///
/// Strings must be UTF-8. Of control characters, which JSON forbids within strings, nothing else sees to it that there are none: they are
/// escaped, as quotation marks and backslashes are.
struct JSONObject {
    private(set) var bytes: [UInt8] = []
    private var isEmpty = true

    init() {
        // What most objects take: they do not grow time and again.
        bytes.reserveCapacity(224)
        bytes.append(UInt8(ascii: "{"))
    }

    /// The object with its end and a newline.
    consuming func line() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    mutating func add(_ key: StaticString, _ value: Span<UInt8>) {
        addKey(key)
        addString(value)
    }

    mutating func add(_ key: StaticString, _ value: String) {
        addKey(key)
        addString(value.utf8.span)
    }

    mutating func add(_ key: StaticString, _ value: some BinaryInteger) {
        addKey(key)
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func add(_ key: StaticString, _ value: Bool) {
        addKey(key)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    mutating func add(_ key: StaticString, _ values: [String]) {
        addKey(key)
        addList(values) { array, value in array.addString(value.utf8.span) }
    }

    /// Adds an array of objects, each of which `body` fills.
    mutating func add<Value>(_ key: StaticString, _ values: [Value], _ body: (inout JSONObject, Value) -> Void) {
        addKey(key)
        addList(values) { array, value in
            var object = JSONObject()
            body(&object, value)
            array.bytes.append(contentsOf: object.bytes)
            array.bytes.append(UInt8(ascii: "}"))
        }
    }

    private mutating func addList<Value>(_ values: [Value], _ body: (inout JSONObject, Value) -> Void) {
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            body(&self, value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private mutating func addKey(_ key: StaticString) {
        if !isEmpty { bytes.append(UInt8(ascii: ",")) }
        isEmpty = false
        bytes.append(UInt8(ascii: "\""))
        key.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func addString(_ value: Span<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        unsafe value.withUnsafeBufferPointer { value in
            var start = 0
            for index in value.indices {
                let byte = unsafe value[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
                unsafe bytes.append(contentsOf: value[start..<index])
                start = index &+ 1
                bytes.append(UInt8(ascii: "\\"))
                if byte >= 0x20 {
                    bytes.append(byte)
                } else if byte == UInt8(ascii: "\t") {
                    // The only one that the text of people has. In six bytes, a line of them would be longer than a room takes.
                    bytes.append(UInt8(ascii: "t"))
                } else {
                    bytes.append(contentsOf: "u00".utf8)
                    for digit in [byte >> 4, byte & 0xF] { bytes.append(digit &+ UInt8(ascii: digit < 10 ? "0" : "W")) }
                }
            }
            unsafe bytes.append(contentsOf: value[start...])
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
