import Synchronization

/// Memory that something of a loop has reserved, within `EventLoop.Configuration.memoryLimit`: a log, for example. It is given back when this is
/// released, on any thread.
package final class MemoryReservation: Sendable {
    private let ledger: Ledger
    private let byteCount: Int

    /// How much is reserved on one loop.
    final class Ledger: Sendable {
        private let reserved = Atomic(0)

        var byteCount: Int { reserved.load(ordering: .relaxed) }

        fileprivate func add(_ count: Int) { reserved.add(count, ordering: .relaxed) }
    }

    fileprivate init(_ byteCount: Int, in ledger: Ledger) {
        self.ledger = ledger
        self.byteCount = byteCount
        ledger.add(byteCount)
    }

    deinit {
        ledger.add(-byteCount)
    }
}

extension EventLoop {
    /// How many bytes of memory logs have reserved, and connections hold for their peers: output that waits, and messages that are not
    /// complete. `Configuration.memoryLimit` is about these.
    public var memoryInUse: Int { reservedMemory.byteCount &+ bufferedByteCount }

    /// Reserves memory, before it is allocated.
    ///
    /// - Throws: `noMemory` if that would be more than the limit.
    package func reserveMemory(_ byteCount: Int) throws(Errno) -> MemoryReservation {
        let (sum, isTooLarge) = memoryInUse.addingReportingOverflow(byteCount)
        if isTooLarge || sum > configuration.memoryLimit ?? .max { throw .noMemory }
        return MemoryReservation(byteCount, in: reservedMemory)
    }

    /// Closes those connections that hold the most, until there is no more than the limit. Called at the end of a turn: until then they may hold
    /// more, by what a turn reads and what handlers send.
    func enforceMemoryLimit() {
        guard let limit = configuration.memoryLimit else { return }
        var excess = memoryInUse &- limit
        if excess <= 0 { return }
        let holders = connections.filter { $0.bufferedByteCount > 0 && $0.options.closesAtMemoryLimit }
        for connection in holders.sorted(by: { $0.bufferedByteCount > $1.bufferedByteCount }) where excess > 0 {
            excess &-= connection.bufferedByteCount
            connection.close(reason: .memoryLimit)
        }
        reap()
    }
}
