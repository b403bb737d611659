import TestSupport
import Testing

@testable import ChatReactor

/// Bold and coloured text becomes plain, and nothing that somebody says is lost.
struct IRCFormattingTests {
    @Test(arguments: [
        ("", ""), ("plain, 5,6 and 你", "plain, 5,6 and 你"),
        (
            "\u{2}bold\u{2} \u{1D}it\u{1D} \u{1F}un\u{1F} \u{1E}st\u{1E} \u{11}mo\u{11} \u{16}re\u{16}\u{F}.",
            "bold it un st mo re."
        ),
        ("\u{3}red", "red"), ("\u{3}4red", "red"), ("\u{3}04red\u{3}", "red"), ("\u{3}4,5red", "red"), ("\u{3}04,05red", "red"),
        // Only so many digits are of the colour.
        ("\u{3}0444", "44"), ("\u{3}4,0555", "55"), ("\u{3}04,05,06", ",06"),
        // A comma that is text.
        ("\u{3},5red", ",5red"), ("\u{3}4,red", ",red"), ("\u{3}4,", ","), ("\u{3}4, 5", ", 5"), ("\u{3}4,\u{3}5", ","),
        ("\u{3}4,\u{2}5", ",5"),
        ("\u{3}", ""), ("\u{3}4", ""), ("a\u{3}\u{3}4b", "ab"), ("\u{3}٣", "٣"),
        ("\u{4}FF0000red", "red"), ("\u{4}ff0000,00FF00red", "red"), ("\u{4}red", "red"), ("\u{4}FF000", "FF000"),
        ("\u{4}FF0000,00FF0", ",00FF0"), ("\u{4}FF00001", "1"), ("\u{4}FF0000,", ","), ("\u{4}12345G", "12345G"),
        // These are no formatting.
        ("\u{1}\u{5}\u{6}\u{7}\u{12}\u{1B}\u{7F}\t", "\u{1}\u{5}\u{6}\u{7}\u{12}\u{1B}\u{7F}\t"),
    ])
    func isPlain(_ text: String, _ plain: String) {
        let (made, isFormatted) = (IRCFormatting.plain(text.utf8.span), IRCFormatting.contains(text.utf8.span))
        #expect(made == Array(plain.utf8))
        #expect(isFormatted == (text.utf8.count != plain.utf8.count))
    }

    @Test func anyBytes() {
        let base = SeededGenerator()
        for offset in 0..<20_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let bytes = random.bytes(.random(in: 0...40, using: &random), from: Bool.random(using: &random) ? 0...255 : 0...0x46)
            let plain = IRCFormatting.plain(bytes.span)
            let isRight =
                !IRCFormatting.contains(plain.span) && IRCFormatting.plain(plain.span) == plain
                && IRCFormatting.contains(bytes.span) == (plain != bytes)
            if !isRight {
                Issue.record("\(bytes) becomes \(plain); CHATREACTOR_SEED=\(random.seed) has it again at once")
                return
            }
        }
    }
}
