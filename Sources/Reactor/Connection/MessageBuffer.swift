import Glibc

/// What a connection keeps of a message that has begun to arrive, and how messages are made of what was read, as any `Framing`
/// has it. Lines have a way of their own, in MessageBuffer+Lines.
///
/// Whole messages never come here: they are handed on from the loop's read buffer. Between messages it owns no memory.
struct MessageBuffer {
    /// The beginning of the unfinished message; while one is being discarded, nothing. Of a line, no newline is in it, so a
    /// search never has to look at it again.
    var tail: [UInt8] = []
    /// How many bytes must come before there is anything to be done but to keep them, or to discard them. 0 if any byte may be
    /// the last.
    private var awaited = 0
    /// Whether the message that is arriving is too long, and is thrown away.
    var isDiscarding = false
    /// Whether a newline has ever come. Other framings do not ask.
    var hasSeenNewline = false

    /// Whether a message has begun.
    var isUnfinished: Bool { !tail.isEmpty || isDiscarding }

    /// Delivers the messages that the bytes of this read complete. Returns why the connection cannot go on after them, or nil if
    /// it can.
    ///
    /// - Parameters:
    ///   - count: How many bytes were read to the buffer's `start`.
    ///   - limit: How long a message's content may be, in bytes.
    ///   - envelopeLimit: How long the rest of a message may be. The buffer's headroom must have room for both limits. The framing
    ///     is not asked for it here: if its answer had grown, a tail would be written in front of the buffer.
    mutating func receive(
        _ count: Int, in buffer: ReadBuffer, framing: some Framing, limit: Int, envelopeLimit: Int,
        to receiver: inout some MessageReceiver
    ) -> CloseReason? {
        let parser = MessageParser(framing: framing, limit: limit, envelopeLimit: envelopeLimit)
        let fresh = unsafe UnsafeBufferPointer(start: buffer.start, count: count)
        let end = buffer.headroom &+ count
        var start = buffer.headroom
        if count < awaited {
            if !isDiscarding { unsafe tail.append(contentsOf: fresh) }
            awaited &-= count
            return nil
        }
        // What has come since a length was told, the framing has not seen.
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
                return nil
            }
            tail.removeLast(count)
        }
        awaited = 0
        start &-= moveTail(before: start, in: buffer)
        return deliver(start..<end, seen: seen, of: buffer, as: parser, to: &receiver)
    }

    /// Puts the tail right in front of a place in the buffer, and says how long it is.
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
        _ range: Range<Int>, seen: Int, of buffer: ReadBuffer, as parser: MessageParser<some Framing>,
        to receiver: inout some MessageReceiver
    ) -> CloseReason? {
        var batch = Batch(buffer: buffer, start: range.lowerBound)
        var seen = seen
        while batch.end < range.upperBound {
            let rest = unsafe UnsafeBufferPointer(start: buffer.base + batch.end, count: range.upperBound &- batch.end)
            switch unsafe parser.parse(rest.span, seen: seen) {
            case .whole(let length, let content):
                // Messages that were there before this read, but had to wait for it, may be more than it has bytes.
                if batch.isFull, !batch.deliver(to: &receiver) { return nil }
                batch.append(length, content)
            case .unfinished(let more):
                guard batch.deliver(to: &receiver) else { return nil }
                unsafe tail.append(contentsOf: rest)
                awaited = more
                return nil
            case .tooLong(let length):
                guard batch.deliver(to: &receiver), receiver.messageWasTooLong() else { return nil }
                guard let length else { return .messageTooLong }
                if length > rest.count {
                    isDiscarding = true
                    awaited = length &- rest.count
                    return nil
                }
                batch.skip(length)
            case .malformed:
                return batch.deliver(to: &receiver) ? .malformedMessage : nil
            }
            seen = 0
        }
        _ = batch.deliver(to: &receiver)
        return nil
    }

    /// Messages that lie one after the other in the loop's read buffer, and have not been delivered yet.
    private struct Batch {
        let buffer: ReadBuffer
        private var start: Int
        private(set) var end: Int
        private var count = 0

        init(buffer: ReadBuffer, start: Int) {
            self.buffer = buffer
            self.start = start
            end = start
        }

        var isFull: Bool { count == buffer.readSize }

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
        /// Nothing is to be asked before there are that many bytes more; 0 if any byte may be the last.
        case unfinished(more: Int)
        /// The length is nil if it is not known.
        case tooLong(length: Int?)
        case malformed
    }

    /// The same message is too long, or not, and its end is known, or not, in whatever pieces it comes.
    func parse(_ bytes: Span<UInt8>, seen: Int) -> Result {
        switch framing.messageExtent(in: bytes, seen: seen) {
        case .length(let length):
            if length < 1 { return .malformed }
            if length > limit {
                // If the end was found only because the whole message is here, treat it as unknown: had the message come in
                // pieces, the connection would have given up earlier, and the result must not depend on that.
                let isAnnounced = bytes.count <= limit || isKnown(in: bytes.extracting(first: limit))
                return .tooLong(length: isAnnounced ? length : nil)
            }
            if length > bytes.count { return .unfinished(more: length &- bytes.count) }
            let content = framing.content(of: bytes.extracting(first: length)).clamped(to: 0..<length)
            return content.count > contentLimit ? .tooLong(length: length) : .whole(length: length, content: content)
        case .unknown:
            return bytes.count > limit ? .tooLong(length: nil) : .unfinished(more: 0)
        case .malformed:
            return .malformed
        }
    }

    private func isKnown(in bytes: Span<UInt8>) -> Bool {
        framing.messageExtent(in: bytes, seen: 0) != .unknown
    }
}

extension Framing {
    /// `maximumEnvelopeLength`, brought into its range. `Connection.SharedOptions` reads it once: a framing may answer
    /// differently the next time.
    var envelopeLimit: Int { min(max(maximumEnvelopeLength, 0), 65_536) }
}

extension Span<UInt8> {
    /// The corresponding C function is `memchr`.
    func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        unsafe withUnsafeBufferPointer { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = unsafe memchr(base + start, Int32(byte), bytes.count &- start)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
        }
    }
}
