import Glibc

/// The messages of one read, in the order in which they came, straight from the loop's read buffer.
///
/// It can be used only during the call that it is handed to: being noncopyable and borrowed, it cannot be kept. What is to be
/// kept of it is copied:
///
/// ```swift
/// for index in 0..<messages.count {
///     print("received: \(messages.text(at: index))")
/// }
/// ```
///
/// A message has a *content*, which is what handlers look at, and a form in which it goes *over the wire*, which is what is sent
/// and relayed: with its newline, its terminator or its length.
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
    init(
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

    /// Hands `body` the content of each message: a line without its newline, what a length announces without the length.
    public func forEach(_ body: (Span<UInt8>) -> Void) {
        for index in 0..<count { withMessage(at: index, body) }
    }

    /// Hands `body` the content of one message. The index must be at least 0 and less than `count`; any other ends the process.
    public func withMessage<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        let content = contentRange(of: index)
        return unsafe body(UnsafeBufferPointer(start: base + content.lowerBound, count: content.count).span)
    }

    /// Where the content of a message lies, counted from `withWireBytes`'s base.
    func contentRange(of index: Int) -> Range<Int> {
        let (start, end) = (wireOffset(of: index), wireOffset(of: index &+ 1))
        guard let contents = unsafe contents else { return unsafe Range(uncheckedBounds: (start, end &- terminatorLength)) }
        let content = unsafe contents[index]
        return unsafe Range(uncheckedBounds: (Int(content.lowerBound), Int(content.upperBound)))
    }

    /// The content of one message as a text, in which U+FFFD takes the place of what is no valid UTF-8. The index must be less than
    /// `count`.
    public func text(at index: Int) -> String {
        withMessage(at: index) { content in
            unsafe content.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }

    /// The index of the first message, from `start` on, whose content equals `content`; or nil. `start` must not be beyond
    /// `count`.
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

    /// Where a message begins, counted from `withWireBytes`'s base, and the one before it ends. The index may be `count`, for the end
    /// of the last.
    package func wireOffset(of index: Int) -> Int {
        precondition(index >= 0 && index <= count, "no message of that index in the batch")
        return index == 0 ? start : unsafe Int(ends[index &- 1])
    }

    /// The memory that the messages lie in, as they are relayed: each with its envelope, one after the other. `ends` says where.
    package func withWireBytes<Result>(
        _ body: (_ base: UnsafePointer<UInt8>, _ ends: UnsafePointer<UInt32>) -> Result
    ) -> Result {
        unsafe body(base, ends)
    }

    /// Some of the messages as they are relayed, each with its envelope, one after the other: a line with its newline, what a length
    /// announces behind the length. All of them are what a peer has to be sent to get the same messages:
    ///
    /// ```swift
    /// messages.withWireBytes(in: 0..<messages.count) { bytes in _ = connection.send(bytes) }
    /// ```
    ///
    /// A range that is not within `0..<count` ends the process.
    public func withWireBytes<Result>(in range: Range<Int>, _ body: (Span<UInt8>) -> Result) -> Result {
        let first = wireOffset(of: range.lowerBound)
        let length = wireOffset(of: range.upperBound) &- first
        return unsafe body(UnsafeBufferPointer(start: base + first, count: length).span)
    }
}
