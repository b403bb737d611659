import CReactorLinux
import Glibc

/// How many cells of a terminal's row a character takes, where a character is a grapheme cluster.
///
/// The width of a scalar is glibc's `wcwidth`; for what glibc does not know, and where its locale C.UTF-8 is not installed (a static binary
/// on a small system), it is derived from the properties that Swift's library knows. Rules on top of that make one width of a cluster. They
/// are what terminals do that know clusters. Others give each scalar its own cells: for them `isDisputed` and `reach` are there.
///
/// Characters of ambiguous width (Greek, Cyrillic, `①`) take one cell here. A terminal that was set up to give them two is not served.
public struct DisplayWidth: Hashable, Sendable {
    /// The cells that the character takes, as we believe. 0 for what is only drawn over another character, such as a lone accent.
    public let cells: Int
    /// The largest number of cells that some terminal may give it: at least `cells`.
    public let reach: Int
    /// Whether terminals disagree: the cursor's column is not certain after the character was written.
    public let isDisputed: Bool

    /// The width of a character that is no control character.
    ///
    /// - Complexity: O(*n*) for *n* scalars.
    public init(_ character: Character) {
        let scalars = character.unicodeScalars
        guard let first = scalars.first, !(scalars.count == 1 && (0x20..<0x7F).contains(first.value)) else {
            (cells, reach, isDisputed) = (1, 1, false)
            return
        }
        var sum = 0
        var widest = 0
        var reach = 0
        var visible = 0
        var isDisputed = false
        for scalar in scalars {
            let known = Self.systemWidth(scalar)
            let width = known ?? Self.derivedWidth(scalar)
            sum &+= width
            widest = max(widest, width)
            if width > 0 { visible &+= 1 }
            // Kitty and others give a regional indicator two cells. What this glibc does not know is wide where it is an emoji.
            let isUncertain = known == nil || Self.isRegionalIndicator(scalar)
            reach &+= isUncertain ? 2 : width
            // A soft hyphen takes a cell in some, a joiner may join what follows, selectors and keycaps change what is before them.
            if isUncertain || [0xAD, 0x200D, 0xFE0E, 0xFE0F, 0x20E3].contains(scalar.value) { isDisputed = true }
        }
        let properties = first.properties
        if Self.isRegionalIndicator(first) {
            cells = scalars.count > 1 ? 2 : 1
        } else if properties.isEmoji, scalars.contains("\u{FE0F}") {
            cells = 2
        } else if properties.isEmoji, !first.isASCII {
            // Joined by ZWJ, with a skin tone, or with tags: one picture.
            cells = widest
            if scalars.count > 1 { isDisputed = true }
        } else if (0x1100...0x115F).contains(first.value) || (0xA960...0xA97C).contains(first.value) {
            // Leading jamo: a syllable is one square, whatever follows.
            cells = widest
            if scalars.count > 1 { isDisputed = true }
        } else {
            // Indic clusters among them. Most terminals add up their parts. To believe less would write over them there.
            cells = sum
        }
        self.reach = max(reach, cells)
        self.isDisputed = isDisputed || visible > 1
    }

    private static func isRegionalIndicator(_ scalar: Unicode.Scalar) -> Bool {
        (0x1F1E6...0x1F1FF).contains(scalar.value)
    }

    /// Of a process, since it takes a file to be read. It is nil where that file is not there.
    private static nonisolated(unsafe) let locale = unsafe newlocale(LC_CTYPE_MASK, "C.UTF-8", nil)

    /// What `wcwidth` says, or nil. The thread's locale is another one for the call alone: a library must not change the process's.
    private static func systemWidth(_ scalar: Unicode.Scalar) -> Int? {
        guard let locale = unsafe locale else { return nil }
        let previous = unsafe uselocale(locale)
        defer { unsafe uselocale(previous) }
        let width = wcwidth(wchar_t(truncatingIfNeeded: scalar.value))
        return width < 0 ? nil : Int(width)
    }

    /// A width without the C library.
    static func derivedWidth(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0xAD: return 1
        case 0x1160...0x11FF, 0xD7B0...0xD7FB: return 0
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x3098, 0x309B...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C,
            0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x17000...0x18CFF, 0x1B000...0x1B2FF,
            0x20000...0x3FFFD:
            return 2
        default: break
        }
        if isRegionalIndicator(scalar) { return 1 }
        if scalar.properties.isEmojiPresentation { return 2 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return 1
        }
    }
}
