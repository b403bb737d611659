import ReactorWeb

/// A code for a message that only those can make who have a key: HMAC over SHA-1 (RFC 2104).
///
/// That SHA-1 has collisions does it no harm: to make a code, one has to know the key.
struct HMAC {
    /// SHA-1 takes so many bytes at a time.
    private static let blockLength = 64

    /// The key, filled up to a block, and made two by the paddings of the RFC.
    private let inner: [UInt8]
    private let outer: [UInt8]

    /// - Parameter key: Of any length. More than 20 bytes make it no harder to guess.
    init(key: [UInt8]) {
        let short = key.count > Self.blockLength ? SHA1.hash(key) : key
        let block = short + [UInt8](repeating: 0, count: max(0, Self.blockLength &- short.count))
        inner = block.map { $0 ^ 0x36 }
        outer = block.map { $0 ^ 0x5C }
    }

    /// The 20 bytes of a message's code.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    func code(of message: [UInt8]) -> [UInt8] {
        SHA1.hash(outer + SHA1.hash(inner + message))
    }
}
