import Glibc

/// What a connection keeps of a line that has begun to arrive, and the search for where lines end.
///
/// Whole lines never come here: they are handed on from the loop's read buffer. Between lines it owns no memory.
struct LineBuffer {
    /// The beginning of the unfinished line; no newline is in it, so a search never has to look at it again.
    private(set) var tail: [UInt8] = []
    /// Whether the line that is arriving is too long, and is thrown away up to its newline.
    private(set) var isDiscarding = false
    /// Whether a newline has ever come.
    private(set) var hasSeenNewline = false

    /// Whether a line has begun.
    var isUnfinished: Bool { !tail.isEmpty || isDiscarding }

    /// What the buffer tells of. The result says whether to go on.
    protocol Receiver {
        mutating func receive(_ messages: borrowing MessageBatch) -> Bool
        mutating func lineWasTooLong() -> Bool
    }

    /// Finds the lines in what was read just now.
    ///
    /// - Parameters:
    ///   - count: How many bytes were read to the buffer's `start`.
    ///   - limit: How long a line may be, without its newline. The buffer's headroom is for one byte more.
    mutating func receive(_ count: Int, in buffer: ReadBuffer, limit: Int, to receiver: inout some Receiver) {
        let end = unsafe buffer.start + count
        var search = unsafe buffer.start
        if isDiscarding {
            guard let newline = unsafe Self.newline(from: search, to: end) else { return }
            hasSeenNewline = true
            isDiscarding = false
            unsafe search = newline + 1
        }
        guard var newline = unsafe Self.newline(from: search, to: end) else {
            unsafe keep(UnsafeBufferPointer(start: search, count: end - search), limit: limit, to: &receiver)
            return
        }
        hasSeenNewline = true
        var lineStart = unsafe search
        if !tail.isEmpty {
            unsafe lineStart -= tail.count
            unsafe tail.withUnsafeBufferPointer { unsafe lineStart.update(from: $0.baseAddress!, count: $0.count) }
            tail = []
        }

        // Lines are relayed from where they lie. Only once a carriage return is dropped do those behind it move up, to `output`.
        var batchStart = unsafe lineStart
        var output = unsafe lineStart
        var messageCount = 0
        while true {
            var length = unsafe newline - lineStart
            if length > 0, unsafe lineStart[length - 1] == UInt8(ascii: "\r") { length -= 1 }
            if length <= limit {
                if unsafe output != lineStart { unsafe memmove(output, lineStart, length) }
                unsafe output += length
                unsafe output.pointee = UInt8(ascii: "\n")
                unsafe output += 1
                unsafe buffer.ends[messageCount] = UInt32(truncatingIfNeeded: output - batchStart)
                messageCount &+= 1
            } else {
                let goesOn = unsafe Self.hand(batchStart, buffer.ends, messageCount, to: &receiver)
                guard goesOn, receiver.lineWasTooLong() else { return }
                unsafe batchStart = newline + 1
                unsafe output = batchStart
                messageCount = 0
            }
            unsafe lineStart = newline + 1
            guard let next = unsafe Self.newline(from: lineStart, to: end) else { break }
            unsafe newline = next
        }
        guard unsafe Self.hand(batchStart, buffer.ends, messageCount, to: &receiver) else { return }
        unsafe keep(UnsafeBufferPointer(start: lineStart, count: end - lineStart), limit: limit, to: &receiver)
    }

    /// Takes the unfinished line for a whole one, because no more of it will come.
    mutating func finishLine(in buffer: ReadBuffer, limit: Int, to receiver: inout some Receiver) {
        isDiscarding = false
        if tail.isEmpty { return }
        let line = tail
        tail = []
        // The carriage return that it was allowed beyond the limit has turned out not to be half of a terminator.
        if line.count > limit { return _ = receiver.lineWasTooLong() }
        let start = unsafe buffer.start - buffer.headroom
        unsafe line.withUnsafeBufferPointer { unsafe start.update(from: $0.baseAddress!, count: $0.count) }
        unsafe start[line.count] = UInt8(ascii: "\n")
        unsafe buffer.ends[0] = UInt32(line.count + 1)
        _ = unsafe Self.hand(start, buffer.ends, 1, to: &receiver)
    }

    private mutating func keep(_ rest: UnsafeBufferPointer<UInt8>, limit: Int, to receiver: inout some Receiver) {
        if rest.isEmpty { return }
        // A carriage return at the end may be half of the terminator.
        let allowed = unsafe rest[rest.count - 1] == UInt8(ascii: "\r") ? limit + 1 : limit
        if tail.count + rest.count <= allowed {
            unsafe tail.append(contentsOf: rest)
        } else {
            tail = []
            isDiscarding = true
            _ = receiver.lineWasTooLong()
        }
    }

    private static func hand(
        _ start: UnsafePointer<UInt8>, _ ends: UnsafePointer<UInt32>, _ count: Int, to receiver: inout some Receiver
    ) -> Bool {
        if count == 0 { return true }
        return unsafe receiver.receive(MessageBatch(start: start, ends: ends, count: count, terminatorLength: 1))
    }

    private static func newline(
        from start: UnsafeMutablePointer<UInt8>, to end: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8>? {
        unsafe memchr(start, Int32(UInt8(ascii: "\n")), end - start)?.assumingMemoryBound(to: UInt8.self)
    }
}
