import CReactorLinux

/// The processors that this process may use.
enum Processors {
    /// A bit for each, as the kernel has them: for 1,024 at most.
    private typealias Set = [16 of UInt64]

    /// Their numbers, in ascending order. The corresponding C function is `sched_getaffinity`.
    static var available: [Int] {
        var set = Set(repeating: 0)
        // It returns how many bytes it has set, or -1.
        if unsafe sched_getaffinity(0, UInt(MemoryLayout<Set>.size), &set) < 0 { return [0] }
        return (0..<set.count * 64).filter { set[$0 / 64] & 1 << UInt64($0 % 64) != 0 }
    }

    /// Has the calling thread run on one processor alone, the daemon's threads on one after the other.
    ///
    /// - Parameters:
    ///   - thread: Which of these threads it is: 0 for the daemon's own.
    ///   - processors: Those that may be used.
    ///
    /// The corresponding C function is `sched_setaffinity`.
    static func pinThread(_ thread: Int, among processors: [Int]) {
        let number = processors[thread % processors.count]
        var set = Set(repeating: 0)
        set[number / 64] = 1 << UInt64(number % 64)
        _ = unsafe sched_setaffinity(0, UInt(MemoryLayout<Set>.size), &set)
    }
}
