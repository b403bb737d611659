import Glibc

/// Lines, which are found sixteen bytes at a time, and asked of no framing.
extension MessageBuffer {
    /// Hands on the lines that what was read just now has completed.
    ///
    /// - Parameters:
    ///   - count: How many bytes were read to the buffer's `start`.
    ///   - limit: How long a line may be, without its newline. The buffer's headroom is for one byte more.
    mutating func receiveLines(_ count: Int, in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver) {
        let end = buffer.headroom &+ count
        let (found, hasCarriageReturn) = buffer.findNewlines(among: count)
        var lineStart = buffer.headroom
        var newlines = 0..<found
        if found > 0 { hasSeenNewline = true }
        if isDiscarding {
            if found == 0 { return }
            isDiscarding = false
            lineStart = unsafe Int(buffer.ends[0])
            newlines = 1..<found
        }
        guard let last = newlines.last else { return keepLine(lineStart..<end, of: buffer, limit: limit, to: &receiver) }
        let rest = unsafe Int(buffer.ends[last])..<end
        // Its terminator may have begun in an earlier read.
        let endsInCarriageReturn = tail.last == UInt8(ascii: "\r")
        lineStart &-= moveTail(before: lineStart, in: buffer)

        // Lines are relayed from where they lie, untouched, unless one of them may have to be shortened or left out.
        let goesOn =
            hasCarriageReturn || endsInCarriageReturn || rest.lowerBound &- lineStart > limit
            ? Self.handMendedLines(newlines, from: lineStart, in: buffer, limit: limit, to: &receiver)
            : Self.handLines(newlines, from: lineStart, in: buffer, to: &receiver)
        if goesOn { keepLine(rest, of: buffer, limit: limit, to: &receiver) }
    }

    /// Takes the unfinished line for a whole one, because no more of it will come.
    mutating func finishLine(in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver) {
        isDiscarding = false
        let length = tail.count
        if length == 0 { return }
        // The carriage return that it was allowed beyond the limit has turned out not to be half of a terminator.
        if length > limit {
            tail = []
            _ = receiver.messageWasTooLong()
            return
        }
        _ = moveTail(before: length, in: buffer)
        unsafe buffer.base[length] = UInt8(ascii: "\n")
        unsafe buffer.ends[0] = UInt32(truncatingIfNeeded: length &+ 1)
        _ = Self.handLines(0..<1, from: 0, in: buffer, to: &receiver)
    }

    private mutating func keepLine(_ rest: Range<Int>, of buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver)
    {
        if rest.isEmpty { return }
        // A carriage return at the end may be half of the terminator.
        let allowed = unsafe buffer.base[rest.upperBound &- 1] == UInt8(ascii: "\r") ? limit &+ 1 : limit
        if tail.count &+ rest.count <= allowed {
            unsafe tail.append(contentsOf: UnsafeBufferPointer(start: buffer.base + rest.lowerBound, count: rest.count))
        } else {
            tail = []
            isDiscarding = true
            _ = receiver.messageWasTooLong()
        }
    }

    /// Hands on the lines that end at some of the buffer's newlines.
    private static func handLines(
        _ newlines: Range<Int>, from lineStart: Int, in buffer: ReadBuffer, to receiver: inout some MessageReceiver
    ) -> Bool {
        if newlines.isEmpty { return true }
        return unsafe receiver.receive(
            MessageBatch(
                base: buffer.base, start: lineStart, ends: buffer.ends + newlines.lowerBound, count: newlines.count,
                terminatorLength: 1))
    }

    /// As `handLines`, but drops the carriage return of each terminator and the lines that are too long. What is behind a dropped byte moves
    /// up, to `output`, and `ends` is written anew behind the place where it is read.
    private static func handMendedLines(
        _ newlines: Range<Int>, from start: Int, in buffer: ReadBuffer, limit: Int, to receiver: inout some MessageReceiver
    ) -> Bool {
        let base = unsafe buffer.base
        var lineStart = start
        var batchStart = start
        var output = start
        var batch = newlines.lowerBound..<newlines.lowerBound
        for newline in newlines {
            let end = unsafe Int(buffer.ends[newline])
            var length = end &- 1 &- lineStart
            if length > 0, unsafe base[lineStart &+ length &- 1] == UInt8(ascii: "\r") { length &-= 1 }
            if length <= limit {
                if output != lineStart { unsafe memmove(base + output, base + lineStart, length) }
                unsafe base[output &+ length] = UInt8(ascii: "\n")
                output &+= length &+ 1
                unsafe buffer.ends[batch.upperBound] = UInt32(truncatingIfNeeded: output)
                batch = batch.lowerBound..<batch.upperBound &+ 1
            } else {
                guard handLines(batch, from: batchStart, in: buffer, to: &receiver), receiver.messageWasTooLong() else {
                    return false
                }
                batchStart = end
                output = end
                batch = newline &+ 1..<newline &+ 1
            }
            lineStart = end
        }
        return handLines(batch, from: batchStart, in: buffer, to: &receiver)
    }
}
