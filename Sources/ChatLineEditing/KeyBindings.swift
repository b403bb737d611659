/// What a key does. Text that is typed or pasted is inserted, and needs no action.
public enum EditingAction: Hashable, Sendable, CaseIterable {
    case moveLeft, moveRight, moveWordLeft, moveWordRight, moveToBeginning, moveToEnd
    case deleteBackward, deleteForward, deleteForwardOrEnd
    case killToBeginning, killToEnd, killWordBackward, killBackToWhitespace, killWordForward
    case yank, yankPop, transpose, uppercaseWord, lowercaseWord, capitalizeWord, undo
    case olderEntry, newerEntry, searchOlder, searchNewer, cancelSearch, acceptSearch
    case complete, insertNewline, submit, clearScreen
}

/// Keys, what they do, and what a manual says of them.
public struct KeyBinding: Sendable {
    /// The keys as a terminal tells them.
    public let keys: [Key]
    /// The keys as a person reads them.
    public let name: String
    /// A sentence.
    public let help: String
    public let action: EditingAction
}

/// All keys that do something. The editor acts by this table, and the manual is made of it. Most keys are those of Emacs and readline.
public enum KeyBindings {
    public static let all: [KeyBinding] = [
        bind("Enter, Ctrl-M, Ctrl-J", [.enter, .control("m"), .control("j")], .submit, "Send the line."),
        bind("Alt-Enter", [.alt("\r"), .alt("\n")], .insertNewline, "Insert a newline."),
        bind("Tab, Ctrl-I", [.tab, .control("i")], .complete, "Complete the word; a second time, show the choices."),
        bind("Left, Ctrl-B", [.left, .control("b")], .moveLeft, "Go back one character."),
        bind("Right, Ctrl-F", [.right, .control("f")], .moveRight, "Go forward one character."),
        bind("Ctrl-Left, Alt-B", [.wordLeft, .alt("b")], .moveWordLeft, "Go back one word."),
        bind("Ctrl-Right, Alt-F", [.wordRight, .alt("f")], .moveWordRight, "Go forward one word."),
        bind("Home, Ctrl-A", [.home, .control("a")], .moveToBeginning, "Go to the beginning of the line."),
        bind("End, Ctrl-E", [.end, .control("e")], .moveToEnd, "Go to the end of the line."),
        bind("Backspace, Ctrl-H", [.backspace, .control("h")], .deleteBackward, "Delete the character before the cursor."),
        bind("Delete", [.delete], .deleteForward, "Delete the character at the cursor."),
        bind("Ctrl-D", [.control("d")], .deleteForwardOrEnd, "Delete the character at the cursor; in an empty line, leave."),
        bind("Ctrl-U", [.control("u")], .killToBeginning, "Kill all before the cursor."),
        bind("Ctrl-K", [.control("k")], .killToEnd, "Kill all behind the cursor."),
        bind("Ctrl-W", [.control("w")], .killBackToWhitespace, "Kill back to whitespace."),
        bind("Alt-Backspace", [.alt("\u{7F}"), .alt("\u{8}")], .killWordBackward, "Kill the word before the cursor."),
        bind("Alt-D", [.alt("d")], .killWordForward, "Kill the word behind the cursor."),
        bind("Ctrl-Y", [.control("y")], .yank, "Insert what was killed last."),
        bind("Alt-Y", [.alt("y")], .yankPop, "After that, put in its place what was killed before."),
        bind("Ctrl-T", [.control("t")], .transpose, "Exchange the characters around the cursor."),
        bind("Alt-U", [.alt("u")], .uppercaseWord, "Make the word upper case."),
        bind("Alt-L", [.alt("l")], .lowercaseWord, "Make the word lower case."),
        bind("Alt-C", [.alt("c")], .capitalizeWord, "Capitalize the word."),
        bind("Ctrl-_, Ctrl-/", [.control("_")], .undo, "Undo."),
        bind("Up, Ctrl-P", [.up, .control("p")], .olderEntry, "Show what was sent before."),
        bind("Down, Ctrl-N", [.down, .control("n")], .newerEntry, "Show what was sent after it."),
        bind("Ctrl-R", [.control("r")], .searchOlder, "Search in what was sent; again, search further back."),
        bind("Ctrl-S", [.control("s")], .searchNewer, "Search forward."),
        bind("Escape", [.escape, .control("[")], .acceptSearch, "End the search, and edit what was found."),
        bind("Ctrl-G", [.control("g")], .cancelSearch, "End the search, and give back the line as it was."),
        bind("Ctrl-L", [.control("l")], .clearScreen, "Clear the screen."),
    ]

    /// What a key does, or nil.
    public static func action(for key: Key) -> EditingAction? { actions[key] }

    private static let actions = Dictionary(
        all.flatMap { binding in binding.keys.map { ($0, binding.action) } }, uniquingKeysWith: { first, _ in first })

    private static func bind(_ name: String, _ keys: [Key], _ action: EditingAction, _ help: String) -> KeyBinding {
        KeyBinding(keys: keys, name: name, help: help, action: action)
    }
}

extension Key {
    /// Whether the key sends the line.
    public var submits: Bool { KeyBindings.action(for: self) == .submit }
}
