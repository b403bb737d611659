import Testing

@testable import ChatLineEditing

/// How many cells a character takes, and where terminals disagree.
struct DisplayWidthTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let what: String
        let text: Character
        let cells: Int
        var reach: Int
        var isDisputed: Bool

        var testDescription: String { "\(what): \(text)" }

        init(_ what: String, _ text: Character, _ cells: Int, reach: Int? = nil, disputed: Bool = false) {
            self.what = what
            self.text = text
            self.cells = cells
            self.reach = reach ?? cells
            isDisputed = disputed
        }
    }

    private static let table: [Row] = [
        Row("a letter", "a", 1),
        Row("a space", " ", 1),
        Row("a tilde", "~", 1),
        Row("an umlaut, composed", "ü", 1),
        Row("an umlaut, decomposed", "u\u{308}", 1),
        Row("many accents", "o\u{302}\u{301}\u{323}\u{328}", 1),
        Row("a lone accent", "\u{301}", 0),
        Row("an enclosing circle", "a\u{20DD}", 1),
        Row("a no-break space", "\u{A0}", 1),
        Row("an em space", "\u{2003}", 1),
        Row("a soft hyphen", "\u{AD}", 1, disputed: true),
        Row("a zero-width space", "\u{200B}", 0),
        Row("a word joiner", "\u{2060}", 0),
        Row("a byte order mark", "\u{FEFF}", 0),
        Row("a Han character with a joiner", "漢\u{200D}", 2, disputed: true),
        Row("a lone zero-width joiner", "\u{200D}", 0, disputed: true),
        Row("Han", "漢", 2),
        Row("Han of plane 2", "𠮷", 2),
        Row("a Han compatibility ideograph", "\u{F900}", 2),
        Row("hiragana", "あ", 2),
        Row("hiragana with a composed mark", "が", 2),
        Row("hiragana with a mark", "か\u{3099}", 2),
        Row("katakana", "カ", 2),
        Row("halfwidth katakana", "ｶ", 1),
        Row("halfwidth katakana with its mark", "ｶ\u{FF9E}", 2, disputed: true),
        Row("a fullwidth letter", "Ａ", 2),
        Row("a fullwidth yen", "￥", 2),
        Row("a halfwidth won", "￦", 2),
        Row("an ideographic space", "\u{3000}", 2),
        Row("an ideographic stop", "。", 2),
        Row("a corner bracket", "「", 2),
        Row("bopomofo", "ㄅ", 2),
        Row("a Hangul syllable", "한", 2),
        Row("jamo: L", "\u{1112}", 2),
        Row("jamo: L V", "\u{1112}\u{1161}", 2, disputed: true),
        Row("jamo: L V T", "\u{1112}\u{1161}\u{11AB}", 2, disputed: true),
        Row("jamo: L L V", "\u{1112}\u{1112}\u{1161}", 2, reach: 4, disputed: true),
        Row("a syllable with a jamo behind it", "하\u{11AB}", 2),
        Row("a halfwidth jamo", "ﾡ", 1),
        Row("Greek, ambiguous", "α", 1),
        Row("Cyrillic, ambiguous", "Ж", 1),
        Row("a circled digit, ambiguous", "①", 1),
        Row("an inverted exclamation mark, ambiguous", "¡", 1),
        Row("a box drawing, ambiguous", "─", 1),
        Row("an ellipsis, ambiguous", "…", 1),
        Row("Hebrew", "ש", 1),
        Row("Hebrew with points", "ש\u{5C1}\u{5B8}", 1),
        Row("Arabic", "م", 1),
        Row("Arabic with marks", "م\u{64F}\u{651}", 1),
        Row("Arabic, a ligature", "ﷲ", 1),
        Row("Devanagari", "क", 1),
        Row("Devanagari with a vowel above", "के", 1),
        Row("Devanagari with a vowel beside", "कि", 2, disputed: true),
        Row("Devanagari with a virama", "क्", 1),
        Row("Tamil with a vowel around", "கொ", 2, disputed: true),
        Row("Bengali with a vowel beside", "কী", 2, disputed: true),
        Row("Thai", "ก", 1),
        Row("Thai with a vowel and a tone", "กี่", 1),
        Row("Thai with sara am", "กำ", 2, disputed: true),
        Row("Lao", "ລ", 1),
        Row("Tibetan, stacked", "ཀ\u{FB1}", 1),
        Row("an emoji", "😀", 2),
        Row("an emoji of the first plane", "⌚", 2),
        Row("a heart, as text by default", "❤", 1),
        Row("a heart with VS16", "❤\u{FE0F}", 2, disputed: true),
        Row("a heart with VS15", "❤\u{FE0E}", 1, disputed: true),
        Row("a watch with VS15", "⌚\u{FE0E}", 2, disputed: true),
        Row("a watch with VS16", "⌚\u{FE0F}", 2, disputed: true),
        Row("a copyright sign with VS16", "©\u{FE0F}", 2, disputed: true),
        Row("a keycap", "1\u{FE0F}\u{20E3}", 2, disputed: true),
        Row("a keycap of a number sign", "#\u{FE0F}\u{20E3}", 2, disputed: true),
        Row("a keycap without VS16", "1\u{20E3}", 1, disputed: true),
        Row("a Han variant", "葛\u{E0100}", 2),
        Row("a skin tone", "👍\u{1F3FD}", 2, reach: 4, disputed: true),
        Row("a skin tone behind what is text", "☝\u{1F3FD}", 2, reach: 3, disputed: true),
        Row("a lone skin tone", "\u{1F3FD}", 2),
        Row("a couple", "👩\u{200D}❤\u{FE0F}\u{200D}👨", 2, reach: 5, disputed: true),
        Row("a family of four", "👨\u{200D}👩\u{200D}👧\u{200D}👦", 2, reach: 8, disputed: true),
        Row("a scientist with a skin tone", "👩\u{1F3FE}\u{200D}🔬", 2, reach: 6, disputed: true),
        Row("a heart on fire, without VS16", "❤\u{200D}🔥", 2, reach: 3, disputed: true),
        Row("an eye in a bubble", "👁\u{FE0F}\u{200D}🗨\u{FE0F}", 2, disputed: true),
        Row("a rainbow flag", "🏳\u{FE0F}\u{200D}🌈", 2, reach: 3, disputed: true),
        Row("a flag", "🇩🇪", 2, reach: 4, disputed: true),
        Row("a flag of no country", "🇦🇦", 2, reach: 4, disputed: true),
        Row("a lone regional indicator", "🇩", 1, reach: 2, disputed: true),
        Row("a flag of tags", "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}", 2, disputed: true),
        Row("a private character", "\u{E0A0}", 1),
        Row("an unassigned character", "\u{378}", 1, reach: 2, disputed: true),
    ]

    @Test(arguments: table)
    func isAsTheTableSays(_ row: Row) {
        let width = DisplayWidth(row.text)
        #expect(width.cells == row.cells)
        #expect(width.reach == row.reach)
        #expect(width.isDisputed == row.isDisputed)
    }

    /// A conjunct is one character or two, as Swift's version of Unicode has it. Its cells are the same.
    @Test(arguments: [("क्ष", 2), ("क्षि", 3), ("स्त्री", 4), ("ক্ষ", 2)])
    func conjunctsAreTheSumOfTheirParts(_ text: String, _ cells: Int) {
        #expect(text.reduce(0) { $0 + DisplayWidth($1).cells } == cells)
    }

    /// In a static binary the locale may not be there.
    @Test func withoutTheLocaleTheTableIsTheSame() {
        for row in Self.table where row.text.unicodeScalars.count == 1 {
            if let scalar = row.text.unicodeScalars.first {
                #expect(DisplayWidth.derivedWidth(scalar) == row.cells, "\(row.what)")
            }
        }
    }

    /// Whatever the scalar: a width is never negative, and never more than two.
    @Test func everyScalarHasAWidth() {
        for number in UInt32(0x20)...0x10_FFFF {
            guard let scalar = Unicode.Scalar(number), scalar.properties.generalCategory != .control else { continue }
            let width = DisplayWidth(Character(scalar))
            if !(0...2).contains(width.cells) || width.reach < width.cells || width.reach > 2 {
                Issue.record("U+\(String(number, radix: 16)): \(width)")
            }
        }
    }
}
