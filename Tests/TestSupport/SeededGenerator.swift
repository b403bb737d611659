import Glibc

/// Random numbers that a seed determines (SplitMix64), so that a failure can be repeated.
///
/// Without a seed, it takes the environment's CHATREACTOR_SEED, or a random one, and prints that and the file that it is for.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    public let seed: UInt64
    private var state: UInt64

    public init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    public init(for file: StaticString = #fileID) {
        let given = unsafe getenv("CHATREACTOR_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
        self.init(seed: given ?? .random(in: 0 ... .max))
        print("CHATREACTOR_SEED=\(seed) \(file)")
    }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed &>> 31)
    }

    public mutating func bytes(_ count: Int, from allowed: ClosedRange<UInt8> = 0...255) -> [UInt8] {
        (0..<count).map { _ in .random(in: allowed, using: &self) }
    }
}
