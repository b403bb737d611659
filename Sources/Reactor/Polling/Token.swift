/// Names one registration with a loop.
///
/// Slots are used again; a pair of slot and generation is not. An event that the kernel still reports for a connection that is
/// gone, possibly to a slot that has a new owner, is thus recognised and dropped. A pointer or a bare descriptor in its place
/// would deliver the stale event to the wrong connection.
///
/// A generation has 32 bits. Since the free slots are used in turn, a name comes again after 2^32 registrations of each slot that
/// is ever free: at 20,000 connections a second on 100 slots, after eight months.
package struct Token: Hashable, Sendable {
    package let slot: UInt32
    package let generation: UInt32

    /// What nothing that is registered has.
    static let none = Token(slot: .max, generation: .max)

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// From the form that the kernel keeps in `epoll_data`.
    package init(rawValue: UInt64) {
        slot = UInt32(truncatingIfNeeded: rawValue)
        generation = UInt32(truncatingIfNeeded: rawValue >> 32)
    }

    package var rawValue: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}
