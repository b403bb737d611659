import Reactor

extension EventLoop {
    /// Makes turns for that long, whatever happens in them.
    func run(for time: Duration) throws {
        let end = ContinuousClock.now + time
        while true {
            let left = ContinuousClock.now.duration(to: end)
            if left <= .zero { return }
            try runOnce(waitingAtMost: left)
        }
    }
}
