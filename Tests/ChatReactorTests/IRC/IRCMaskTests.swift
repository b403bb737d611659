import TestSupport
import Testing

@testable import ChatReactor

/// Whom a mask is about.
struct IRCMaskTests {
    @Test(
        arguments: [
            ("", [""], ["a"]),
            ("*", ["", "a", "ana!ana@tea"], []),
            ("?", ["a", "é", "e\u{301}", "👩‍👩‍👧"], ["", "ab"]),
            ("ana!*@*", ["ana!x@y", "ANA!x@y", "ana!@"], ["anna!x@y", "ana", "xana!x@y"]),
            ("*!*@*.c5t6jzya.ip", ["ana!a@x.c5t6jzya.ip", "ana!a@x.C5T6JZYA.IP"], ["ana!a@c5t6jzya.ip"]),
            ("a?c", ["abc", "a?c"], ["ac", "abbc"]),
            ("a*c", ["ac", "abc", "abcbc"], ["acb", "abcb"]),
            ("*ab*", ["ab", "aab", "xabx"], ["ba"]),
            ("a**b", ["ab", "axb"], ["a"]),
            ("*?*", ["a", "ab"], [""]),
            ("??", ["ab", "🇩🇪🇫🇷"], ["a"]),
            // Escapes.
            (#"a\*c"#, ["a*c"], ["abc", #"a\*c"#, #"a\bc"#]),
            (#"a\?c"#, ["a?c"], ["abc"]),
            (#"a\bc"#, [#"a\bc"#], ["abc"]),
            (#"a\\*"#, [#"a\*"#], [#"a\\"#, #"a\b"#]),
            (#"a\\b"#, [#"a\\b"#], [#"a\b"#]),
            (#"a\"#, [#"a\"#], ["a"]),
            (#"a\\"#, [#"a\\"#], [#"a\"#]),
            (#"\**"#, ["*", "*a"], ["a"]),
            // As names are compared.
            ("STRASSE!*@*", ["straße!a@b", "strasse!a@b"], []),
            ("straße!*@*", ["STRASSE!a@b"], ["strase!a@b"]),
            ("andré!*@*", ["ANDRE\u{301}!a@b"], ["andre!a@b"]),
            ("andre*", ["andreé"], ["andre\u{301}", "andré"]),
            ("ΣΊΣΥΦΟΣ*", ["σίσυφος!a@b"], []),
            ("น้ำ!*@*", ["น้\u{E4D}\u{E32}!a@b"], []),
            ("Iana*", ["iana!a@b"], ["ıana!a@b"]),
        ] as [(String, [String], [String])])
    func matches(_ mask: String, _ texts: [String], butNot others: [String]) {
        for text in texts { #expect(IRCMask(mask).matches(text), "\(text)") }
        for text in others { #expect(!IRCMask(mask).matches(text), "\(text)") }
        let subjects = texts.map { IRCMask.Subject($0) }
        #expect(subjects.allSatisfy(IRCMask(mask).matches))
    }

    @Test func masksThatDifferInCaseAreTheSame() {
        #expect(IRCMask("Ana!*@*") == IRCMask("aNA!***@*"))
        #expect(IRCMask("ana!*@*") != IRCMask("ana!?@*"))
        #expect(IRCMask(#"ana\*"#) != IRCMask("ana*"))
        #expect(Set([IRCMask("é"), IRCMask("E\u{301}")]).count == 1)
    }

    /// These take some programs more time than there is.
    @Test func manyStarsTakeNoTime() {
        let stars = String(repeating: "*a", count: 100)
        let text = IRCMask.Subject(String(repeating: "a", count: 2_000))
        let time = threadTime {
            #expect(!IRCMask("\(stars)*b").matches(text))
            #expect(IRCMask("\(stars)*").matches(text))
            #expect(!IRCMask(String(repeating: "*?", count: 100) + "b").matches(text))
            #expect(!IRCMask("*\(String(repeating: "a", count: 90))b").matches(text))
        }
        #expect(time < .seconds(60))
    }

    /// Against the definition, written down as it is.
    @Test func anyMask() {
        var random = SeededGenerator()
        for _ in 0..<30_000 {
            let signs: [Character] = ["a", "b", "*", "?", "\\", "A"]
            let mask = String((0..<Int.random(in: 0...7, using: &random)).map { _ in signs.randomElement(using: &random) ?? "a" })
            let text = String((0..<Int.random(in: 0...7, using: &random)).map { _ in signs.randomElement(using: &random) ?? "a" })
            let expected = Self.naiveMatch(Array(mask.lowercased())[...], Array(text.lowercased())[...])
            #expect(IRCMask(mask).matches(text) == expected, "\(mask) and \(text)")
        }
    }

    @Test(arguments: [
        ("ana", "ana!*@*"), ("ana!user", "ana!user@*"), ("user@host", "*!user@host"), ("ana!user@host", "ana!user@host"),
        ("", "*!*@*"), ("*", "*!*@*"), ("!", "*!*@*"), ("@", "*!*@*"), ("!@", "*!*@*"), ("ana!", "ana!*@*"),
        ("@host", "*!*@host"),
        ("ana!@host", "ana!*@host"), ("!user", "*!user@*"), ("ana@", "*!ana@*"), ("*!*@***.ip", "*!*@*.ip"), ("a***b", "a*b!*@*"),
        ("*.c5t6jzya.ip", "*!*@*.c5t6jzya.ip"), ("192.0.2.7", "*!*@192.0.2.7"), ("2001:db8::7", "*!*@2001:db8::7"),
        ("a@b!c", "a@b!c@*"), ("a@b@c", "*!a@b@c"), ("a!b@c@d", "a!b@c@d"), ("a!b!c", "a!b!c@*"), ("ana ben", "ana!*@*"),
        (" ", "*!*@*"),
        (":ana!x@y", "?ana!x@y"), ("::1", "*!*@?:1"), (":", "*!*@?"), (#"\**"#, #"\**!*@*"#), (#"\***"#, #"\**!*@*"#),
        ("Łukasz", "Łukasz!*@*"), ("a!\u{301}b", "a!\u{301}b@*"),
    ])
    func becomesWhole(_ text: String, _ mask: String) {
        #expect(Array(IRCMask.normalized(text).utf8) == Array(mask.utf8))
        #expect(IRCMask.normalized(mask) == mask)
    }

    @Test(arguments: ["a", "ä", "你", "👍", "e\u{301}\u{302}", "*", "?", "\\", "!", "@", ":", "."])
    func isNeverTooLong(_ sign: String) {
        let long = String(repeating: sign, count: 10_000)
        for text in [long, "\(long)!\(long)@\(long)", "\(long)@\(long)", "a!b@\(long)", "*\(long)*!*\(long)*"] {
            let mask = IRCMask.normalized(text)
            #expect(mask.utf8.count <= 192)
            #expect(IRCMask.normalized(mask) == mask)
        }
    }

    /// What is cut off does not make a mask one for everybody.
    @Test func aLongCharacterIsCut() {
        let name = "e" + String(repeating: "\u{301}", count: 1_000)
        let mask = IRCMask.normalized(name)
        #expect(mask.utf8.count == 95 + 4)
        #expect(!IRCMask(mask).matches("ana!a@b"))
    }

    private static func naiveMatch(_ mask: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let sign = mask.first else { return text.isEmpty }
        let rest = mask.dropFirst()
        if sign == "\\", let next = rest.first, next == "*" || next == "?" {
            return text.first == next && naiveMatch(rest.dropFirst(), text.dropFirst())
        }
        switch sign {
        case "*": return naiveMatch(rest, text) || !text.isEmpty && naiveMatch(mask, text.dropFirst())
        case "?": return !text.isEmpty && naiveMatch(rest, text.dropFirst())
        default: return text.first == sign && naiveMatch(rest, text.dropFirst())
        }
    }
}
