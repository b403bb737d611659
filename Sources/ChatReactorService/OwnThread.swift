#if ServiceLifecycle
    import Glibc
    import Reactor

    /// Runs `body` on a thread of its own, and returns or throws as it does.
    ///
    /// A loop that waits blocks its thread, and those of Swift's tasks are few and must never be blocked.
    ///
    /// The corresponding C function is `pthread_create`.
    func onItsOwnThread(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let work = unsafe Unmanaged.passRetained(Work { continuation.resume(with: Result(catching: body)) })
            var thread = pthread_t()
            let result = unsafe pthread_create(
                &thread, nil,
                { argument in
                    if let argument = unsafe argument { unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
                    return nil
                }, work.toOpaque())
            if result == 0 {
                pthread_detach(thread)
            } else {
                unsafe work.release()
                continuation.resume(throwing: Errno(rawValue: result))
            }
        }
    }

    private final class Work {
        let run: () -> Void

        init(_ run: @escaping () -> Void) {
            self.run = run
        }
    }
#endif
