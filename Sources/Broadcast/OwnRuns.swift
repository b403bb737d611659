/// The runs of a topic's log that one subscriber published itself, oldest first.
///
/// Only a subscriber that lags and goes on publishing has any. Runs that touch are one, so two runs have a message of another
/// sender between them, and their number is bounded by half of the log's capacity.
struct OwnRuns {
    private var runs = Queue<Range<Int>>()

    var isEmpty: Bool { runs.isEmpty }
    var count: Int { runs.count }
    var first: Range<Int>? { runs.first }

    subscript(index: Int) -> Range<Int> { runs[index] }

    /// Appends a run that begins at or after the end of the last one.
    ///
    /// - Complexity: Amortized O(1).
    mutating func append(_ run: Range<Int>) {
        if let last = runs.last, last.upperBound == run.lowerBound {
            runs.replaceLast(with: last.lowerBound..<run.upperBound)
        } else {
            runs.append(run)
        }
    }

    /// Removes the oldest run, if there is one.
    ///
    /// - Complexity: Amortized O(1).
    mutating func removeFirst() { runs.removeFirst() }
}
