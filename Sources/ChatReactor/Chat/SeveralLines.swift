import Reactor

/// A message of several lines, as those send it who have IRC clients: joined by newlines, in one record. People get each line as one of its own.
extension Span<UInt8> {
    /// - Complexity: O(*n*) for *n* bytes.
    var isSeveralLines: Bool {
        for index in indices where self[index] == UInt8(ascii: "\n") { return true }
        return false
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
