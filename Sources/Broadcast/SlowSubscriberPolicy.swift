/// What a topic does about a subscriber that has fallen behind by more than half of the log.
public enum SlowSubscriberPolicy: Hashable, Sendable {
    /// The loop stops reading from the topic's subscribers until the slow one has caught up to a quarter of the log; TCP slows
    /// the publishers down, and nothing is lost.
    ///
    /// A subscriber is waited for only while it still takes bytes, the last of them within `stall`, and for `grace` at most.
    /// Then it is closed as too slow. One that had taken nothing for `stall` before it fell behind is not waited for at all: a
    /// peer that has long been dead holds up nobody. It is closed a tenth of `stall` later, unless it takes bytes after all.
    case backpressure(stall: Duration = .seconds(1), grace: Duration = .seconds(5))
    /// Nobody is slowed down. The slow one is moved ahead to the newest message, and told how many messages it missed.
    case skip
    /// Nobody is slowed down. The slow one is closed as too slow.
    case disconnect
}
