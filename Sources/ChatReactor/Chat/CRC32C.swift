/// The cyclic redundancy check with Castagnoli's polynomial (RFC 3720, appendix B.4), eight bytes at a time.
enum CRC32C {
    /// `tables[256 * n + byte]` is what `byte` contributes when `n` bytes follow it in a piece of eight.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 { remainder = remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ 0x82F6_3B78 }
            tables[byte] = remainder
        }
        for index in 256..<8 * 256 {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 255)]
        }
        return tables
    }()

    /// The checksum of some bytes. Starting from that of the bytes before them, it is the checksum of both; 0 is that of none.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    static func checksum(of bytes: UnsafeRawBufferPointer, startingFrom start: UInt32 = 0) -> UInt32 {
        unsafe tables.withUnsafeBufferPointer { tables in
            var remainder = ~start
            var index = 0
            while index &+ 8 <= bytes.count {
                let piece = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                let mixed = piece ^ UInt64(remainder)
                remainder = 0
                for place in 0..<8 {
                    let byte = Int(truncatingIfNeeded: mixed &>> UInt64(8 &* place) & 255)
                    remainder ^= unsafe tables[(7 &- place) &* 256 &+ byte]
                }
                index &+= 8
            }
            while index < bytes.count {
                remainder = unsafe remainder &>> 8 ^ tables[Int((remainder ^ UInt32(bytes[index])) & 255)]
                index &+= 1
            }
            return ~remainder
        }
    }
}
