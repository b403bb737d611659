import Glibc
public import Testing

/// How long a test waits for what must happen before it fails: a minute, or as many seconds as `CHATREACTOR_PATIENCE` says. Under a
/// sanitizer, on a busy machine, a task may wait for minutes until one of Swift's few threads is free.
public let patience = Duration.seconds(unsafe getenv("CHATREACTOR_PATIENCE").flatMap { unsafe Int(String(cString: $0)) } ?? 60)

/// What a test waited for in vain.
public struct TimedOut: Error, CustomStringConvertible {
    public let description: String

    public init(_ what: String) {
        description = "timed out waiting for \(what)"
    }
}

/// Checks again and again until a condition holds.
public func wait(for what: String, until isReached: () throws -> Bool) throws {
    let deadline = ContinuousClock.now.advanced(by: patience)
    while try !isReached() {
        if ContinuousClock.now > deadline { throw TimedOut(what) }
        usleep(2_000)
    }
}

extension Trait where Self == TimeLimitTrait {
    /// Ends a test that hangs where it does not wait with `patience`, which takes less.
    public static var beyondPatience: Self { .timeLimit(.minutes(10)) }
}
