import TestSupport
import Testing

@testable import chat

/// The last line that a server has sent may say why it closes the connection.
struct LastLineTests {
    /// What is said, with a mark of its kind; nil if nothing is.
    private func explanation(_ text: String, pieceLength: Int = .max) -> String? {
        var line = LastLine()
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            line.receive(Array(rest.prefix(pieceLength)).span)
            rest = rest.dropFirst(pieceLength)
        }
        return switch line.explanation {
        case .goodbye(let words): "goodbye \(words)"
        case .refusal(let words): "refusal \(words)"
        case nil: nil
        }
    }

    private static let filler = String(repeating: "a", count: 2_000)

    private static let ends: [(text: String, explained: String?)] = [
        ("! goodbye: kicked: too loud\n", "goodbye kicked: too loud"), ("hello\n! goodbye: banned\n", "goodbye banned"),
        ("\(filler)\n! goodbye: banned\n", "goodbye banned"),
        ("! the server is full, try again later\n", "refusal the server is full, try again later"),
        ("{\"type\":\"error\",\"text\":\"goodbye: kicked\"}\n", "goodbye kicked"),
        ("{\"type\":\"pong\"}\n{\"text\":\"goodbye: a \\\"b\\\"\",\"type\":\"error\"}\n", "goodbye a \"b\""),
        ("! goodbye: \u{1B}[2J\u{202E}\n", "goodbye ^[[2J\\u{202E}"),
        ("{\"type\":\"error\",\"text\":\"goodbye: \\u001b[2J\"}\n", "goodbye ^[[2J"),
        // A refusal is all that has come; and neither is one without its newline, or in the middle of a line.
        ("hello\n! no\n", nil), ("! goodbye: cut", nil), ("", nil), ("\n", nil), ("ana: ! goodbye: kicked\n", nil),
        ("! goodbye: a\nb\n", nil),
        ("{\"type\":\"notice\",\"text\":\"goodbye: kicked\"}\n", nil), ("{\"type\":\"error\",\"text\":\"no\"}\n", nil),
        ("{\"type\":\"error\",\"text\":\"goodbye: kicked\"\n", nil), ("! \(filler)\n", nil),
        ("\(filler)! goodbye: kicked\n", nil),
    ]

    @Test(arguments: ends)
    func `what the last line says`(text: String, explained: String?) {
        for length in [Int.max, 1, 7, 1_023, 1_024, 1_025] { #expect(explanation(text, pieceLength: length) == explained) }
    }

    @Test func `a line of which the beginning may be lost says nothing`() {
        // What is kept begins with a line that looks like one, but was the middle of another.
        for padding in 980..<1_030 {
            let end = "! goodbye: " + String(repeating: "b", count: padding - 12) + "\n"
            #expect(explanation("ana: " + end) == nil, "\(padding)")
            #expect(explanation("a\n" + end) == (padding < 1_024 ? "goodbye \(end.dropFirst(11).dropLast())" : nil), "\(padding)")
        }
    }

    @Test func `bytes that are no text`() {
        var line = LastLine()
        line.receive((Array("! goodbye: ".utf8) + [0xFF, 0xC3, 10]).span)
        guard case .goodbye(let words) = line.explanation else {
            Issue.record("nothing is said")
            return
        }
        #expect(words == "\\xFF\\xC3")
    }
}
