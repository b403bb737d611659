import Reactor

/// How far one subscriber has been sent a topic's log. It always rests on a message boundary.
///
/// This is all that the fan-out looks at for a subscriber with nothing unusual about it. The cursors of a topic lie side by side
/// in memory, so walking ten thousand of them is reading one array.
@safe struct Cursor {
    /// The position in the log of the next message to send.
    var position: Int
    /// The subscriber's own messages that lie ahead, which it is not sent: one run of them, empty if it ends at or before
    /// `position`. Further runs, if there are any, are kept by the subscriber.
    var ownStart: Int
    var ownEnd: Int
    let descriptor: Int32
    var state: State
    /// Whether `owner` is a subscriber, and not the connection itself.
    private(set) var hasSubscriber = false
    /// A reference that the cursor owns until `releaseOwner`.
    private var owner: Unmanaged<AnyObject>

    init(position: Int, connection: Connection, state: State) {
        self.position = position
        ownStart = position
        ownEnd = position
        descriptor = connection.rawDescriptor
        self.state = state
        unsafe owner = .passRetained(connection)
    }

    /// What is out of the ordinary about the connection's place in the topic, or nil while nothing is.
    var subscriber: Subscriber? {
        hasSubscriber ? unsafe unsafeDowncast(owner.takeUnretainedValue(), to: Subscriber.self) : nil
    }

    var connection: Connection {
        if let subscriber { return subscriber.connection }
        return unsafe unsafeDowncast(owner.takeUnretainedValue(), to: Connection.self)
    }

    /// Has the cursor own a subscriber in place of the connection.
    mutating func setSubscriber(_ subscriber: Subscriber) {
        assert(!hasSubscriber)
        // The subscriber refers to the connection, so this is not its last reference.
        unsafe owner.release()
        unsafe owner = .passRetained(subscriber)
        hasSubscriber = true
    }

    /// Releases what the cursor owns, which must not be used afterwards.
    func releaseOwner() {
        unsafe owner.release()
    }

    enum State: UInt8 {
        /// The connection takes bytes straight from the log: it is an open socket without a transport, is neither blocked nor
        /// finishing, and has nothing else to send.
        case ready
        /// The kernel takes no more for now. There may be more about it than that, but nothing that could be sent.
        case blocked
        /// Something else about the subscriber or its connection has to be looked at.
        case unusual

        /// What the cursor has to know about a connection and its subscriber. Everything that this depends on is set by the
        /// topic, or is announced by `connectionStateDidChange`; each of those writes the result into the cursor.
        init(of connection: Connection, _ subscriber: Subscriber?) {
            if connection.isOpen, connection.isBlocked {
                // Whatever else there is about it, it cannot be sent anything.
                self = .blocked
                return
            }
            let isUnusual =
                !connection.isOpen || connection.hasWaitingOutput || connection.isFinishing || !connection.takesDirectSends
                || connection.hasFailedOutput || subscriber?.isUnusual == true
            self = isUnusual ? .unusual : .ready
        }
    }
}

/// The cursors of a topic, in one piece of memory and in no particular order.
@safe final class CursorTable {
    private(set) var count = 0
    private var capacity = 4
    /// Valid until the next `append`.
    private(set) var storage: UnsafeMutablePointer<Cursor>

    init() {
        unsafe storage = .allocate(capacity: capacity)
    }

    deinit {
        unsafe storage.deallocate()
    }

    subscript(index: Int) -> Cursor {
        get {
            assert(index >= 0 && index < count)
            return unsafe storage[index]
        }
        set {
            assert(index >= 0 && index < count)
            unsafe storage[index] = newValue
        }
    }

    func append(_ cursor: Cursor) {
        if count == capacity {
            let larger = UnsafeMutablePointer<Cursor>.allocate(capacity: 2 * capacity)
            unsafe larger.moveInitialize(from: storage, count: count)
            unsafe storage.deallocate()
            unsafe storage = larger
            capacity *= 2
        }
        unsafe (storage + count).initialize(to: cursor)
        count += 1
    }

    /// Removes a cursor; the last one takes its place.
    func remove(at index: Int) {
        assert(index >= 0 && index < count)
        count -= 1
        unsafe storage[index] = storage[count]
    }
}
