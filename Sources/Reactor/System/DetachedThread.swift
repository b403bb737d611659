import Glibc

/// Runs a closure on a thread of its own, for which nobody waits. The closure is the thread's: it is released there, once it has returned.
///
/// - Throws: What the system says if there can be no more threads. Then the closure is released here.
///
/// The corresponding C functions are `pthread_create` and `pthread_detach`.
package func startDetachedThread(_ run: @escaping () -> Void) throws(Errno) {
    let retained = unsafe Unmanaged.passRetained(ThreadBody(run))
    var thread = pthread_t()
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
