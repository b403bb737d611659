import ChatReactor
import Testing

/// What can be a name, and which names are the same.
struct ChatNameTests {
    private static let names = """
        a Z 7 _ - ana x-_-x Łukasz ИВАН 孟子 김민준 محمد אבגד नमस्ते สมชาย Αθηνά ⴰⵎⴰⵣⵉⵖ ᏣᎳᎩ straße Iı İ Å ꯃꯤꯇꯩ
        e\u{301} \u{212B}ngstrom \u{1100}\u{1161}\u{11A8} क\u{93C} \u{958} Սևակ น้ำฝน ຳໜໝ
        guest guests guest-7 guest7a guest_7 7guest servers theserver
        """

    @Test(arguments: names.split(whereSeparator: \.isWhitespace).map(String.init))
    func isAName(_ text: String) throws {
        let name = try ChatName(text)
        #expect(name.text == text)
        // Unicode scalars, since equal strings may have others: it is left as it was given.
        #expect(name.description.unicodeScalars.elementsEqual(text.unicodeScalars))
    }

    @Test(
        arguments: [
            " ", "\u{A0}", ".", "*", "/", ":", ";", "\"", "'", "—", "!", "@", "#", "$", "(", "\\", "~",
            // Control characters, C1, line separators.
            "\n", "\r", "\t", "\0", "\u{1B}", "\u{7F}", "\u{9B}", "\u{2028}", "\u{2029}",
            // Controls of bidirectional text, and what has no width.
            "\u{202E}", "\u{2066}", "\u{200F}", "\u{61C}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{FEFF}", "\u{AD}", "\u{2060}",
            "\u{E0041}",
            // Letters and marks that are invisible: Hangul fillers, variation selectors, the grapheme joiner, Khmer's inherent vowel.
            "\u{3164}", "\u{115F}", "\u{1160}", "\u{FFA0}", "\u{FE0F}", "\u{180B}", "\u{E0100}", "\u{34F}", "\u{17B4}",
            // Not letters or digits, not assigned, for private use, a replacement, an enclosing mark.
            "😀", "½", "Ⅷ", "\u{378}", "\u{E000}", "\u{FFFD}", "\u{20DD}",
        ] as [Unicode.Scalar])
    func hasNoOtherCharacters(_ scalar: Unicode.Scalar) {
        for text in ["\(scalar)", "\(scalar)ana", "an\(scalar)a", "ana\(scalar)"] {
            #expect(throws: ChatName.Invalid.notAllowed(scalar)) { try ChatName(text) }
        }
    }

    @Test(
        arguments: [
            // Full-width, half-width, mathematical and circled forms, ligatures and digraphs, superscripts.
            "ａ", "７", "ｱ", "𝐚", "𝟕", "ℌ", "ﬁ", "ﬆ", "ĳ", "ǆ", "Ǆ", "ª", "ʰ", "ᵃ",
            // Presentation forms, compatibility jamo, symbols that are letters, a long s, Tibetan vowels of two parts.
            "ﻋ", "ﬓ", "ﭏ", "ㄱ", "µ", "ϐ", "ϴ", "ſ", "ẛ", "ŉ", "ẚ", "\u{F73}", "\u{F77}",
        ] as [Unicode.Scalar])
    func hasNoFormsOfOthers(_ scalar: Unicode.Scalar) {
        for text in ["an\(scalar)a", "ana\(scalar)"] {
            #expect(throws: ChatName.Invalid.lookAlike(scalar)) { try ChatName(text) }
        }
    }

    @Test(arguments: ["server", "Server", "SERVER", "you", "guest7", "GUEST007", "Guest٧", "guest1234567890123456789"])
    func isNoneOfTheServers(_ text: String) {
        #expect(throws: ChatName.Invalid.reserved) { try ChatName(text) }
    }

    /// Cyrillic, Greek, Armenian, Cherokee, Coptic and Lisu letters among Latin ones, and each other's.
    @Test(arguments: ["\u{430}na", "s\u{435}rver", "yоu", "gueѕt7", "οbs", "աna", "ᎪNA", "ꭺna", "ⲟbs", "ꓳbs", "αбв", "ana_Анна"])
    func mixesNoAlphabets(_ text: String) {
        #expect(throws: ChatName.Invalid.mixedAlphabets) { try ChatName(text) }
    }

    /// Scripts without capitals, whose letters look like no others, marks and digits go with any.
    @Test(arguments: ["山田-taro", "ana_مريم", "김Kim", "7-анна_2", "е\u{301}ва", "\u{212B}ngstrom", "\u{212A}im", "ʻokina"])
    func mayMixOthers(_ text: String) throws {
        #expect(try ChatName(text).text == text)
    }

    @Test func isNotEmpty() {
        #expect(throws: ChatName.Invalid.empty) { try ChatName("") }
    }

