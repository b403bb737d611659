import Glibc

/// A number that threads count up, and wait for.
///
/// `@unchecked Sendable`, since it is for several threads.
@safe final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { unsafe sem_init(semaphore, 0, 0) }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// The corresponding C function is `sem_post`.
    func signal(_ count: Int = 1) {
        for _ in 0..<count { unsafe sem_post(semaphore) }
    }

    /// The corresponding C function is `sem_wait`.
    func wait(for count: Int = 1) {
        for _ in 0..<count { while unsafe sem_wait(semaphore) != 0 {} }
    }
}
