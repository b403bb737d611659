import Glibc

/// The messages of one read, in the order in which they came, straight from the loop's read buffer.
///
/// It can be used only during the call that it is passed to: it is noncopyable and borrowed, so nobody can keep it. A handler copies
/// what it needs later:
///
/// ```swift
/// for index in 0..<messages.count {
///     print("received: \(messages.text(at: index))")
/// }
/// ```
///
/// A message has a *content*, which handlers look at, and a form in which it goes *over the wire*, which is sent and relayed: with
/// its newline, its terminator or its length.
@safe public struct MessageBatch: ~Copyable {
    private let base: UnsafePointer<UInt8>
    private let start: Int
    private let ends: UnsafePointer<UInt32>
    private let terminatorLength: Int
    private let contents: UnsafePointer<Range<UInt32>>?

    /// How many messages there are, at least one.
    public let count: Int

    /// - Parameters:
    ///   - start: Where the first message begins, counted from `base`.
    ///   - ends: Where each message ends, with its terminator, counted from `base`.
    ///   - terminatorLength: How many bytes at each end are the terminator: 1 for lines, 0 for chunks.
    ///   - contents: Where the content of each message lies, counted from `base`; nil if it is all but the terminator.
    package init(
        base: UnsafePointer<UInt8>, start: Int, ends: UnsafePointer<UInt32>, count: Int, terminatorLength: Int = 0,
        contents: UnsafePointer<Range<UInt32>>? = nil
    ) {
        unsafe self.base = base
        self.start = start
        unsafe self.ends = ends
        self.count = count
        self.terminatorLength = terminatorLength
        unsafe self.contents = contents
    }

    /// Calls `body` with the content of each message: a line without its newline, a message with a length without the length.
    ///
    /// Throws what `body` throws, at the first message at which it does.
    ///
    /// - Complexity: O(*n*) for *n* messages.
    public func forEach<Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
        for index in 0..<count { try withMessage(at: index, body) }
    }

    /// Calls `body` with the content of one message, and returns or throws what that does. The index must be at least 0 and less than
    /// `count`; any other ends the process.
    public func withMessage<Result, Failure: Error>(
        at index: Int, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let content = contentRange(of: index)
        return try unsafe body(UnsafeBufferPointer(start: base + content.lowerBound, count: content.count).span)
    }

    /// Where the content of a message lies, counted from `withWireBytes`'s base.
    func contentRange(of index: Int) -> Range<Int> {
        let (start, end) = (wireOffset(of: index), wireOffset(of: index &+ 1))
        guard let contents = unsafe contents else { return unsafe Range(uncheckedBounds: (start, end &- terminatorLength)) }
        let content = unsafe contents[index]
        return unsafe Range(uncheckedBounds: (Int(content.lowerBound), Int(content.upperBound)))
    }

    /// The content of one message as text, with U+FFFD in place of what is not valid UTF-8. The index must be less than `count`.
    ///
    /// - Complexity: O(*n*) for *n* bytes of content.
    public func text(at index: Int) -> String {
        withMessage(at: index) { content in
            unsafe content.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The index of the first message, from `start` on, whose content equals `content`; or nil. `start` must be from 0 to `count`.
    ///
    /// - Complexity: O(*n*) for *n* messages, of which only those that are as long as `content` are compared.
    public func firstIndex(of content: [UInt8], from start: Int = 0) -> Int? {
        if let contents = unsafe contents {
            return (start..<count).first { index in
                let range = unsafe contents[index]
                return unsafe range.count == content.count && memcmp(base + Int(range.lowerBound), content, content.count) == 0
            }
        }
        let wireLength = content.count &+ terminatorLength
        var first = wireOffset(of: start)
        for index in start..<count {
            let end = unsafe Int(ends[index])
            if end &- first == wireLength, unsafe memcmp(base + first, content, content.count) == 0 { return index }
            first = end
        }
        return nil
    }

    /// Where a message begins, counted from `withWireBytes`'s base: the place where the message before it ends. The index may be
    /// `count`, for the end of the last message.
    package func wireOffset(of index: Int) -> Int {
        precondition(index >= 0 && index <= count, "no message of that index in the batch")
        return index == 0 ? start : unsafe Int(ends[index &- 1])
    }

    /// Calls `body` with the memory in which the messages lie as they are relayed: each with its envelope, one after the other. `ends`
    /// says where each of them ends.
    package func withWireBytes<Result>(
        _ body: (_ base: UnsafePointer<UInt8>, _ ends: UnsafePointer<UInt32>) -> Result
    ) -> Result {
        unsafe body(base, ends)
    }

    /// Calls `body` with all messages as they go over the wire, each with its envelope, one after the other, and returns or throws what
    /// that does. A peer that is sent these bytes gets the same messages:
    ///
    /// ```swift
    /// messages.withWireBytes { bytes in _ = connection.send(bytes) }
    /// ```
    public func withWireBytes<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withWireBytes(in: 0..<count, body)
    }

    /// Does what the other `withWireBytes` does, with some of the messages. A range that is not within `0..<count` ends the process.
    public func withWireBytes<Result, Failure: Error>(
        in range: Range<Int>, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let first = wireOffset(of: range.lowerBound)
        let length = wireOffset(of: range.upperBound) &- first
        return try unsafe body(UnsafeBufferPointer(start: base + first, count: length).span)
    }
}
