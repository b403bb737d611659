import TestSupport
import Testing

@testable import ChatReactor

/// Whatever somebody sends, the others get whole lines that begin with its name, and objects that are of it.
struct HostileLinesTests {
    /// What goes wrong easily, and bytes of any kind.
    private static let ingredients: [[UInt8]] =
        [
            "* ", "! ", "[19:03] ", "ana: ", "ana to you: ", "you to ana: ", "\r", "\0", "\t", "\u{85}", "\u{2028}", "\u{2029}",
            "\u{202E}",
            "\u{2066}", "\u{200F}", "\u{61C}", "\u{1B}[2J", "\u{7F}", "\u{FEFF}", "e\u{301}", "👨‍👩‍👧", "שלום", "\"", "\\",
            "{\"type\":\"error\"}",
            "\\u000a", "/", "//", "/me ", "/topic ", "/nick ", "/quit", "/msg ana ", "/join ", "/who ", "/history 3", "/json",
            "hello", " ",
            "server", "guest1", "\u{FF41}",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xFF, 0xFB, 0x01], [0xFF, 0xFF], [0xC3], [0xE2, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90], [0x80],
        ]

    private func line(using generator: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: 1...6, using: &generator)).flatMap { _ in
            Bool.random(using: &generator)
                ? Self.ingredients.randomElement(using: &generator) ?? []
                : generator.bytes(.random(in: 0...4, using: &generator)).filter { $0 != 0x0A }
        }
    }

    @Test("Every line that others get begins with the speaker's name, and is one line of valid UTF-8; every object is of it")
    func property() throws {
        var generator = SeededGenerator()
        let chat = try ChatFixture()
        let (ana, bot) = (try chat.join("ana"), try chat.join("bot", json: true))
        var names = try chat.chat.people.map(\.name.text)
        for _ in 0..<60 {
            let mallory = try chat.join()
            names.append("guest\(try chat.chat.people.map(\.number).max() ?? 0)")
            var bytes: [UInt8] = []
            for _ in 0..<20 { bytes += line(using: &generator) + [0x0A] }
            // Ends a command of telnet, which would swallow what it is asked to be settled with.
            bytes += [0xFF, 0xF0, 0xFF, 0xF0, 0x0A]
            // Cut anywhere, and read in pieces.
            while !bytes.isEmpty {
                let piece = Array(bytes.prefix(.random(in: 1...200, using: &generator)))
                bytes.removeFirst(piece.count)
                guard (try? mallory.client.send(piece)) != nil else { break }
                try chat.fixture.loop.runOnce(waitingAtMost: .zero)
            }
            try chat.settle()
            let lines = ana.takeLines()
            let objects = try bot.takeObjects()
            for object in objects {
                for name in [object.from, object.type == "rename" ? object.to : nil] {
                    if let name, !names.contains(name) { names.append(name) }
                }
            }
            for line in lines {
                #expect(isHonest(line, of: names), "\(line.debugDescription)")
                #expect(line.unicodeScalars.allSatisfy(isHarmless), "\(line.debugDescription)")
            }
            #expect(String(validating: ana.client.received, as: UTF8.self) != nil)
            #expect(String(validating: bot.client.received, as: UTF8.self) != nil)
            mallory.hangUp()
            try chat.fixture.loop.settle(for: .milliseconds(2))
        }
    }

    /// Whether a line of people is what one of those whose names are known can bring about.
    private func isHonest(_ line: String, of names: [String]) -> Bool {
        // By bytes and scalars: a mark at the beginning of what is said makes one character with the space before it.
        func begins(_ text: String, _ beginning: String) -> Bool { text.utf8.starts(with: beginning.utf8) }
        func match<Output>(_ text: String, _ pattern: Regex<Output>) -> Output? {
            text.wholeMatch(of: pattern.matchingSemantics(.unicodeScalar))?.output
        }
        if names.contains(where: { begins(line, "\($0): ") || begins(line, "\($0) to you: ") }) { return true }
        guard let notice = match(line, #/\* (\S+)(.*)/#) else { return false }
        let (name, rest) = (String(notice.1), String(notice.2))
        if name.allSatisfy(\.isNumber) { return match(rest, #/ (joined|left)(, \d+ left)? \(\d+ online\)/#) != nil }
        guard names.contains(name) else { return false }
        return match(rest, #/ (joined|left: \w+(: .+)?) \(\d+ online\)/#) != nil
            || begins(rest, " set the topic: ") || rest == " removed the topic"
            || match(rest, #/ is now (\S+)/#).map { names.contains(String($0.1)) } == true
    }

    private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\t" { return true }
        let properties = scalar.properties
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate: return false
        default: return !properties.isBidiControl
        }
    }
}
