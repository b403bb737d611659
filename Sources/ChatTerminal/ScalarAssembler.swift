/// A character of UTF-8 that comes byte by byte.
///
/// Which bytes may follow is as the Unicode Standard has it: no overlong form, no surrogate, nothing above U+10FFFF. What is invalid is
/// known at its first wrong byte, so that one U+FFFD stands for all that came before.
struct ScalarAssembler {
    private var value: UInt32 = 0
    private var missing = 0
    /// What the next byte may be. It is narrower after some first bytes.
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF

    /// Whether a character has begun and lacks bytes.
    var isIncomplete: Bool { missing > 0 }

    /// Takes the first byte of a character. Returns the character if that is all of it, U+FFFD if no character begins so, and nil if more
    /// must come.
    mutating func begin(_ byte: UInt8) -> Unicode.Scalar? {
        allowed = 0x80...0xBF
        switch byte {
        case 0x00...0x7F: return Unicode.Scalar(byte)
        case 0xC2...0xDF: (value, missing) = (UInt32(byte & 0x1F), 1)
        case 0xE0...0xEF:
            (value, missing) = (UInt32(byte & 0x0F), 2)
            if byte == 0xE0 { allowed = 0xA0...0xBF }
            if byte == 0xED { allowed = 0x80...0x9F }
        case 0xF0...0xF4:
            (value, missing) = (UInt32(byte & 0x07), 3)
            if byte == 0xF0 { allowed = 0x90...0xBF }
            if byte == 0xF4 { allowed = 0x80...0x8F }
        default: return "\u{FFFD}"
        }
        return nil
    }

    /// Whether a byte goes on with the character that has begun. If not, the character will never be whole: `reset`, and begin with this byte.
    func accepts(_ byte: UInt8) -> Bool {
        isIncomplete && allowed.contains(byte)
    }

    /// Takes a byte that is accepted. Returns the character once it is whole.
    mutating func add(_ byte: UInt8) -> Unicode.Scalar? {
        value = value << 6 | UInt32(byte & 0x3F)
        missing -= 1
        allowed = 0x80...0xBF
        return isIncomplete ? nil : Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    mutating func reset() {
        missing = 0
    }
}
