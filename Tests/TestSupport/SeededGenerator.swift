import Glibc

/// SplitMix64: the same numbers for the same seed, so that a property test that failed can be run again.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) {
        state = seed
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The seed of this run: that of the environment's `CHATREACTOR_SEED`, or else a new one. It is printed, so that a run that
    /// fails can be repeated.
    public static func seedOfThisRun(for purpose: String) -> UInt64 {
        let given = unsafe getenv("CHATREACTOR_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
        let seed = given ?? .random(in: 0...0xFFFF_FFFF)
        print("\(purpose): CHATREACTOR_SEED=\(seed)")
        return seed
    }
}
