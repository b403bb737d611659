import Glibc

/// What a connection keeps of a message that has begun to arrive, and how messages are made of what was read, as any `Framing` has
/// it. Lines have a way of their own, in MessageBuffer+Lines.
///
/// Whole messages never come here: they are handed on from the loop's read buffer. Between messages it owns no memory.
struct MessageBuffer {
    /// The beginning of the unfinished message; while one is being discarded, nothing. Of a line, no newline is in it, so a search never has
    /// to look at it again.
    var tail: [UInt8] = []
    /// How many bytes must come before there is anything to be done but to keep them, or to discard them. 0 if any byte may be the last.
    private var awaited = 0
    /// Whether the message that is arriving is too long, and is thrown away.
    var isDiscarding = false
    /// Whether a newline has ever come. Other framings do not ask.
    var hasSeenNewline = false

    /// Whether a message has begun.
    var isUnfinished: Bool { !tail.isEmpty || isDiscarding }

    /// Hands on the messages that what was read just now has completed. If the connection cannot go on behind them, says why.
    ///
    /// - Parameters:
    ///   - count: How many bytes were read to the buffer's `start`.
    ///   - limit: How long a message's content may be. The buffer's headroom is for that and the framing's longest envelope.
    mutating func receive(
        _ count: Int, in buffer: ReadBuffer, framing: some Framing, limit: Int, to receiver: inout some MessageReceiver
    ) -> CloseReason? {
        let ruler = Ruler(framing: framing, limit: limit)
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
            // Where little is read at a time, a long tail is added to where it is, and not moved to and fro with every read.
            unsafe tail.append(contentsOf: fresh)
            if case .unfinished(let more) = ruler.measure(tail.span, seen: seen) {
                awaited = more
                return nil
            }
            tail.removeLast(count)
        }
        awaited = 0
        start &-= moveTail(before: start, in: buffer)
        return hand(start..<end, seen: seen, of: buffer, as: ruler, to: &receiver)
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

    /// Hands on the messages in a part of the buffer, and keeps the beginning of the last.
    private mutating func hand(
        _ range: Range<Int>, seen: Int, of buffer: ReadBuffer, as ruler: Ruler<some Framing>,
        to receiver: inout some MessageReceiver
    ) -> CloseReason? {
        var batch = Batch(buffer: buffer, start: range.lowerBound)
        var seen = seen
        while batch.end < range.upperBound {
            let rest = unsafe UnsafeBufferPointer(start: buffer.base + batch.end, count: range.upperBound &- batch.end)
            switch unsafe ruler.measure(rest.span, seen: seen) {
            case .whole(let length, let content):
                // Messages that were there before this read, but had to wait for it, may be more than it has bytes.
                if batch.isFull, !batch.hand(to: &receiver) { return nil }
                batch.append(length, content)
            case .unfinished(let more):
                guard batch.hand(to: &receiver) else { return nil }
                unsafe tail.append(contentsOf: rest)
                awaited = more
                return nil
            case .tooLong(let length):
                guard batch.hand(to: &receiver), receiver.messageWasTooLong() else { return nil }
                guard let length else { return .messageTooLong }
                if length > rest.count {
                    isDiscarding = true
                    awaited = length &- rest.count
                    return nil
                }
                batch.skip(length)
            case .malformed:
                return batch.hand(to: &receiver) ? .malformedMessage : nil
            }
            seen = 0
        }
        _ = batch.hand(to: &receiver)
        return nil
    }

    /// Messages that lie one behind the other in the loop's read buffer, and are yet to be handed on.
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

        mutating func hand(to receiver: inout some MessageReceiver) -> Bool {
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

/// Measures messages as a framing has it, within the limits of a connection. Whatever a framing says, nothing worse than a malformed
/// message comes of it.
private struct Ruler<Format: Framing> {
    let framing: Format
    /// How long a message's content may be, and how long a message.
    let contentLimit: Int
    let limit: Int

    init(framing: Format, limit: Int) {
        self.framing = framing
        contentLimit = limit
        self.limit = limit &+ framing.envelopeLimit
    }

    enum Measure {
        case whole(length: Int, content: Range<Int>)
        /// Nothing is to be asked before there are that many bytes more; 0 if any byte may be the last.
        case unfinished(more: Int)
        /// The length is nil if it is not known.
        case tooLong(length: Int?)
        case malformed
    }

    /// The same message is too long, or not, and its end is known, or not, in whatever pieces it comes.
    func measure(_ bytes: Span<UInt8>, seen: Int) -> Measure {
        switch framing.messageExtent(in: bytes, seen: seen) {
        case .length(let length):
            if length < 1 { return .malformed }
            if length > limit {
                // Where it ends may be known only because it has come whole; in pieces it would have had to be given up before.
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
    /// The longest envelope, as far as it is believed.
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
