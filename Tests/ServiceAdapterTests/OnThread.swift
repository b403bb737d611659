#if ServiceLifecycle
    import Dispatch
    import TestSupport

    /// Runs what blocks where it blocks nobody else: the threads of Swift's tasks are few, and what a test waits for may need one of them.
    func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result(catching: body)) }
        }
    }

    // A test's clients go from one thread to the next, and never serve two at once.
    extension Peer: @unchecked Sendable {}
#endif
