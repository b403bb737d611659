/// One thing that happened in a room: what a log of records holds, and what wire forms are made from.
///
/// It is a view of the log's memory. A reader borrows it for one call; being noncopyable, it cannot be kept.
@safe struct Record: ~Copyable {
    /// What happened.
    ///
    /// The numbers are a file format: a number that once had a meaning is never given another. A file with a kind that is not here
    /// is damaged for this program, so a new kind makes a new version of the format.
    enum Kind: UInt8, CaseIterable {
        /// `from` said `text`.
        case message = 1
        /// `from` does what `text` says.
        case action = 2
        /// `from` came into the room.
        case join = 3
        /// `from` left the room; `text` is why.
        case leave = 4
        /// `from` is called `text` from now on.
        case rename = 5
        /// `from` has set the room's topic to `text`.
        case topic = 6
        /// The server says `text`.
        case notice = 7

        /// Whether a person said this. History is counted in such records.
        var isSaid: Bool { self == .message || self == .action }
    }

    /// The record's number in its log: 1 for the first, and one more for each that follows.
    let sequence: UInt64
    /// When it happened: milliseconds since the beginning of 1970, UTC.
    let time: Int64
    let kind: Kind
    /// How many people were in the room afterwards, for those kinds that say so; otherwise 0.
    let online: Int32

    private let content: UnsafePointer<UInt8>
    private let fromLength: Int
    private let textLength: Int

    /// - Parameter content: The bytes of `from`, followed by those of `text`.
    init(
        sequence: UInt64, time: Int64, kind: Kind, online: Int32, content: UnsafePointer<UInt8>, fromLength: Int, textLength: Int
    ) {
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.online = online
        unsafe self.content = content
        self.fromLength = fromLength
        self.textLength = textLength
    }

    /// Calls `body` with the name of the person, and with the text. Either may be empty. The log takes any bytes; that they are
    /// UTF-8 is up to those who append.
    func withContent<Result>(_ body: (_ from: Span<UInt8>, _ text: Span<UInt8>) -> Result) -> Result {
        // The log's memory stays as it is while a reader borrows this record.
        unsafe body(
            UnsafeBufferPointer(start: content, count: fromLength).span,
            UnsafeBufferPointer(start: content + fromLength, count: textLength).span)
    }

    /// The name of the person, with U+FFFD in place of what is not valid UTF-8.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    var from: String { unsafe String(decoding: UnsafeBufferPointer(start: content, count: fromLength), as: UTF8.self) }

    /// The text, with U+FFFD in place of what is not valid UTF-8.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    var text: String {
        unsafe String(decoding: UnsafeBufferPointer(start: content + fromLength, count: textLength), as: UTF8.self)
    }
}
