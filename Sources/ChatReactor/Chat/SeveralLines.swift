import Glibc
import Reactor

/// A message of several lines, as those send it who have IRC clients: joined by newlines, in one record. People get each line as one of its own.
extension Span<UInt8> {
    /// - Complexity: O(*n*) for *n* bytes.
    var isSeveralLines: Bool {
        unsafe withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe memchr(start, Int32(UInt8(ascii: "\n")), bytes.count) != nil
        }
    }
}

extension [UInt8] {
    /// The lines, without their newlines. Some may be empty.
    var lines: [[UInt8]] { split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init) }

    /// The lines with spaces in between, for those who expect one.
    var inOneLine: [UInt8] { lines.filter { !$0.isEmpty }.joined(separator: " ".utf8).map(\.self) }

    /// Whether nothing is said in any of the lines.
    var isBlankLines: Bool { allSatisfy { $0 == UInt8(ascii: "\n") } }
}
