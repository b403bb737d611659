/// The buffer into which a loop reads, from all of its sockets.
///
///      base                       start
///      ┌──────────────────────────┬───────────────────────────────────────────┐
///      │  headroom                │  what one read brings                     │
///      └──────────────────────────┴───────────────────────────────────────────┘
///                     └─ tail ────┘└─ …rest of its line ⏎ line ⏎ line ⏎ begi─┘
///
/// A connection keeps the beginning of an unfinished message, its tail, for itself. Once the rest of the message has come, the tail
/// is copied right in front of it, so that all messages of the read are one contiguous run of bytes.
@safe final class ReadBuffer {
    let readSize: Int
    private(set) var headroom = 0
    private(set) var base: UnsafeMutablePointer<UInt8>
    /// Where each message of a read ends, counted from `base`. There is room for as many messages as a read has bytes.
    let ends: UnsafeMutablePointer<UInt32>
    private var ownedContents: UnsafeMutablePointer<Range<UInt32>>?

    init(readSize: Int) {
        self.readSize = readSize
        unsafe base = .allocate(capacity: readSize)
        unsafe ends = .allocate(capacity: readSize)
    }

    deinit {
        unsafe base.deallocate()
        unsafe ends.deallocate()
        unsafe ownedContents?.deallocate()
    }

    /// Where reads go.
    var start: UnsafeMutablePointer<UInt8> { unsafe base + headroom }

    /// Where the content of each message of a read lies, counted from `base`. It is allocated when it is first needed: lines and
    /// chunks do without.
    var contents: UnsafeMutablePointer<Range<UInt32>> {
        if let ownedContents = unsafe ownedContents { return unsafe ownedContents }
        let contents = UnsafeMutablePointer<Range<UInt32>>.allocate(capacity: readSize)
        unsafe ownedContents = contents
        return unsafe contents
    }

    /// Makes room for tails of up to `length` bytes. What the buffer holds is lost, so this must be called before a read.
    func reserveHeadroom(_ length: Int) {
        if length <= headroom { return }
        unsafe base.deallocate()
        unsafe base = .allocate(capacity: length &+ readSize)
        headroom = length
    }

    /// Finds the newlines in a part of the buffer of at most `readSize` bytes, and notes in `ends` where the lines that they end do so,
    /// newline included. Returns how many there are, and whether there is any carriage return.
    ///
    /// Sixteen bytes are compared at a time. Of the result, four bits for each byte are kept in one word, and the word's zeros are
    /// counted: for the short lines of a chat, this takes a quarter of the time of a memchr(3) for each of them. The lowest bits of
    /// that word are the first bytes, because all machines that Swift supports on Linux are little-endian.
    func findNewlines(in range: Range<Int>) -> (count: Int, hasCarriageReturn: Bool) {
        typealias Block = SIMD16<UInt8>
        let newline = Block(repeating: UInt8(ascii: "\n"))
        let carriageReturn = Block(repeating: UInt8(ascii: "\r"))
        let base = unsafe UnsafeRawPointer(base)
        let ends = unsafe ends
        var found = 0
        var returns = SIMD2<UInt64>.zero
        var offset = range.lowerBound
        let end = range.upperBound
        while offset &+ 16 <= end {
            let block = unsafe base.loadUnaligned(fromByteOffset: offset, as: Block.self)
            returns |= unsafe unsafeBitCast(block .== carriageReturn, to: SIMD2<UInt64>.self)
            let matches = unsafe unsafeBitCast(block .== newline, to: SIMD8<UInt16>.self)
            var nibbles = unsafe unsafeBitCast(SIMD8<UInt8>(truncatingIfNeeded: matches &>> 4), to: UInt64.self)
            while nibbles != 0 {
                let bit = nibbles.trailingZeroBitCount
                unsafe ends[found] = UInt32(truncatingIfNeeded: offset &+ bit / 4 &+ 1)
                found &+= 1
                nibbles &= ~(0xF &<< UInt64(truncatingIfNeeded: bit))
            }
            offset &+= 16
        }
        var hasCarriageReturn = returns[0] | returns[1] != 0
        while offset < end {
            let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
            offset &+= 1
            if byte == UInt8(ascii: "\r") { hasCarriageReturn = true }
            if byte == UInt8(ascii: "\n") {
                unsafe ends[found] = UInt32(truncatingIfNeeded: offset)
                found &+= 1
            }
        }
        return (found, hasCarriageReturn)
    }

    /// Where the first line in a part of the buffer ends, newline included; the end of the part if there is no newline.
    func endOfFirstLine(in range: Range<Int>) -> Int {
        min(firstIndex(of: UInt8(ascii: "\n"), in: range) &+ 1, range.upperBound)
    }

    /// Where a byte comes first in a part of the buffer; the end of the part if it does not come.
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int {
        let bytes = unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
        return unsafe bytes.span.firstIndex(of: byte, from: 0).map { range.lowerBound &+ $0 } ?? range.upperBound
    }

    /// Whether a part of the buffer is UTF-8 without NUL. It may begin and end within a letter.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    func isText(_ range: Range<Int>) -> Bool {
        var range = range
        for _ in 0..<3 where !range.isEmpty && isContinuation(range.lowerBound) { range = range.dropFirst() }
        if firstIndex(of: 0, in: range) < range.upperBound { return false }
        // The last letter may lack bytes: it is checked without those that have come.
        if let letter = range.suffix(3).last(where: { !isContinuation($0) }), unsafe (0xC2...0xF4).contains(base[letter]) {
            range = range.lowerBound..<letter
        }
        let bytes = unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
        return unsafe (try? UTF8Span(validating: bytes.span)) != nil
    }

    /// Whether a byte continues a letter of UTF-8.
    private func isContinuation(_ place: Int) -> Bool { unsafe base[place] & 0xC0 == 0x80 }
}
