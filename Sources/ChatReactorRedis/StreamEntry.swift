/// What a node writes to the stream at a time: messages of one or more of its clients, in the order in which it got them. One without messages says
/// which number the node's next message has.
///
///     node 8 | first 8 | session 4 | runs 4 | for each run: connection 8, messages 4 | for each message: length 4 | the messages
///
/// Numbers are little-endian. A message is as it goes over the wire.
struct StreamEntry: Equatable {
    /// Messages that one client has sent.
    struct Run: Equatable {
        /// The name of its connection at its node; that of nobody for what the node's operator says.
        var connection: UInt64
        var count: Int
    }

    /// Which run of which server has written it: a random number, made when the server is.
    var node: UInt64
    /// How many messages the node had written before.
    var first: UInt64
    /// How often the node had connected to the stream.
    var session: UInt32 = 0
    /// When the stream has got it, in milliseconds since the beginning of 1970: it is the first part of its name there.
    var time: UInt64 = 0
    private(set) var runs: [Run] = []
    /// Where each message ends within its run.
    private(set) var ends: [UInt32] = []
    private(set) var bytes: [UInt8] = []

    init(node: UInt64, first: UInt64, session: UInt32 = 0) {
        (self.node, self.first, self.session) = (node, first, session)
    }

    var count: Int { ends.count }
    /// The number of what comes after it.
    var next: UInt64 { first &+ UInt64(count) }

    /// How large it is in the stream, about.
    var size: Int { bytes.count &+ 4 &* ends.count &+ 12 &* runs.count &+ Self.headLength }

    static let headLength = 24

    /// Adds a message that is not empty.
    mutating func append(_ message: Span<UInt8>, from connection: UInt64) {
        if runs.last?.connection != connection { runs.append(Run(connection: connection, count: 0)) }
        let start = runs[runs.count - 1].count == 0 ? 0 : ends.last ?? 0
        runs[runs.count - 1].count += 1
        ends.append(start &+ UInt32(truncatingIfNeeded: message.count))
        unsafe message.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Calls `body` with the messages of each run.
    func forEachRun(_ body: (_ connection: UInt64, _ bytes: Span<UInt8>, _ ends: [UInt32]) -> Void) {
        var (index, offset) = (0, 0)
        for run in runs {
            let ends = Array(self.ends[index..<index &+ run.count])
            let length = Int(ends.last ?? 0)
            body(run.connection, bytes.span.extracting(offset..<offset &+ length), ends)
            index &+= run.count
            offset &+= length
        }
    }

    // MARK: - In the stream

    var encoded: [UInt8] {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(size)
        func append<Number: FixedWidthInteger>(_ number: Number) {
            for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
                encoded.append(UInt8(truncatingIfNeeded: number >> shift))
            }
        }
        append(node)
        append(first)
        append(session)
        append(UInt32(truncatingIfNeeded: runs.count))
        for run in runs {
            append(run.connection)
            append(UInt32(truncatingIfNeeded: run.count))
        }
        var index = 0
        for run in runs {
            var start: UInt32 = 0
            for end in ends[index..<index &+ run.count] {
                append(end &- start)
                start = end
            }
            index &+= run.count
        }
        return encoded + bytes
    }

    /// Nil for what no node has written: whoever may write to the stream may write anything.
    init?(_ encoded: [UInt8]) {
        var position = 0
        func number(_ length: Int) -> UInt64? {
            guard encoded.count &- position >= length else { return nil }
            defer { position &+= length }
            return (0..<length).reduce(0) { $0 | UInt64(encoded[position &+ $1]) << (8 &* UInt64($1)) }
        }
        guard let node = number(8), let first = number(8), let session = number(4), let runCount = number(4)
        else { return nil }
        // Each run has a head of twelve bytes, and each message a length of four: what claims more than there is, is not read any further.
        guard runCount <= UInt64(encoded.count &- position) / 12 else { return nil }
        var messageCount: UInt64 = 0
        for _ in 0..<runCount {
            guard let connection = number(8), let count = number(4), count > 0 else { return nil }
            runs.append(Run(connection: connection, count: Int(count)))
            messageCount &+= count
        }
        // So that no sum of these overflows, here or where they are compared.
        guard messageCount <= UInt64(encoded.count &- position) / 4, first <= UInt64.max / 2 else { return nil }
        let total = encoded.count &- position &- 4 &* Int(messageCount)
        guard total <= Int(UInt32.max) else { return nil }
        var sum = 0
        for run in runs {
            var end: UInt64 = 0
            for _ in 0..<run.count {
                guard let length = number(4), length > 0, sum &+ Int(length) <= total else { return nil }
                end &+= length
                sum &+= Int(length)
                ends.append(UInt32(truncatingIfNeeded: end))
            }
        }
        guard sum == total else { return nil }
        bytes = Array(encoded[position...])
        (self.node, self.first, self.session) = (node, first, UInt32(truncatingIfNeeded: session))
    }
}
