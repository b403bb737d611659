import Reactor

/// What a topic has to know about a subscriber besides its `Cursor`, once something is out of the ordinary.
///
/// A topic makes it when it needs it: for a connection that takes less than it is sent, is finishing, has published beside others,
/// or is subscribed to several topics. Most of ten thousand quiet connections never have one. What even fewer need is in `Details`.
final class Subscriber {
    let topic: Topic
    let connection: Connection
    /// The same connection's place in another topic.
    var nextTopicOfConnection: Subscriber?
    private var details: Details?
    /// The index of the cursor in the topic's table, or `Self.noIndex` once it is removed.
    var index: UInt32
    /// When the peer last took bytes, as far as is known, while the connection is blocked. In milliseconds of the topic's clock,
    /// in four bytes: it wraps around after 49 days, and a peer that was stuck for just that long is waited for once more.
    var lastProgress: UInt32 = 0
    /// How many bytes the kernel held for the peer when that was last looked at while it was blocked; `Self.unknown` if it was
    /// not.
    var heldByKernel = Subscriber.unknown
    /// Whether the topic has scheduled a visit at the end of the turn.
    var isPending = false
    /// Whether epoll said that the socket takes bytes again, but nothing has been sent since. An event may be out of date: it
    /// must not make a dead peer look alive.
    var hasUnprovenRoom = false

    static let noIndex = UInt32.max
    static let unknown = UInt32.max

    /// What few subscribers need.
    private final class Details {
        var laterOwn = OwnRuns()
        var missed = 0
        var stopPosition = Int.max
        var wait: SlowSubscribers.Wait?
    }

    init(topic: Topic, connection: Connection, index: Int) {
        self.topic = topic
        self.connection = connection
        self.index = UInt32(truncatingIfNeeded: index)
    }

    private func makeDetails() -> Details {
        if let details { return details }
        let details = Details()
        self.details = details
        return details
    }

    var isSubscribed: Bool { index != Self.noIndex }

    /// The subscriber's own messages after those that its cursor knows.
    var laterOwn: OwnRuns { details?.laterOwn ?? OwnRuns() }
    var hasLaterOwn: Bool { details?.laterOwn.isEmpty == false }

    var firstLaterOwn: Range<Int>? { details?.laterOwn.first }

    func appendLaterOwn(_ run: Range<Int>) { makeDetails().laterOwn.append(run) }
    func removeFirstLaterOwn() { details?.laterOwn.removeFirst() }
    func removeAllLaterOwn() { details?.laterOwn = OwnRuns() }

    /// How many messages it has missed under the policy that skips, and was not told of yet.
    var missed: Int {
        get { details?.missed ?? 0 }
        set { if newValue != missed { makeDetails().missed = newValue } }
    }

    /// Where its messages end: a connection that is finishing gets what was published before, and nothing after.
    var stopPosition: Int {
        get { details?.stopPosition ?? .max }
        set { if newValue != stopPosition { makeDetails().stopPosition = newValue } }
    }

    /// Set while it is too far behind, under the policy that waits.
    var wait: SlowSubscribers.Wait? {
        get { details?.wait }
        set { if newValue != nil || details?.wait != nil { makeDetails().wait = newValue } }
    }

    /// Whether its topic has to look at it before it sends anything.
    var isUnusual: Bool { missed > 0 || hasLaterOwn }
}

extension Subscriber: OutputSource {
    func hasOutput(for connection: Connection) -> Bool {
        isSubscribed && topic.hasOutput(at: Int(index)) || nextTopicOfConnection?.hasOutput(for: connection) == true
    }

    func outputPosition(for connection: Connection) -> Int {
        let position = isSubscribed ? topic.cursors[Int(index)].position : 0
        return position &+ (nextTopicOfConnection?.outputPosition(for: connection) ?? 0)
    }

    func connectionStateDidChange(_ connection: Connection) {
        if isSubscribed { topic.stateDidChange(of: connection, at: Int(index)) }
        nextTopicOfConnection?.connectionStateDidChange(connection)
    }

    func connectionCanSend(_ connection: Connection) {
        topic.canSend(to: self)
        nextTopicOfConnection?.connectionCanSend(connection)
    }

    func connectionDidClose(_ connection: Connection) {
        let next = nextTopicOfConnection
        if isSubscribed { topic.remove(at: Int(index)) }
        next?.connectionDidClose(connection)
    }
}
