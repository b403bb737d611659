/// What a connection keeps of a message that has begun to arrive, and how any `Framing` makes messages of what was read. Lines have
/// a faster way of their own, in MessageBuffer+Lines.
///
/// Whole messages are delivered from the loop's read buffer and never copied here. Between messages this owns no memory.
struct MessageBuffer {
    /// The beginning of the unfinished message; nothing while a message is being discarded. The beginning of a line has no newline
    /// in it, so a search need not look at it again.
    var tail: [UInt8] = []
    /// How many bytes must come before there is anything to do but to keep or discard them. 0 if any byte may be the last. For text, how
    /// many bytes of a telnet subnegotiation have come.
    var awaited = 0
    /// For text: where it stands between letters and the commands of telnet.
    var telnet = TelnetState.text
    /// What is true or false, a bit each: of ten thousand connections each has these.
    private var flags = Flags()

    private struct Flags: OptionSet {
        var rawValue: UInt8 = 0

        static let isDiscarding = Self(rawValue: 1)
        static let hasSeenNewline = Self(rawValue: 2)
        static let isUnparsed = Self(rawValue: 4)
        static let hasSeenCarriageReturn = Self(rawValue: 8)
        static let hasEndedLineAtPause = Self(rawValue: 16)
        static let isTyped = Self(rawValue: 32)
    }

    private subscript(flag: Flags) -> Bool {
        get { flags.contains(flag) }
        set { if newValue { flags.insert(flag) } else { flags.remove(flag) } }
    }

    /// Whether the message that is arriving is too long, and is thrown away.
    var isDiscarding: Bool {
        get { self[.isDiscarding] }
        set { self[.isDiscarding] = newValue }
    }

    /// Whether a newline has ever come. Only lines set it.
    var hasSeenNewline: Bool {
        get { self[.hasSeenNewline] }
        set { self[.hasSeenNewline] = newValue }
    }

    /// Whether `tail` was left by an earlier framing, or at a pause, and has not been parsed since.
    private(set) var isUnparsed: Bool {
        get { self[.isUnparsed] }
        set { self[.isUnparsed] = newValue }
    }

    /// For text: whether its last byte was a carriage return, which a NUL may follow.
    var hasSeenCarriageReturn: Bool {
        get { self[.hasSeenCarriageReturn] }
        set { self[.hasSeenCarriageReturn] = newValue }
    }

    /// For text: whether a pause has ever ended a line.
    var hasEndedLineAtPause: Bool {
        get { self[.hasEndedLineAtPause] }
        set { self[.hasEndedLineAtPause] = newValue }
    }

    /// For text: whether the first letter of the unfinished line came alone.
    var isTyped: Bool {
        get { self[.isTyped] }
        set { self[.isTyped] = newValue }
    }

    /// Whether a message has begun.
    var isUnfinished: Bool { !tail.isEmpty || isDiscarding }

    /// Leaves the beginning of the unfinished message to another framing, which gets it as if it had just been read.
    mutating func leaveTail() {
        awaited = 0
        telnet = .text
        isUnparsed = !tail.isEmpty
    }

    /// Leaves what follows a message at which the handler has paused, until it resumes. Nothing of the next message is in the tail.
    mutating func leave(_ rest: Range<Int>, of buffer: ReadBuffer) {
        unsafe tail.append(contentsOf: UnsafeBufferPointer(start: buffer.base + rest.lowerBound, count: rest.count))
        isUnparsed = true
    }

    /// Leaves bytes that come after those that were left already.
    mutating func leave(_ rest: ArraySlice<UInt8>) {
        tail.append(contentsOf: rest)
    }

    /// Removes and returns what was left, by an earlier framing or at a pause.
    mutating func takeUnparsed() -> [UInt8] {
        isUnparsed = false
        var unparsed: [UInt8] = []
        swap(&unparsed, &tail)
        return unparsed
    }

