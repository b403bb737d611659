public import Reactor
public import Testing

extension EventLoop {
    /// Turns until `condition` holds. If that takes too long, or too many turns, the test fails and ends, instead of hanging.
    ///
    /// - Parameter turns: How many turns it may take: a loop that spins needs more.
    public func run(
        until comment: Comment, turns: Int = 100_000, within time: Duration = patience,
        sourceLocation: SourceLocation = #_sourceLocation, _ condition: () throws -> Bool
    ) throws {
        let limit = ContinuousClock.now.advanced(by: time)
        var made = 0
        while try !condition() {
            guard made < turns, .now < limit else {
                Issue.record("after \(made) turns still not \(comment)", sourceLocation: sourceLocation)
                throw Errno.timedOut
            }
            // The condition may depend on what no event announces: a peer in the test that reads.
            try runOnce(waitingAtMost: .milliseconds(1))
            made += 1
        }
    }

    public func run(
        until condition: () throws -> Bool, timeout: Duration = patience, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try run(until: "what it was run for", turns: .max, within: timeout, sourceLocation: sourceLocation, condition)
    }

    /// Turns for a while, for a test that something does not happen.
    public func run(for time: Duration, sourceLocation: SourceLocation = #_sourceLocation) throws {
        var isOver = false
        schedule(after: time) { isOver = true }
        try run(until: "over", turns: .max, sourceLocation: sourceLocation) { isOver }
    }

    /// Turns until there is nothing to do: all that was under way on this machine has arrived.
    public func settle(for quiet: Duration = .milliseconds(20), sourceLocation: SourceLocation = #_sourceLocation) throws {
        // A turn that had to wait all of its time had nothing to do.
        for _ in 0..<10_000 {
            let start = ContinuousClock.now
            try runOnce(waitingAtMost: quiet)
            if start.duration(to: .now) >= quiet { return }
        }
        Issue.record("the loop does not come to rest", sourceLocation: sourceLocation)
    }

    /// How many turns the loop makes within a time in which nothing happens to it. A turn may wait for all of the time, so a loop
    /// with nothing to do makes one.
    public func turns(during time: Duration) throws -> UInt64 {
        let before = turnCount
        let limit = ContinuousClock.now.advanced(by: time)
        while ContinuousClock.now < limit, turnCount - before < 10_000 {
            try runOnce(waitingAtMost: ContinuousClock.now.duration(to: limit))
        }
        return turnCount - before
    }
}

/// Something that stays on the thread of the test, which also runs the loop, although it is passed to `Remote.execute`.
public struct Confined<Value>: @unchecked Sendable {
    public let value: Value
    public init(_ value: Value) { self.value = value }
}
