/// What a server of a relay must make of the entries of the stream: each once, in their order, and what is missing counted where it was.
struct ClusterReader {
    /// An entry as a server has written it: whose it is, the number of its first message, and what each message is.
    struct Entry {
        let node: UInt64
        let first: UInt64
        let messages: [String]

        /// Reads what `StreamEntry` describes.
        init(_ value: [UInt8]) {
            var rest = value[...]
            func number(_ length: Int) -> UInt64 {
                defer { rest = rest.dropFirst(length) }
                return rest.prefix(length).reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
            (node, first) = (number(8), number(8))
            _ = number(4)
            let runs = number(4)
            let count = (0..<runs).reduce(0) { sum, _ in
                _ = number(8)
                return sum + Int(number(4))
            }
            let lengths = (0..<count).map { _ in Int(number(4)) }
            messages = lengths.map { length in
                defer { rest = rest.dropFirst(length) }
                return String(decoding: rest.prefix(length).dropLast(), as: UTF8.self)
            }
        }
    }

    /// The lines that clients are told, in order.
    private(set) var lines: [String] = []
    private(set) var lostCount = 0
    private(set) var entryCount = 0
    /// The last one that was read.
    private(set) var last = ScriptedRedis.Name.zero
    /// Where the stream ended when it was found to have lost its end.
    private var oldEnd = ScriptedRedis.Name.zero
    private var next: [UInt64: UInt64] = [:]

    /// What is called so is not there any more: all is read again, up to `end` of what may be older than the server.
    mutating func goBack(end: ScriptedRedis.Name) {
        last = .zero
        oldEnd = end
    }

    mutating func begin(at name: ScriptedRedis.Name) { last = name }

    mutating func read(_ entries: [(name: ScriptedRedis.Name, value: [UInt8])]) {
        entryCount += entries.count
        for (name, value) in entries {
            last = name
            let entry = Entry(value)
            let known = next[entry.node]
            // What others have heard before this server was there.
            if name <= oldEnd, known == nil { continue }
            if let known, entry.messages.isEmpty ? entry.first <= known : entry.first < known { continue }
            if let known, entry.first > known {
                let missing = Int(entry.first - known)
                lostCount += missing
                lines.append(missing == 1 ? "! 1 message was lost" : "! \(missing) messages were lost")
            }
            next[entry.node] = entry.first + UInt64(entry.messages.count)
            lines += entry.messages
        }
    }
}
