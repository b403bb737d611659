public import Reactor
public import Testing

extension EventLoop {
    /// Turns until the condition holds. If it does not in good time, the test fails and ends, instead of hanging.
    public func run(
        until condition: () -> Bool, timeout: Duration = .seconds(20), sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        while !condition() {
            if ContinuousClock.now >= deadline {
                Issue.record("what the loop was run for has not come about in \(timeout)", sourceLocation: sourceLocation)
                throw Errno.timedOut
            }
            // The condition may depend on what no event announces: a peer in the test that reads.
            try runOnce(waitingAtMost: .milliseconds(1))
        }
    }
}
