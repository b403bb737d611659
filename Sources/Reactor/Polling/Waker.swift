import CReactorLinux
import Glibc

/// Ends the loop's wait from another thread, by way of an eventfd.
///
/// It is registered edge-triggered and never read: each write is a new edge, and the counter cannot fill up within
/// the life of a process. Its owner writes only if no wake-up is pending, so wake-ups coalesce.
struct Waker: ~Copyable, Sendable {
    let descriptor: OwnedDescriptor

    /// The corresponding C function is `eventfd`.
    init() throws(Errno) {
        descriptor = OwnedDescriptor(
            takingOver: try retryingOnInterrupt { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) })
    }

    /// From any thread. The corresponding C function is `eventfd_write`.
    func wake() {
        _ = eventfd_write(descriptor.rawValue, 1)
    }
}
