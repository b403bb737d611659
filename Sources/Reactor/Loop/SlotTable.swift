/// The registered sources of a loop. A token finds its source in constant time.
final class SlotTable {
    private struct Slot {
        var source: (any EventSource)?
        var generation: UInt32
        /// The next slot of the free list, or -1.
        var nextFree: Int32
    }

    private var slots: [Slot] = []
    // The free list is a queue: a slot that was given back is used again after all other free ones. A flood of short connections
    // thus wears out all slots evenly, and not the 32-bit generation of one.
    private var firstFree: Int32 = -1
    private var lastFree: Int32 = -1

    /// - Complexity: O(1), amortized.
    func insert(_ source: any EventSource) -> Token {
        if firstFree >= 0 {
            let index = Int(firstFree)
            firstFree = slots[index].nextFree
            if firstFree < 0 { lastFree = -1 }
            slots[index].source = source
            return Token(slot: UInt32(index), generation: slots[index].generation)
        }
        slots.append(Slot(source: source, generation: 0, nextFree: -1))
        return Token(slot: UInt32(slots.count - 1), generation: 0)
    }

    /// Returns the source, so that the caller releases it: its deinit may run an embedder's code, which may come back to this
    /// table.
    @discardableResult
    func remove(_ token: Token) -> (any EventSource)? {
        let index = Int(token.slot)
        assert(slots[index].generation == token.generation, "a token removed twice")
        let source = slots[index].source.take()
        // From here on, events that still carry the old generation find nothing.
        slots[index].generation &+= 1
        slots[index].nextFree = -1
        let freed = Int32(truncatingIfNeeded: index)
        if lastFree >= 0 { slots[Int(lastFree)].nextFree = freed } else { firstFree = freed }
        lastFree = freed
        return source
    }

    subscript(token: Token) -> (any EventSource)? {
        let index = Int(token.slot)
        guard index < slots.count, slots[index].generation == token.generation else { return nil }
        return slots[index].source
    }

    /// - Complexity: O(*n*) for *n* slots.
    var sources: [any EventSource] { slots.compactMap(\.source) }
}
