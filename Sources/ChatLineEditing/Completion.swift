/// A word that may be meant.
public struct Completion: Hashable, Sendable {
    /// The whole word.
    public var text: String
    /// What follows it if it is the only one that may be meant: a space, or `: ` behind a name that begins a line.
    public var suffix: String

    public init(_ text: String, suffix: String = " ") {
        self.text = text
        self.suffix = suffix
    }

    /// Whether the text begins with a word, in either case. Characters are compared, so it does not matter how an accent is encoded.
    func begins(with word: [Character]) -> Bool {
        text.count >= word.count && zip(text, word).allSatisfy { Self.isSameLetter($0, $1) }
    }

    /// The longest beginning that all have in common, as the first one writes it.
    static func commonPrefix(of completions: [Completion]) -> String {
        guard let first = completions.first else { return "" }
        return completions.dropFirst().reduce(first.text) { prefix, completion in
            String(zip(prefix, completion.text).prefix { isSameLetter($0, $1) }.map(\.0))
        }
    }

    private static func isSameLetter(_ one: Character, _ other: Character) -> Bool {
        one == other || one.lowercased() == other.lowercased()
    }
}

/// What is to be completed.
public struct CompletionContext: Hashable, Sendable {
    /// What is before the cursor, back to whitespace. It may be empty.
    public let word: String
    /// Whether nothing is before it, so that it addresses somebody or is a command.
    public let beginsLine: Bool
}
