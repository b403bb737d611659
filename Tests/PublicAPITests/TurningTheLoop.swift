import ChatReactor

/// How long anything may take before a test gives it up: long enough for a busy machine under a sanitizer.
let patience = Duration.seconds(60)

/// What a test turned the loop for, in vain.
struct NotReached: Error, CustomStringConvertible {
    let description: String
}

extension EventLoop {
    /// Turns until something is as it must become.
    func turn(until goal: String, _ isReached: () throws -> Bool) throws {
        let limit = ContinuousClock.now.advanced(by: patience)
        while try !isReached() {
            guard .now < limit else { throw NotReached(description: "not reached: \(goal)") }
            // What is waited for may be with a peer, of which no event tells.
            try runOnce(waitingAtMost: .milliseconds(2))
        }
    }

    /// Turns for a while, in which what must not happen has every opportunity to happen.
    func turn(for time: Duration) throws {
        var isOver = false
        schedule(after: time) { isOver = true }
        try turn(until: "the end of \(time)") { isOver }
    }
}

/// Something that stays on the thread of the test, which also runs the loop, although it is passed to `Remote.execute`.
struct Confined<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
