import ChatReactorText
import TestSupport
import Testing

/// JSON is read as RFC 8259 has it, with the places of what is wrong.
struct JSONTests {
    private func plain(_ value: JSON) -> JSONValue? {
        switch value.content {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number(let digits): Int(digits).map { .integer($0) }
        case .text(let text): .string(text)
        case .array(let elements): .array(elements.compactMap(plain))
        case .object(let members): .object(Dictionary(members.map { ($0.key, plain($0.value) ?? .null) }) { $1 })
        }
    }

    // MARK: - Beside another reader

    @Test func `random documents are what another reader makes of them`() throws {
        var generator = SeededGenerator()
        for _ in 0..<3_000 {
            let text = document(&generator, depth: 4)
            let value = try #require(try? JSON(parsing: text), "\(text)")
            #expect(try plain(value) == JSONValue(text))
        }
    }

    @Test func `damaged documents are refused if another reader refuses them`() {
        var generator = SeededGenerator()
        var (refused, taken) = (0, 0)
        for _ in 0..<20_000 {
            var scalars = Array(document(&generator, depth: 3).unicodeScalars)
            for _ in 0..<Int.random(in: 1...2, using: &generator) where !scalars.isEmpty {
                let position = Int.random(in: 0..<scalars.count, using: &generator)
                if Bool.random(using: &generator) {
                    scalars.remove(at: position)
                } else {
                    scalars.insert("{}[],:\"\\ 0-tfn\u{1}\n".unicodeScalars.randomElement(using: &generator) ?? " ", at: position)
                }
            }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            let text = String(view)
            // The other one reads neither fractions nor halves of pairs, nor numbers like -0.
            if text.contains(#/-0|[0-9][.eE]/#) { continue }
            let value = try? JSON(parsing: text)
            let other = try? JSONValue(text)
            #expect((value == nil) == (other == nil), "\(text)")
            if let value { #expect(plain(value) == other) }
            if value == nil { refused += 1 } else { taken += 1 }
        }
        #expect(refused > 1_000 && taken > 1_000)
    }

    private func document(_ generator: inout SeededGenerator, depth: Int) -> String {
        func space() -> String { ["", " ", "\n", "\t \r\n"].randomElement(using: &generator) ?? "" }
        func string() -> String {
            let pieces = [
                "a", "é", "👩", "\\n", "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t", "\\u0041", "\\u20aC", " ", "\u{7F}", "\u{2028}",
            ]
            return "\""
                + (0..<Int.random(in: 0..<5, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined() + "\""
        }
        let value: String
        switch Int.random(in: 0..<(depth == 0 ? 4 : 8), using: &generator) {
        case 0: value = ["null", "true", "false"].randomElement(using: &generator) ?? ""
        case 1: value = "\(Int.random(in: -1_000_000...1_000_000, using: &generator))"
        case 2, 3: value = string()
        case 4, 5:
            let elements = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in document(&generator, depth: depth - 1) }
            value = "[\(elements.joined(separator: ","))\(space())]"
        default:
            let members = (0..<Int.random(in: 0..<4, using: &generator)).map {
                "\(space())\"\($0)\"\(space()):\(document(&generator, depth: depth - 1))"
            }
            value = "{\(members.joined(separator: ","))\(space())}"
        }
        return space() + value + space()
    }

    // MARK: - What is special

    @Test(arguments: [
        (#""\ud83c\udf75""#, "🍵"), (#""\uD800\uDC00""#, "\u{10000}"), (#""\udbff\udfff""#, "\u{10FFFF}"), (#""\u0000""#, "\u{0}"),
    ])
    func `pairs of surrogates`(text: String, value: String) throws {
        #expect(try JSON(parsing: text).text == value)
    }

    @Test(arguments: ["0", "-0", "12", "1.5", "-1.50", "1e3", "1E+3", "0e-0", "123456789012345678901234567890"])
    func `numbers`(text: String) throws {
        guard case .number = try JSON(parsing: text).content else {
            Issue.record("no number: \(text)")
            return
        }
        #expect(try JSON(parsing: text).count == UInt64(text))
    }

    @Test(arguments: [
        ("", "line 1, column 1: a value is expected: a string, a number, true, false or an array"), ("nul", "line 1, column 1"),
        ("nulll", "line 1, column 1"),
        ("01", "line 1, column 2: nothing is expected after the value"),
        ("1.", "line 1, column 3: a digit is expected, but the file ends"),
        ("-", "line 1, column 2"), ("+1", "line 1, column 1"), (".5", "line 1, column 1"), ("1e", "line 1, column 3"),
        ("NaN", "line 1, column 1"),
        ("[1,]", "line 1, column 4"), ("[1 2]", "line 1, column 4: a comma or ] is expected"),
        ("{\"a\":1,}", "line 1, column 8: a key is expected"),
        ("{\"a\" 1}", "line 1, column 6: a colon is expected"), ("{a:1}", "line 1, column 2: a key is expected"),
        ("[", "line 1, column 2"),
        ("{\n\"a\": 1,\n \"b\": 2,\n \"a\": 3}", "line 4, column 2: a is there twice"),
        ("\"a", "line 1, column 1: a string does not end"),
        ("\n\n \"a\nb\"", "line 3, column 2: a string does not end"), (#""\x""#, "line 1, column 3"),
        (#""\u12""#, "line 1, column 6"),
        (#""\ud800""#, "line 1, column 8: half of a surrogate pair"), (#""\ud800\n""#, "line 1, column 9"),
        (#""\udc00""#, "line 1, column 8"),
        (#""\ud800A""#, "line 1, column 8"), ("[\"é👩‍👩‍👧\" x]", "line 1, column 11"),
        ("{} {}", "line 1, column 4: nothing is expected after the object"),
        ("\u{A0}1", "line 1, column 1"), ("1 // one", "line 1, column 3"),
    ])
    func `what is wrong is told with its line and column`(text: String, sentence: String) throws {
        let error = try #require(throws: JSON.Invalid.self) { try JSON(parsing: text) }
        #expect("\(error)".hasPrefix(sentence), "\(error)")
    }

    @Test func `values know where they begin`() throws {
        let value = try JSON(parsing: " {\n  \"a\": [1,\r\n\t\"é\", {}] }")
        let member = try #require(value.members?.first)
        #expect(
            "\(value.position), \(member.position), \(member.value.position)"
                == "line 1, column 2, line 2, column 3, line 2, column 8")
        #expect(member.value.elements?.map { "\($0.position)" } == ["line 2, column 9", "line 3, column 2", "line 3, column 7"])
    }

    @Test func `what is too deep is refused, and a reader that calls itself does not end the process`() throws {
        let depth = JSON.maximumDepth
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let inner = open == "[" ? "" : "1"
            let text = String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
            #expect((try? JSON(parsing: text)) != nil)
            let error = try #require(throws: JSON.Invalid.self) { try JSON(parsing: String(repeating: open, count: 1_000_000)) }
            #expect(error.reason == "this is too deep")
        }
    }

    @Test func `an object of many keys is read as fast as one of few`() throws {
        let text = "{" + (0..<90_000).map { #""\#($0)":0"# }.joined(separator: ",") + "}"
        let start = ContinuousClock.now
        #expect(try JSON(parsing: text).members?.count == 90_000)
        #expect(start.duration(to: .now) < patience)
        #expect(throws: JSON.Invalid.self) { try JSON(parsing: text.dropLast() + #","7":1}"#) }
    }

    @Test func `a text has so many values at most`() throws {
        let count = JSON.maximumCount
        // The array is one of them.
        #expect(try JSON(parsing: "[" + String(repeating: "0,", count: count - 2) + "0]").elements?.count == count - 1)
        let error = try #require(throws: JSON.Invalid.self) {
            try JSON(parsing: "[" + String(repeating: "0,", count: count - 1) + "0]")
        }
        #expect(error.reason == "these are too many values")
    }
}
