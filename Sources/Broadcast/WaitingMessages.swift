import Reactor

/// Messages that were published to a topic of several loops, and for which there was no room in the log yet, oldest first.
struct WaitingMessages {
    /// Messages that one connection has sent together.
    struct Run {
        let bytes: [UInt8]
        /// Where each of them ends in `bytes`.
        let ends: [UInt32]
        /// Who is not to get them. By name: it may be closed by the time that there is room.
        let others: [Connection.ID]
    }

    private var runs = Queue<Run>()
    private(set) var byteCount = 0

    var isEmpty: Bool { runs.isEmpty }
    var first: Run? { runs.first }

    mutating func append(_ run: Run) {
        runs.append(run)
        byteCount &+= run.bytes.count
    }

    /// Removes the oldest run, if there is one.
    ///
    /// - Complexity: Amortized O(1).
    mutating func removeFirst() {
        byteCount &-= first?.bytes.count ?? 0
        runs.removeFirst()
    }
}

extension BroadcastLog {
    func append(_ run: WaitingMessages.Run) {
        unsafe run.bytes.withUnsafeBufferPointer { bytes in
            unsafe run.ends.withUnsafeBufferPointer { ends in
                guard let start = bytes.baseAddress, let firstEnd = ends.baseAddress else { return }
                unsafe append(start, count: bytes.count, ends: firstEnd, messageCount: ends.count, origin: 0)
            }
        }
    }
}
