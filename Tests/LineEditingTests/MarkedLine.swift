import ChatLineEditing

extension LineEditor {
    /// An editor of a line in which `|` is the cursor.
    init(_ marked: String, history: [String] = []) {
        self.init(history: CommandHistory(entries: history))
        let parts = marked.split(separator: "|", omittingEmptySubsequences: false)
        text = parts.joined()
        while cursor > parts[0].count { press(.left) }
    }

    /// The line, with `|` for the cursor.
    var marked: String {
        let characters = Array(text)
        return String(characters[..<cursor]) + "|" + String(characters[cursor...])
    }

    /// Does what some keys ask for.
    ///
    /// - Returns: The outcome of the last one.
    @discardableResult mutating func press(_ keys: Key...) -> Outcome {
        press(keys)
    }

    @discardableResult mutating func press(_ keys: [Key]) -> Outcome {
        keys.reduce(.unchanged) { handle($1) }
    }
}
