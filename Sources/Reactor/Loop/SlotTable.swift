/// Something whose descriptor is registered with a loop.
protocol EventSource: AnyObject {
    /// The descriptor may be ready: an event can be spurious, so only the system call that follows knows.
    func descriptorIsReady(_ readiness: Readiness)

    /// Lets go of the descriptor at once, because the loop closes.
    func loopIsClosing()

    /// Lets go of the descriptor as soon as that loses nothing, because the loop is to end. Not all sources have a part in that.
    func loopIsShuttingDown()
}

extension EventSource {
    func loopIsShuttingDown() {}
}

/// The registered sources, found by token in constant time.
final class SlotTable {
    private struct Slot {
        var source: (any EventSource)?
        var generation: UInt32
        var nextFree: Int32
    }

    private var slots: [Slot] = []
    private var firstFree: Int32 = -1

    func insert(_ source: any EventSource) -> Token {
        if firstFree >= 0 {
            let index = Int(firstFree)
            firstFree = slots[index].nextFree
            slots[index].source = source
            return Token(slot: UInt32(index), generation: slots[index].generation)
        }
        slots.append(Slot(source: source, generation: 0, nextFree: -1))
        return Token(slot: UInt32(slots.count - 1), generation: 0)
    }

    func remove(_ token: Token) {
        let index = Int(token.slot)
        assert(slots[index].generation == token.generation, "a token removed twice")
        slots[index].source = nil
        // From here on, events that still carry the old generation find nothing.
        slots[index].generation &+= 1
        slots[index].nextFree = firstFree
        firstFree = Int32(truncatingIfNeeded: index)
    }

    subscript(token: Token) -> (any EventSource)? {
        let index = Int(token.slot)
        guard index < slots.count, slots[index].generation == token.generation else { return nil }
        return slots[index].source
    }

    var sources: [any EventSource] { slots.compactMap(\.source) }
}
