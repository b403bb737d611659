/// Names one registration with a loop for as long as that registration lives, and nothing ever after.
///
/// Slots are used again; a generation is not. An event that the kernel still reports for a connection that is gone,
/// possibly to a slot that has a new owner, is thus recognised and dropped. A pointer or a bare descriptor in its place would
/// hand the stale event to the wrong connection.
public struct Token: Hashable, Sendable {
    package let slot: UInt32
    package let generation: UInt32

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// What travels through the kernel in `epoll_data`.
    init(rawValue: UInt64) {
        slot = UInt32(truncatingIfNeeded: rawValue)
        generation = UInt32(truncatingIfNeeded: rawValue >> 32)
    }

    var rawValue: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}

extension Token: CustomStringConvertible {
    /// Two numbers, for a log: `17.3`.
    public var description: String { "\(slot).\(generation)" }
}
