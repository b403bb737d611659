/// A 32-bit number as eight hexadecimal digits, all eight at once: they are written and read for each of millions of lines
/// a second.
///
/// The digits are a 64-bit number whose bytes in memory are the text, the most significant digit first.
enum HexWord {
    static func digits(of value: UInt32) -> UInt64 {
        // Spread the eight nibbles over eight bytes, then make letters of those above nine.
        var word = UInt64(value)
        word = (word &<< 16 | word) & 0x0000_FFFF_0000_FFFF
        word = (word &<< 8 | word) & 0x00FF_00FF_00FF_00FF
        word = (word &<< 4 | word) & 0x0F0F_0F0F_0F0F_0F0F
        let isLetter = ((word &+ 0x0606_0606_0606_0606) &>> 4) & 0x0101_0101_0101_0101
        return UInt64(bigEndian: word &+ 0x3030_3030_3030_3030 &+ isLetter &* 39)
    }

    /// The number that digits stand for. What is no digit gives some number or other.
    static func value(of digits: UInt64) -> UInt32 {
        let text = digits.bigEndian
        var word = (text & 0x0F0F_0F0F_0F0F_0F0F) &+ ((text &>> 6) & 0x0101_0101_0101_0101) &* 9
        word = (word &>> 4 | word) & 0x00FF_00FF_00FF_00FF
        word = (word &>> 8 | word) & 0x0000_FFFF_0000_FFFF
        word = (word &>> 16 | word) & 0x0000_0000_FFFF_FFFF
        return UInt32(truncatingIfNeeded: word)
    }
}
