import ChatLineEditing
import Testing

/// Tab completes the word before the cursor.
struct CompletionTests {
    private static let names = ["ana", "Anton", "anna", "bob"]

    /// What Tab makes of a line, and what it shows, when it is pressed so many times in a row.
    private func complete(_ line: String, from names: [String] = names, suffix: String = ": ", times: Int = 1) -> (
        String, [String]
    ) {
        var editor = LineEditor(line)
        var choices: [String] = []
        for _ in 0..<times {
            #expect(editor.handle(.tab) == .complete)
            choices = editor.complete(with: names.map { Completion($0, suffix: suffix) })
        }
        return (editor.marked, choices)
    }

    @Test func theContextIsTheWordBeforeTheCursor() {
        #expect(LineEditor("an|a").completionContext.word == "an")
        #expect(LineEditor("an|a").completionContext.beginsLine)
        #expect(LineEditor("hi\nbo|").completionContext.word == "bo")
        #expect(!LineEditor("hi\nbo|").completionContext.beginsLine)
        #expect(LineEditor("hi |").completionContext.word == "")
        #expect(LineEditor("|").completionContext.beginsLine)
    }

    @Test func theOnlyCandidateTakesTheWordsPlaceWithItsSuffix() {
        #expect(complete("B|") == ("bob: |", []))
        #expect(complete("hi b| there", suffix: " ") == ("hi bob | there", []))
    }

    @Test func severalGiveWhatTheyHaveInCommon() {
        #expect(complete("A|") == ("an|", []))
        #expect(complete("an|") == ("an|", []))
        #expect(complete("|") == ("|", []))
        #expect(complete("ann|") == ("anna: |", []))
    }

    @Test func theSecondTabInARowShowsTheChoices() {
        #expect(complete("a|", times: 2) == ("an|", ["ana", "Anton", "anna"]))
        #expect(complete("a|", times: 3) == ("an|", ["ana", "Anton", "anna"]))
        #expect(complete("|", times: 2) == ("|", Self.names))
        var editor = LineEditor("a|")
        for key in [.tab, .left, .right, .tab] as [Key] where editor.handle(key) == .complete {
            #expect(editor.complete(with: Self.names.map { Completion($0) }) == [])
        }
    }

    @Test func nothingToCompleteIsLeftAlone() {
        #expect(complete("x|", times: 2) == ("x|", []))
        #expect(complete("a|", from: [], times: 2) == ("a|", []))
    }

    @Test func theSameCandidateTwiceIsOne() {
        #expect(complete("b|", from: ["bob", "bob"]) == ("bob: |", []))
    }

    @Test func accentsMatchHoweverTheyAreEncoded() {
        #expect(complete("re\u{301}|", from: ["R\u{E9}ne", "re\u{301}my"]) == ("Ré|", []))
        let (line, _) = complete("re\u{301}|", from: ["r\u{E9}my"])
        #expect(line == "rémy: |")
        // Half of a character is no beginning of it.
        #expect(complete("re|", from: ["re\u{301}my"]) == ("re|", []))
    }

    @Test func aCandidateIsMadeHarmless() {
        #expect(complete("m|", from: ["m\u{1B}[2J\u{202E}"]) == (#"m^[[2J\u{202E}: |"#, []))
    }

    @Test func itIsOneStep() {
        var editor = LineEditor("b|")
        editor.press(.tab)
        editor.complete(with: [Completion("bob")])
        editor.press(.control("_"))
        #expect(editor.marked == "b|")
    }

    @Test func tabAcceptsWhatASearchHasFound() {
        var editor = LineEditor("", history: ["an"])
        #expect(editor.press(.control("r"), .text("an"), .tab) == .complete)
        #expect(editor.searchPrompt == nil)
    }
}
