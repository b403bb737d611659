import Glibc

/// How much of the processor's time this thread takes for `body`. Other threads, and a machine that is busy, do not change that.
///
/// The corresponding C function is `clock_gettime` with `CLOCK_THREAD_CPUTIME_ID`.
public func threadTime<Failure>(_ body: () throws(Failure) -> Void) throws(Failure) -> Duration {
    func now() -> Duration {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
    let start = now()
    try body()
    return now() - start
}
