/// Some whole records that lie in a ring one after the other, with numbers that follow each other.
struct RecordRun: Equatable {
    /// Where the first one begins.
    var start: Int
    /// Where the last one ends: more than the ring's capacity if the run goes on at the ring's beginning.
    var end: Int
    var firstSequence: UInt64
    var count: Int

    /// The number that follows the last one's.
    var nextSequence: UInt64 { firstSequence &+ UInt64(count) }

    /// How many bytes the records take that have at least this number.
    ///
    /// - Complexity: O(*n*) for *n* records before that.
    func size(from sequence: UInt64, in ring: RecordRing) -> Int {
        if sequence >= nextSequence { return 0 }
        var position = start
        var next = firstSequence
        while next < sequence {
            switch ring.block(at: position % ring.capacity) {
            case .record(let size, _):
                position &+= size
                next &+= 1
            case .filler(let size): position &+= size
            case nil: return 0
            }
        }
        return end - position
    }

    /// All runs in a ring that may hold anything, in the order in which they begin, but that one that goes on at the ring's beginning
    /// is the last.
    ///
    /// - Complexity: O(*n*) for *n* bytes, as long as few pieces of them look like the beginning of a record without being one.
    static func all(in ring: RecordRing) -> [RecordRun] {
        var runs: [RecordRun] = []
        // Whether what is at `offset` lies right after the last run.
        var isAdjacent = false
        var offset = 0
        while offset < ring.capacity {
            switch ring.block(at: offset) {
            case .record(let size, let sequence):
                if isAdjacent, let last = runs.indices.last, runs[last].nextSequence == sequence {
                    runs[last].count += 1
                    runs[last].end = offset + size
                } else {
                    runs.append(RecordRun(start: offset, end: offset + size, firstSequence: sequence, count: 1))
                }
                isAdjacent = true
                offset += size
            case .filler(let size):
                offset += size
            case nil:
                isAdjacent = false
                offset += 8
            }
        }
        if isAdjacent, runs.count > 1, let first = runs.first, first.start == 0,
            runs[runs.count - 1].nextSequence == first.firstSequence
        {
            runs.removeFirst()
            runs[runs.count - 1].end = ring.capacity + first.end
            runs[runs.count - 1].count += first.count
        }
        return runs
    }
}