    @Test(arguments: ["\u{301}a", "\u{93E}", "\u{345}"])
    func beginsWithNoMark(_ text: String) {
        #expect(throws: ChatName.Invalid.beginsWithMark) { try ChatName(text) }
    }

    @Test func hasAtMost24Characters() throws {
        let name = String(repeating: "é", count: 24)
        #expect(try ChatName(name).text == name)
        #expect(throws: ChatName.Invalid.tooLong) { try ChatName(name + "e") }
        // Characters are what a reader counts, and not scalars.
        #expect(try ChatName(String(repeating: "e\u{301}", count: 24)) == ChatName(name))
    }

    @Test func hasAtMost96Bytes() throws {
        // A letter and two marks, in seven bytes.
        let piled = "e\u{1DC4}\u{1DC5}"
        #expect(try ChatName(String(repeating: piled, count: 13) + "abcde").text.utf8.count == 96)
        #expect(throws: ChatName.Invalid.tooLong) { try ChatName(String(repeating: piled, count: 13) + "abcdef") }
        // Any number of jamo make one character.
        #expect(throws: ChatName.Invalid.tooLong) { try ChatName(String(repeating: "\u{1100}", count: 33)) }
        #expect(throws: ChatName.Invalid.tooLong) { try ChatName(String(repeating: "a", count: 1_000_000)) }
    }

    @Test func hasAtMostFourMarksOnACharacter() throws {
        let four = "\u{300}\u{301}\u{302}\u{303}"
        #expect(try ChatName("a\(four)b\(four)").text == "a\(four)b\(four)")
        #expect(throws: ChatName.Invalid.tooManyMarks) { try ChatName("a\(four)\u{304}") }
    }

    @Test(arguments: [
        ("ana", "ANA"), ("Łukasz", "łUKASZ"), ("straße", "STRASSE"), ("straße", "straẞe"), ("σίσυφος", "ΣΊΣΥΦΟΣ"), ("Σας", "σασ"),
        ("é", "e\u{301}"), ("É", "e\u{301}"), ("İ", "i\u{307}"), ("Å", "\u{212B}"), ("ω", "\u{2126}"), ("k", "\u{212A}"),
        ("각", "\u{1100}\u{1161}\u{11A8}"), ("\u{958}", "क\u{93C}"), ("豈", "\u{F900}"), ("Ꭰ", "ꭰ"), ("Ა", "ა"),
        ("ᾴ", "α\u{345}\u{301}"), ("ᾳ\u{301}", "άι"), ("ᾼ", "ΑΙ"),
        ("Սևակ", "ՍԵՒԱԿ"), ("ำ", "\u{E4D}\u{E32}"), ("ຳ", "\u{ECD}\u{EB2}"), ("ໜ", "ຫນ"), ("ໝ", "ຫມ"),
        // Marks in different places: their order makes no difference to how they are drawn.
        ("e\u{323}\u{301}", "e\u{301}\u{323}"),
    ])
    func areTheSame(_ one: String, _ other: String) throws {
        // Some of them begin with a mark.
        let (one, other) = try (ChatName("7" + one), ChatName("7" + other))
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(Set([one, other]).count == 1)
    }

    @Test(arguments: [
        ("ana", "anna"), ("e", "é"), ("ı", "i"), ("ı", "I"), ("İ", "i"), ("a", "а"), ("o", "0"), ("_", "-"), ("7", "٧"),
        // Marks in one place are drawn one outside the other.
        ("e\u{301}\u{302}", "e\u{302}\u{301}"),
    ])
    func areDifferent(_ one: String, _ other: String) throws {
        #expect(try ChatName(one) != ChatName(other))
    }

    @Test(
        arguments: [
            (.empty, "a name has at least one character"),
            (.tooLong, "a name has at most 24 characters and 96 bytes"),
            (.notAllowed("\n"), "a name has letters, digits, _ and - only, and not U+000A"),
            (.notAllowed("\u{E0041}"), "a name has letters, digits, _ and - only, and not U+E0041"),
            (.beginsWithMark, "a name cannot begin with a mark"),
            (.tooManyMarks, "a name has at most 4 marks on one character"),
            (.lookAlike("ﬁ"), "a name cannot have U+FB01, which looks like another character"),
            (.notAllowed(" "), "a name has letters, digits, _ and - only, and not a space"),
            (.notAllowed("@"), "a name has letters, digits, _ and - only, and not @"),
            (.mixedAlphabets, "a name has letters of one alphabet, not of two that look alike, such as Latin and Cyrillic"),
            (.reserved, "this name is reserved for the server"),
        ] as [(ChatName.Invalid, String)])
    func aReasonIsOneLine(_ reason: ChatName.Invalid, _ description: String) {
        #expect(reason.description == description)
    }
}
