import ChatReactorText

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
        JSONString.append(value, to: &bytes)
    }
}
