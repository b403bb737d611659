import Reactor
import Synchronization

/// Passes what comes on another loop to the daemon's, as long as not too much is on its way. What is left out meanwhile is counted, and the count comes with
/// what is passed next.
final class Forwarder: Sendable {
    private let home: EventLoop.Remote
    private let limit: Int
    private let underWay = Atomic(0)
    private let omitted = Atomic(0)

    /// - Parameter limit: From which size on, of what is on its way, no more is passed.
    init(to home: EventLoop.Remote, limit: Int) {
        (self.home, self.limit) = (home, limit)
    }

    /// Passes something, or leaves it out.
    ///
    /// - Parameters:
    ///   - count: How many it is, if it is left out.
    ///   - body: Is called on the daemon's loop, with how many were left out before.
    func pass(size: Int = 1, count: Int = 1, _ body: @escaping @Sendable (_ omitted: Int) -> Void) {
        if underWay.load(ordering: .relaxed) >= limit {
            omitted.add(count, ordering: .relaxed)
            return
        }
        underWay.add(size, ordering: .relaxed)
        home.execute { [self] _ in
            underWay.subtract(size, ordering: .relaxed)
            body(omitted.exchange(0, ordering: .relaxed))
        }
    }
}
