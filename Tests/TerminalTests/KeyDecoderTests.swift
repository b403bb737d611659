import ChatLineEditing
import ChatTerminal
import TestSupport
import Testing

/// The keys that terminals send, whole and in pieces.
@Suite struct KeyDecoderTests {
    @Test(arguments: [
        ("xterm", xterm), ("VTE", vte), ("tmux", tmux), ("the Linux console", console), ("rxvt", rxvt),
        ("every terminal", common),
    ])
    func `each key of a terminal, cut at each place`(terminal: String, keys: [Sent]) {
        for sent in keys {
            let bytes = Array(sent.bytes.utf8)
            expect([bytes], sent.keys, terminal, sent.bytes)
            expect(bytes.map { [$0] }, sent.keys, terminal, sent.bytes)
            for cut in bytes.indices { expect([Array(bytes[..<cut]), Array(bytes[cut...])], sent.keys, terminal, sent.bytes) }
        }
    }

    @Test(arguments: [
        ("xterm", xterm), ("VTE", vte), ("tmux", tmux), ("the Linux console", console), ("rxvt", rxvt),
        ("every terminal", common),
    ])
    func `what follows a key is not part of it`(terminal: String, keys: [Sent]) {
        for sent in keys {
            // Where only silence tells that the sequence is over, there is nothing to test.
            if isPending(after: sent.bytes) { continue }
            expect([Array((sent.bytes + "next").utf8)], merged(sent.keys + [.text("next")]), terminal, sent.bytes)
        }
    }

    // MARK: - Escape

    @Test func `an Escape is a key once there is silence`() {
        var decoder = KeyDecoder()
        #expect(keys(from: "\u{1B}", &decoder) == [])
        #expect(decoder.isPending)
        #expect(flushed(&decoder) == [.escape])
        #expect(!decoder.isPending)
        #expect(flushed(&decoder) == [])
        // What comes after the silence is no sequence.
        #expect(keys(from: "[A", &decoder) == [.text("[A")])
    }

    @Test(
        arguments: [
            ("\u{1B}\u{1B}", [.escape, .escape]), ("\u{1B}[", [.alt("[")]), ("\u{1B}O", [.alt("O")]), ("\u{1B}]", [.alt("]")]),
            ("\u{1B}P", [.alt("P")]), ("\u{1B}X", [.alt("X")]), ("\u{1B}^", [.alt("^")]), ("\u{1B}_", [.alt("_")]),
            ("\u{1B}[1;5", [.unknown]), ("\u{1B}[[", [.unknown]), ("\u{1B}[M", [.unknown]), ("\u{1B}]0;title", [.unknown]),
            ("\u{1B}]0;title\u{1B}", [.unknown]), ("\u{1B}\u{1B}[", [.escape, .alt("[")]),
            ("\u{1B}\u{1B}O", [.escape, .alt("O")]),
        ] as [(String, [Key])])
    func `silence ends what is not complete`(bytes: String, keys expected: [Key]) {
        var decoder = KeyDecoder()
        #expect(keys(from: bytes, &decoder) == [])
        #expect(decoder.isPending)
        #expect(flushed(&decoder) == expected)
        #expect(keys(from: "a", &decoder) == [.text("a")])
    }

    // MARK: - Text

    @Test func `a run of text is one key`() {
        var decoder = KeyDecoder()
        #expect(keys(from: "grüße 你好 🇧🇷\rnext", &decoder) == [.text("grüße 你好 🇧🇷"), .enter, .text("next")])
    }

    @Test func `a character that is not whole yet is awaited, not pending`() {
        var decoder = KeyDecoder()
        var keys: [Key] = []
        decoder.decode([0x61, 0xF0, 0x9F, 0x98].span) { keys.append($0) }
        #expect(keys == [.text("a")])
        #expect(!decoder.isPending)
        decoder.decode([0x80].span) { keys.append($0) }
        #expect(keys == [.text("a"), .text("😀")])
    }

