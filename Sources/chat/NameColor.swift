/// The colour of a name: always the same for one name, and readable on light and on dark.
enum NameColor {
    /// Of the 256 colours of terminals, those whose contrast is 4 at least with black and with white, as WCAG has it.
    static let palette: [UInt8] = [
        27, 28, 29, 30, 31, 62, 63, 64, 97, 98, 99, 129, 130, 131, 132, 133, 161, 162, 163, 164,
    ]

    /// The number of the colour in the palette of 256.
    static func number(of name: String) -> UInt8 {
        // FNV-1a: unlike the standard library's hash, it is the same in each run.
        var hash: UInt32 = 2_166_136_261
        for byte in name.lowercased().utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return palette[Int(hash % UInt32(palette.count))]
    }
}
