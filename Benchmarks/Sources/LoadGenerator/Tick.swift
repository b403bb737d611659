import Glibc

/// Nanoseconds of the monotonic clock, as a plain number: it is read and compared for every read of every connection.
typealias Nanoseconds = UInt64

extension Nanoseconds {
    /// The corresponding C function is `clock_gettime`.
    static var now: Nanoseconds {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

/// A moment, in units of 100 ns, short enough for a line of 18 bytes. It comes round every seven minutes, and so can tell
/// apart what lies less than half of that apart: far more than a line may take.
struct Tick: Equatable {
    let rawValue: UInt32

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    init(_ moment: Nanoseconds) {
        rawValue = UInt32(truncatingIfNeeded: moment / 100)
    }

    /// How long ago another moment was. One that lies ahead counts as now.
    func nanoseconds(since earlier: Tick) -> UInt64 {
        UInt64(max(Int32(bitPattern: rawValue &- earlier.rawValue), 0)) * 100
    }
}