    /// The standard library's decoder is the oracle.
    @Test func `invalid bytes become what Swift makes of them`() {
        var generator = SeededGenerator()
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                let some: [UInt8] = [0x61, 0x80, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF]
                return some.randomElement(using: &generator) ?? 0x61
            }
            #expect(decoded([bytes]) == [.text(String(decoding: bytes, as: UTF8.self))], "\(bytes)")
        }
    }

    // MARK: - Pastes

    @Test func `a paste has its newlines, whatever the terminal makes of them`() {
        var decoder = KeyDecoder()
        let pasted = keys(from: "a\u{1B}[200~one\rtwo\r\nthree\n\n\tfour\u{1B}[A\u{1B}[201~b", &decoder)
        #expect(pasted == [.text("a"), .paste("one\ntwo\nthree\n\n\tfour\u{1B}[A"), .text("b")])
    }

    @Test func `a paste ends at its mark alone`() {
        var decoder = KeyDecoder()
        let almost = "\u{1B}\u{1B}[201\u{1B}[20\u{1B}[201;~\u{3}"
        #expect(keys(from: "\u{1B}[200~\(almost)", &decoder) == [])
        #expect(!decoder.isPending)
        #expect(flushed(&decoder) == [])
        #expect(keys(from: "\u{1B}[201~", &decoder) == [.paste(almost)])
        #expect(keys(from: "\u{1B}[200~\u{1B}[201~a", &decoder) == [.text("a")])
    }

    @Test func `a long paste comes in parts, of whole characters`() {
        var decoder = KeyDecoder()
        let text = String(repeating: "€", count: 1_000_000)
        var parts: [String] = []
        let bytes = Array("\u{1B}[200~\(text)\u{1B}[201~".utf8)
        for start in stride(from: 0, to: bytes.count, by: 65_536) {
            decoder.decode(Array(bytes[start..<min(start + 65_536, bytes.count)]).span) { key in
                if case .paste(let part) = key { parts.append(part) } else { Issue.record("\(key)") }
            }
        }
        #expect(parts.joined() == text)
        #expect(parts.count == 3)
        #expect(parts.allSatisfy { $0.utf8.count <= KeyDecoder.maximumPasteLength })
    }

    // MARK: - Anything

    @Test func `a sequence or a string without an end does not go on for ever`() {
        var decoder = KeyDecoder()
        #expect(keys(from: "\u{1B}[" + String(repeating: "1", count: 257) + "a", &decoder) == [.unknown, .text("a")])
        #expect(keys(from: "\u{1B}]" + String(repeating: "1", count: 65_537) + "a", &decoder) == [.unknown, .text("a")])
    }

    @Test func `how bytes are cut changes nothing`() {
        var generator = SeededGenerator()
        for _ in 0..<2_000 {
            let bytes = anything(&generator)
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(9, rest.count), using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let whole = decoded([bytes])
            #expect(decoded(pieces) == whole, "\(bytes)")
            #expect(decoded(bytes.map { [$0] }) == whole, "\(bytes)")
        }
    }

    /// Random bytes, and pieces of what terminals send.
    private func anything(_ generator: inout SeededGenerator) -> [UInt8] {
        let sequences = Self.xterm + Self.vte + Self.tmux + Self.console + Self.rxvt + Self.common
        var bytes: [UInt8] = []
        for _ in 0..<Int.random(in: 1...12, using: &generator) {
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes += generator.bytes(Int.random(in: 1...8, using: &generator))
            case 1: bytes += generator.bytes(Int.random(in: 1...8, using: &generator), from: 0x1B...0x7E)
            case 2: bytes += "\u{1B}[200~".utf8
            case 3: bytes += "\u{1B}[201~".utf8
            default:
                let sent = Array((sequences.randomElement(using: &generator)?.bytes ?? "").utf8)
                bytes += sent.prefix(Int.random(in: 0...sent.count, using: &generator))
            }
        }
        return bytes
    }

    // MARK: - Helpers

    private func keys(from text: String, _ decoder: inout KeyDecoder) -> [Key] {
        var keys: [Key] = []
        decoder.decode(Array(text.utf8).span) { keys.append($0) }
        return keys
    }

    private func flushed(_ decoder: inout KeyDecoder) -> [Key] {
        var keys: [Key] = []
        decoder.flush { keys.append($0) }
        return keys
    }

    private func isPending(after text: String) -> Bool {
        var decoder = KeyDecoder()
        _ = keys(from: text, &decoder)
        return decoder.isPending
    }

    /// The keys of some pieces, and of the silence after them.
    private func decoded(_ pieces: [[UInt8]]) -> [Key] {
        var decoder = KeyDecoder()
        var keys: [Key] = []
        for piece in pieces { decoder.decode(piece.span) { keys.append($0) } }
        decoder.flush { keys.append($0) }
        return merged(keys)
    }

    /// Where a run of text is cut depends on the pieces.
    private func merged(_ keys: [Key]) -> [Key] {
        keys.reduce(into: []) { merged, key in
            if case .text(let more) = key, case .text(let text) = merged.last {
                merged[merged.count - 1] = .text(text + more)
            } else {
                merged.append(key)
            }
        }
    }

    private func expect(_ pieces: [[UInt8]], _ keys: [Key], _ terminal: String, _ bytes: String) {
        #expect(decoded(pieces) == keys, "\(terminal): \(bytes.debugDescription) in pieces of \(pieces.map(\.count))")
    }
}
