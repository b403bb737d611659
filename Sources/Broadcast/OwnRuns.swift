/// The runs of a topic's log that one subscriber published itself, oldest first: a queue of ranges.
///
/// Only a subscriber that lags and goes on publishing has any. Runs that touch are one, so two runs have a message of another
/// sender between them, and their number is bounded by half of the log's capacity.
struct OwnRuns {
    private var runs: [Range<Int>] = []
    /// How many of `runs` have been removed already. Removing them one by one would move all others each time.
    private var removedCount = 0

    var isEmpty: Bool { runs.isEmpty }
    var count: Int { runs.count &- removedCount }
    var first: Range<Int>? { isEmpty ? nil : runs[removedCount] }

    subscript(index: Int) -> Range<Int> { runs[removedCount &+ index] }

    /// Appends a run that begins at or after the end of the last one.
    ///
    /// - Complexity: Amortized O(1).
    mutating func append(_ run: Range<Int>) {
        if let last = runs.last, last.upperBound == run.lowerBound {
            runs[runs.count &- 1] = last.lowerBound..<run.upperBound
        } else {
            runs.append(run)
        }
    }

    /// Removes the oldest run, if there is one.
    ///
    /// - Complexity: Amortized O(1).
    mutating func removeFirst() {
        if isEmpty { return }
        removedCount &+= 1
        if removedCount == runs.count {
            self = OwnRuns()
        } else if removedCount >= 64, removedCount >= runs.count / 2 {
            // At least as many runs have been removed as are moved now, so each is moved once at most, on average.
            runs.removeFirst(removedCount)
            removedCount = 0
        }
    }
}
