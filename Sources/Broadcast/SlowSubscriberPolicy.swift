/// What a topic does about a subscriber that lags by more than `Topic.Configuration.highWater`, which is half of the log as a rule.
public enum SlowSubscriberPolicy: Hashable, Sendable {
    /// The loop stops reading from the topic's subscribers until the slow one lags by less than half of that. TCP slows the
    /// publishers down, and nothing is lost.
    ///
    /// - A slow subscriber is waited for as long as its peer takes bytes, the last of them within `stall`; then it is closed as too
    ///   slow.
    /// - It is waited for no longer than `grace` in all.
    /// - One whose peer had taken nothing for `stall` before it fell behind slows nobody down: a peer that has long been dead holds
    ///   up no others. It is closed after a tenth of `stall`, unless its peer takes bytes until then.
    ///
    /// Whether a peer takes bytes is seen by how many the kernel still holds for it. A Unix socket tells of each block of memory
    /// that was read. A TCP peer's kernel tells when it has room for another segment: over Ethernet that is a kilobyte or two, but
    /// on the loopback interface it may be 64 KiB or more, so there a reader of few bytes a second may need a longer `stall`.
    case backpressure(stall: Duration = .seconds(1), grace: Duration = .seconds(5))
    /// Nobody is slowed down. The slow subscriber skips to the newest message, and is sent how many messages it missed.
    case skip
    /// Nobody is slowed down. The slow subscriber is closed as too slow.
    case disconnect
}