    /// Delivers the messages that end in the given part of the read buffer, and keeps the beginning of the next.
    ///
    /// Returns where it has stopped: at the end of the part, or after the message at which the receiver said so. The reason says
    /// why the connection cannot go on; it is nil if it can.
    ///
    /// - Parameters:
    ///   - range: What has come, counted from the buffer's `base`, at most `readSize` bytes.
    ///   - isSingle: Whether each message is delivered in a batch of its own.
    ///   - limit: How long a message's content may be, in bytes.
    ///   - envelopeLimit: How long the rest of a message may be. There must be room for both limits before `range`. The framing is
    ///     not asked for it here: if its answer had grown, a tail would be written in front of the buffer.
    mutating func receive(
        _ range: Range<Int>, in buffer: ReadBuffer, framing: some Framing, isSingle: Bool = false, limit: Int, envelopeLimit: Int,
        to receiver: inout some MessageReceiver
    ) -> (end: Int, reason: CloseReason?) {
        let parser = MessageParser(framing: framing, limit: limit, envelopeLimit: envelopeLimit)
        let count = range.count
        let fresh = unsafe UnsafeBufferPointer(start: buffer.base + range.lowerBound, count: count)
        var start = range.lowerBound
        if count < awaited {
            if !isDiscarding { unsafe tail.append(contentsOf: fresh) }
            awaited &-= count
            return (range.upperBound, nil)
        }
        // The framing has not seen what came while a known number of bytes was awaited.
        let seen = awaited > 0 ? 0 : tail.count
        if isDiscarding {
            start &+= awaited
            isDiscarding = false
        } else if seen > count {
            // If reads are small, append to the tail in place: moving a long tail into the read buffer each time would be
            // quadratic.
            unsafe tail.append(contentsOf: fresh)
            if case .unfinished(let more) = parser.parse(tail.span, seen: seen) {
                awaited = more
                return (range.upperBound, nil)
            }
            tail.removeLast(count)
        }
        awaited = 0
        start &-= moveTail(before: start, in: buffer)
        let batch = Batch(buffer: buffer, start: start, capacity: isSingle ? 1 : buffer.readSize)
        return deliver(start..<range.upperBound, seen: seen, in: batch, as: parser, to: &receiver)
    }

    /// Moves the tail right in front of a place in the buffer, and returns how long it is.
    mutating func moveTail(before place: Int, in buffer: ReadBuffer) -> Int {
        let length = tail.count
        if length == 0 { return 0 }
        unsafe tail.withUnsafeBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: buffer.base + (place &- length), count: length).copyMemory(from: bytes)
        }
        tail = []
        return length
    }

    /// Delivers the messages in a part of the buffer, and keeps the beginning of the last if its end is missing.
    private mutating func deliver(
        _ range: Range<Int>, seen: Int, in batch: consuming Batch, as parser: MessageParser<some Framing>,
        to receiver: inout some MessageReceiver
    ) -> (end: Int, reason: CloseReason?) {
        var seen = seen
        while batch.end < range.upperBound {
            let rest = unsafe UnsafeBufferPointer(
                start: batch.buffer.base + batch.end, count: range.upperBound &- batch.end)
            switch unsafe parser.parse(rest.span, seen: seen) {
            case .whole(let length, let content):
                batch.append(length, content)
                // What was kept of earlier reads may hold whole messages, too, so there may be more of them than a read has bytes.
                if batch.isFull, !batch.deliver(to: &receiver) { return (batch.end, nil) }
            case .unfinished(let more):
                guard batch.deliver(to: &receiver) else { return (batch.end, nil) }
                unsafe tail.append(contentsOf: rest)
                awaited = more
                return (range.upperBound, nil)
            case .tooLong(let length?) where length <= rest.count:
                guard batch.deliver(to: &receiver) else { return (batch.end, nil) }
                batch.skip(length)
                guard receiver.messageWasTooLong() else { return (batch.end, nil) }
            case .tooLong(let length):
                guard batch.deliver(to: &receiver) else { return (batch.end, nil) }
                isDiscarding = true
                awaited = length.map { $0 &- rest.count } ?? 0
                let goesOn = receiver.messageWasTooLong()
                return (range.upperBound, goesOn && length == nil ? .messageTooLong : nil)
            case .malformed:
                return (batch.end, batch.deliver(to: &receiver) ? .malformedMessage : nil)
            }
            seen = 0
        }
        _ = batch.deliver(to: &receiver)
        return (batch.end, nil)
    }

    /// Messages that lie one after the other in the loop's read buffer, and have not been delivered yet.
    private struct Batch {
        let buffer: ReadBuffer
        private let capacity: Int
        private var start: Int
        private(set) var end: Int
        private var count = 0

        /// - Parameter capacity: How many messages may be delivered together, at most the buffer's `readSize`.
        init(buffer: ReadBuffer, start: Int, capacity: Int) {
            self.buffer = buffer
            self.start = start
            self.capacity = capacity
            end = start
        }

        var isFull: Bool { count == capacity }

        mutating func append(_ length: Int, _ content: Range<Int>) {
            unsafe buffer.contents[count] =
                UInt32(truncatingIfNeeded: end &+ content.lowerBound)..<UInt32(truncatingIfNeeded: end &+ content.upperBound)
            end &+= length
            unsafe buffer.ends[count] = UInt32(truncatingIfNeeded: end)
            count &+= 1
        }

        mutating func skip(_ length: Int) {
            end &+= length
            start = end
        }

        mutating func deliver(to receiver: inout some MessageReceiver) -> Bool {
            if count == 0 { return true }
            defer {
                start = end
                count = 0
            }
            return unsafe receiver.receive(
                MessageBatch(base: buffer.base, start: start, ends: buffer.ends, count: count, contents: buffer.contents))
        }
    }
}

