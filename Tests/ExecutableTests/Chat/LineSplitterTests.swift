import TestSupport
import Testing

@testable import chat

/// What a server sends becomes lines for people, however it comes.
struct LineSplitterTests {
    /// Takes pieces, and returns what is shown; `|` ends a line. An empty piece is a pause.
    private func shown(_ pieces: [[UInt8]], limit: Int = 65_536) -> [String] {
        let splitter = LineSplitter()
        splitter.maximumPieceLength = limit
        var shown: [String] = []
        func show(_ text: Span<UInt8>, _ endsLine: Bool) { shown.append(String(copying: text) + (endsLine ? "|" : "")) }
        for piece in pieces {
            if piece.isEmpty { splitter.pause(show: show) } else { splitter.receive(piece.span, show: show) }
        }
        if splitter.isUnfinished { splitter.finishLine(show: show) }
        return shown
    }

    @Test(arguments: [
        (["a\nb\n"], ["a|", "b|"]), (["a", "b\n"], ["ab|"]), (["\n"], ["|"]), (["a\r\n", "b\r", "\n"], ["a|", "b|"]),
        (["a\rb\n"], ["a\rb|"]), (["a"], ["a|"]), ([], []), (["a\n", "b", "", "c\n"], ["a|", "b", "c|"]),
        // Before the first newline a pause ends a line, and a newline after it belongs to that line.
        (["a", "", "b"], ["a|", "b|"]), (["a", "", "\n", "b\n"], ["a|", "b|"]), (["a\r", "", "\n"], ["a|"]),
        (["a", "", "\n", "\n"], ["a|", "|"]), (["\r", "", "\n"], ["|"]), (["", "", "a"], ["a|"]),
    ])
    func `lines, pieces and pauses`(pieces: [String], lines: [String]) {
        #expect(shown(pieces.map { Array($0.utf8) }) == lines)
    }

    @Test func `a pause cuts no character`() {
        for character in ["é", "€", "👩"] {
            let bytes = Array(character.utf8)
            for cut in 1..<bytes.count {
                #expect(
                    shown([Array("a\nb".utf8) + bytes[..<cut], [], Array(bytes[cut...]) + [10]]) == ["a|", "b", "\(character)|"])
                #expect(shown([Array(bytes[..<cut]), [], Array(bytes[cut...]), []]) == ["\(character)|"])
            }
        }
        // What begins no character waits for nothing.
        #expect(shown([[10, 0x80], [], [0xFF], []]) == ["|", "\u{FFFD}", "\u{FFFD}", "|"])
    }

    @Test func `a random stream of text is the same lines, whatever its pieces and the limit`() {
        var generator = SeededGenerator()
        let alphabet = ["a", "é", "€", "👩", "\n", "\r\n", "\r", " "]
        for _ in 0..<500 {
            let text = (0..<60).map { _ in alphabet.randomElement(using: &generator) ?? "" }.joined() + "z\n"
            var rest = Array(text.utf8)[...]
            // Before the first newline a pause would end a line.
            var pieces = [Array("first\n".utf8)]
            while !rest.isEmpty {
                let count = Int.random(in: 1...12, using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
                if Bool.random(using: &generator) { pieces.append([]) }
            }
            let result = shown(pieces, limit: .random(in: 5...40, using: &generator))
            // No piece has a broken character in it.
            #expect(!result.joined().contains("\u{FFFD}"))
            let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
                String(line.last == "\r" ? line.dropLast() : line)
            }
            #expect(Array(result.joined().unicodeScalars) == Array((["first"] + lines).map { $0 + "|" }.joined().unicodeScalars))
        }
    }

    @Test func `a line without an end is not kept`() {
        let splitter = LineSplitter()
        var longest = 0
        let block = [UInt8](repeating: 97, count: 100_000)
        for _ in 0..<20 { splitter.receive(block.span) { text, _ in longest = max(longest, text.count) } }
        #expect(longest == 65_536)
    }

    @Test func `random bytes never end the client`() {
        var generator = SeededGenerator()
        for _ in 0..<2_000 {
            var bytes: [UInt8] = []
            var count = 0
            let splitter = LineSplitter()
            splitter.maximumPieceLength = .random(in: 4...8, using: &generator)
            for _ in 0..<10 {
                let piece = generator.bytes(
                    .random(in: 0..<8, using: &generator), from: Bool.random(using: &generator) ? 0...255 : 0xC0...0xFF)
                bytes += piece
                splitter.receive(piece.span) { text, _ in count += text.count }
                if Bool.random(using: &generator) { splitter.pause { text, _ in count += text.count } }
            }
            if splitter.isUnfinished { splitter.finishLine { text, _ in count += text.count } }
            // All but newlines, and carriage returns before them or before a pause, is shown.
            #expect((bytes.count { $0 != 10 && $0 != 13 }...bytes.count).contains(count))
        }
    }
}
