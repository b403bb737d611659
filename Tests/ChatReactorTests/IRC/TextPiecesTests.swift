import TestSupport
import Testing

@testable import ChatReactor

/// Where a text is cut that is too long for one line.
struct TextPiecesTests {
    @Test(
        arguments: [
            ("", 10, [""]),
            ("hello, ben", 10, ["hello, ben"]),
            // Behind a space, if there is one in the last third.
            ("hello there, ben", 10, ["hello ther", "e, ben"]),
            ("hi there ben and ana", 10, ["hi there ", "ben and ", "ana"]),
            ("abcdefghij klm", 10, ["abcdefghij", " klm"]),
            ("abcdefghi jklm", 10, ["abcdefghi ", "jklm"]),
            ("aaaaaaaaaaaaaaaaaaaaaaaaa", 10, ["aaaaaaaaaa", "aaaaaaaaaa", "aaaaa"]),
            ("a    b         c", 6, ["a    ", "b     ", "    c"]),
            // Between characters.
            ("äöüäöü", 5, ["äö", "üä", "öü"]),
            ("ae\u{301}e\u{301}", 6, ["ae\u{301}", "e\u{301}"]),
            ("abc👩‍👩‍👧x", 20, ["abc", "👩‍👩‍👧x"]),
            ("🇩🇪🇫🇷🇵🇱", 19, ["🇩🇪🇫🇷", "🇵🇱"]),
            ("ab\r\ncde", 4, ["ab\r\n", "cde"]),
            ("abc\r\nde", 4, ["abc", "\r\nde"]),
            // A space with a mark on it is no end of a word.
            ("abcd \u{301}fghij", 8, ["abcd \u{301}f", "ghij"]),
            // Within a character that is longer than a piece.
            ("👩‍👩‍👧", 9, ["👩\u{200D}", "👩\u{200D}", "👧"]),
            ("e\u{301}\u{302}\u{303}\u{304}", 4, ["e\u{301}", "\u{302}\u{303}", "\u{304}"]),
            ("你好", 0, ["你", "好"]),
            ("abcdef", -1, ["abcd", "ef"]),
            ("abcdef", .min, ["abcd", "ef"]),
            ("abcdef", .max, ["abcdef"]),
        ] as [(String, Int, [String])])
    func isCut(_ text: String, _ limit: Int, _ expected: [String]) {
        #expect(pieces(of: Array(text.utf8), limit).map { String(decoding: $0, as: UTF8.self) } == expected)
        #expect(pieces(of: Array(text.utf8), limit) == expected.map { Array($0.utf8) })
    }

    /// A character of many scalars: none is looked at for each of its pieces.
    @Test func aLongCharacterTakesNoTime() {
        let text = Array(("e" + String(repeating: "\u{301}", count: 200_000)).utf8)
        var all: [[UInt8]] = []
        let time = threadTime { all = pieces(of: text, 400) }
        #expect(time < .seconds(60))
        #expect(all.allSatisfy { $0.count <= 400 && String(validating: $0, as: UTF8.self) != nil })
        #expect(Array(all.joined()) == text)
    }

    @Test func anyText() {
        let base = SeededGenerator()
        let parts = [
            "a", "b", " ", "  ", "ß", "e\u{301}", "\u{302}", "\u{303}\u{304}", "你", "👩‍👩‍👧", "👍🏽", "🇩🇪", "🇫", "क्षि", "\r\n", "\u{200D}",
            "각", "ᄀ",
        ]
        for offset in 0..<20_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let count = Int.random(in: 0...30, using: &random)
            let text = (0..<count).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
            let limit = Int.random(in: 4...40, using: &random)
            let expected = Self.naivePieces(of: text, limit)
            let got = pieces(of: Array(text.utf8), limit)
            guard got == expected.map({ Array($0.utf8) }), got.allSatisfy({ $0.count <= limit }),
                Array(got.joined()) == Array(text.utf8)
            else {
                Issue.record("\(text.debugDescription), \(limit): \(got), not \(expected); CHATREACTOR_SEED=\(random.seed)")
                return
            }
        }
    }

    /// What is no text is cut into pieces as well.
    @Test func anyBytes() {
        let base = SeededGenerator()
        for offset in 0..<20_000 {
            var random = SeededGenerator(seed: base.seed &+ UInt64(offset))
            let bytes = random.bytes(
                .random(in: 0...60, using: &random), from: Bool.random(using: &random) ? 0...255 : 0x80...0xBF)
            let limit = Int.random(in: 4...20, using: &random)
            let got = pieces(of: bytes, limit)
            guard got.allSatisfy({ $0.count <= limit && (bytes.isEmpty || !$0.isEmpty) }), Array(got.joined()) == bytes else {
                Issue.record("\(bytes), \(limit): \(got); CHATREACTOR_SEED=\(random.seed)")
                return
            }
        }
    }

    private func pieces(of text: [UInt8], _ limit: Int) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        TextPieces.forEach(of: text.span, atMost: limit) { piece in
            var copy: [UInt8] = []
            for index in piece.indices { copy.append(piece[index]) }
            pieces.append(copy)
        }
        return pieces
    }

    private static func naivePieces(of text: String, _ limit: Int) -> [String] {
        var (pieces, rest) = ([String](), text)
        while rest.utf8.count > limit {
            // All beginnings that fit and end between two characters.
            let ends = rest.indices.filter { $0 > rest.startIndex }.map { (String(rest[..<$0]), rest[rest.index(before: $0)]) }
                .filter { $0.0.utf8.count <= limit }
            let word = ends.last { $0.1 == " " && $0.0.utf8.count > limit - limit / 3 }
            var piece = (word ?? ends.last)?.0 ?? ""
            if piece.isEmpty {
                var scalars = String.UnicodeScalarView()
                for scalar in rest.unicodeScalars {
                    if String(scalars).utf8.count + String(scalar).utf8.count > limit { break }
                    scalars.append(scalar)
                }
                piece = String(scalars)
            }
            pieces.append(piece)
            rest = String(decoding: Array(rest.utf8).dropFirst(piece.utf8.count), as: UTF8.self)
        }
        return pieces + [rest]
    }
}
