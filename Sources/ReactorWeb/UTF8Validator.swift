/// Tells whether bytes that come in pieces are UTF-8 (RFC 3629), as early as that can be told.
struct UTF8Validator {
    /// How many bytes of a character are still to come.
    private var missing = 0
    /// Between which values the next one of them must be: only behind the first byte of a character it may be fewer than 64.
    private var range: ClosedRange<UInt8> = 0x80...0xBF

    /// Takes the next bytes. Returns false if nothing that follows could make them UTF-8.
    ///
    /// - Complexity: O(*n*).
    mutating func accept(_ bytes: Span<UInt8>) -> Bool {
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index &+= 1
            if missing > 0 {
                guard range.contains(byte) else { return false }
                missing &-= 1
                range = 0x80...0xBF
            } else if byte >= 0x80 {
                guard begin(byte) else { return false }
            }
        }
        return true
    }

    /// Whether no character is unfinished.
    var isComplete: Bool { missing == 0 }

    private mutating func begin(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: missing = 1
        case 0xE0...0xEF: missing = 2
        case 0xF0...0xF4: missing = 3
        default: return false
        }
        // Neither a longer form than needed, nor a surrogate, nor beyond U+10FFFF.
        range =
            switch byte {
            case 0xE0: 0xA0...0xBF
            case 0xED: 0x80...0x9F
            case 0xF0: 0x90...0xBF
            case 0xF4: 0x80...0x8F
            default: 0x80...0xBF
            }
        return true
    }
}
