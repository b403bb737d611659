import CReactorLinux
import Glibc

/// Runs a closure on a thread of its own, for which nobody waits. The closure is the thread's: it is released there, once it has returned.
///
/// The thread blocks all signals, so that those of the process go to other threads, but for those that a fault of the thread itself raises:
/// blocked, they would end the process without a backtrace.
///
/// - Throws: What the system says if there can be no more threads. Then the closure is released here.
///
/// The corresponding C functions are `pthread_sigmask`, `pthread_create` and `pthread_detach`.
package func startDetachedThread(_ run: @escaping () -> Void) throws(Errno) {
    let retained = unsafe Unmanaged.passRetained(ThreadBody(run))
    var thread = pthread_t()
    var (blocked, own) = (sigset_t(), sigset_t())
    unsafe sigfillset(&blocked)
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { unsafe sigdelset(&blocked, signal) }
    // A thread begins with the mask of the one that starts it.
    unsafe pthread_sigmask(SIG_SETMASK, &blocked, &own)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &own, nil) }
    let result = unsafe pthread_create(
        &thread, nil,
        { argument in
            if let argument = unsafe argument {
                unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            }
            return nil
        }, retained.toOpaque())
    if result != 0 {
        unsafe retained.release()
        throw Errno(rawValue: result)
    }
    pthread_detach(thread)
}

private final class ThreadBody {
    let run: () -> Void

    init(_ run: @escaping () -> Void) {
        self.run = run
    }
}
