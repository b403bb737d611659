import Glibc

/// Checks what many clients receive of many senders: every line once, whole, in one order for all, less one's own.
///
/// The first of the listeners to get so far decides what the order is; all others must agree, byte for byte. So memory holds the
/// stream once, whatever the number of clients, and the stream itself is checked once, at the end.
struct OrderChecker {
    let senderCount: Int
    let lineCount: Int
    /// All lines are of this length, so that a position says whose line is there.
    let lineLength: Int
    private var stream: [UInt8] = []
    private var receivers: [Receiver]

    private struct Receiver {
        /// How much of the stream it has got, its own lines included.
        var position = 0
        /// What a sender has got ahead of the stream, which it cannot decide: it does not know where its own lines are in it.
        var early: [UInt8] = []
    }

    /// - Parameters:
    ///   - senderCount: How many of the clients are senders: the first ones.
    ///   - lineCount: How many lines each of them sends.
    init(clientCount: Int, senderCount: Int, lineCount: Int, lineLength: Int) {
        self.senderCount = senderCount
        self.lineCount = lineCount
        self.lineLength = lineLength
        receivers = Array(repeating: Receiver(), count: clientCount)
        stream.reserveCapacity(senderCount * lineCount * lineLength)
    }

    /// The line that a sender sends under a number: `sender number padding`.
    func line(_ number: Int, of sender: Int) -> [UInt8] {
        var line = Array("\(sender) \(number) ".utf8)
        line += repeatElement(UInt8(ascii: "a") + UInt8(number % 26), count: lineLength - 1 - line.count)
        return line + [10]
    }

    /// How long the whole stream is.
    var totalLength: Int { senderCount * lineCount * lineLength }

    /// Whether a client has got everything that is due to it.
    mutating func isComplete(_ client: Int) -> Bool {
        if client < senderCount { settle(client) }
        return receivers[client].position == totalLength && receivers[client].early.isEmpty
    }

    /// How much of the stream a client has got: for a listener, how many bytes.
    func position(of client: Int) -> Int { receivers[client].position }

    /// Takes what a client has received. Returns whether that is right.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, by client: Int) -> Bool {
        if client < senderCount {
            unsafe receivers[client].early.append(contentsOf: bytes)
            return settle(client)
        }
        let position = receivers[client].position
        let known = min(bytes.count, stream.count - position)
        if unsafe !matches(bytes.baseAddress, at: position, count: known) { return false }
        if known < bytes.count { unsafe stream.append(contentsOf: bytes[known...]) }
        receivers[client].position = position + bytes.count
        return stream.count <= totalLength
    }

    /// Compares what a sender has got with the stream, as far as that is known, and steps over the sender's own lines.
    @discardableResult
    private mutating func settle(_ sender: Int) -> Bool {
        let own = Array("\(sender) ".utf8)
        var position = receivers[sender].position
        var taken = 0
        var isRight = true
        while position + lineLength <= stream.count {
            if stream[position..<position + own.count].elementsEqual(own) {
                position += lineLength
                continue
            }
            guard taken + lineLength <= receivers[sender].early.count else { break }
            isRight = unsafe receivers[sender].early.withUnsafeBytes { early in
                unsafe matches(early.baseAddress.map { unsafe $0 + taken }, at: position, count: lineLength)
            }
            if !isRight { break }
            position += lineLength
            taken += lineLength
        }
        receivers[sender].early.removeFirst(taken)
        receivers[sender].position = position
        return isRight
    }

    private func matches(_ bytes: UnsafeRawPointer?, at position: Int, count: Int) -> Bool {
        if count == 0 { return true }
        return unsafe stream.withUnsafeBytes { unsafe memcmp($0.baseAddress! + position, bytes!, count) == 0 }
    }

    /// Whether the stream begins with these bytes.
    func isBeginning(_ bytes: [UInt8]) -> Bool {
        guard bytes.count <= stream.count else { return false }
        return unsafe bytes.withUnsafeBytes { unsafe matches($0.baseAddress, at: 0, count: $0.count) }
    }

    /// Whether the stream is made of every line of every sender, each once and whole, and those of each sender in their order.
    func isStreamWhole() -> Bool {
        var next = Array(repeating: 0, count: senderCount)
        var position = 0
        while position + lineLength <= stream.count {
            let found = stream[position..<position + lineLength]
            let digits = String(decoding: found.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
            guard let sender = Int(digits), next.indices.contains(sender) else { return false }
            guard found.elementsEqual(line(next[sender], of: sender)) else { return false }
            next[sender] += 1
            position += lineLength
        }
        return position == stream.count && next.allSatisfy { $0 == lineCount }
    }
}