/// Gets the messages that a `MessageBuffer` finds. The results say whether to go on.
protocol MessageReceiver {
    mutating func receive(_ messages: borrowing MessageBatch) -> Bool
    mutating func messageWasTooLong() -> Bool
}

/// Finds one message at a time, by a framing and within the limits of a connection. Whatever the framing answers, and even if it
/// answers differently about the same bytes, the worst that results is a malformed message.
private struct MessageParser<Format: Framing> {
    let framing: Format
    /// How long a message's content may be, and how long a message.
    let contentLimit: Int
    let limit: Int

    init(framing: Format, limit: Int, envelopeLimit: Int) {
        self.framing = framing
        contentLimit = limit
        self.limit = limit &+ envelopeLimit
    }

    enum Result {
        case whole(length: Int, content: Range<Int>)
        /// The framing need not be asked before that many more bytes have come; 0 if any byte may be the last.
        case unfinished(more: Int)
        /// The length is nil if it is not known.
        case tooLong(length: Int?)
        case malformed
    }

    /// Parses the first message. Whether it is too long, and whether its end is known, must not depend on the pieces in which it
    /// comes.
    func parse(_ bytes: Span<UInt8>, seen: Int) -> Result {
        switch framing.messageExtent(in: bytes, seen: seen) {
        case .length(let length):
            if length < 1 { return .malformed }
            if length > limit {
                // If the end was found only because the whole message is here, treat it as unknown: had the message come in
                // pieces, the connection would have given up earlier, and the result must not depend on that.
                let isAnnounced = bytes.count <= limit || extentWithinLimit(of: bytes) != .unknown
                return .tooLong(length: isAnnounced ? length : nil)
            }
            if length > bytes.count { return .unfinished(more: length &- bytes.count) }
            let content = framing.content(of: bytes.extracting(first: length)).clamped(to: 0..<length)
            return content.count > contentLimit ? .tooLong(length: length) : .whole(length: length, content: content)
        case .unknown:
            return bytes.count > limit ? .tooLong(length: nil) : .unfinished(more: 0)
        case .malformed:
            // Had the message come in pieces, the connection would have given up at its length, before it saw what is wrong.
            guard bytes.count > limit, case .length(let length) = extentWithinLimit(of: bytes), length > limit else {
                return .malformed
            }
            return .tooLong(length: length)
        }
    }

    /// What is known of a message when only as much of it has come as a message may have.
    private func extentWithinLimit(of bytes: Span<UInt8>) -> MessageExtent {
        framing.messageExtent(in: bytes.extracting(first: limit), seen: 0)
    }
}
