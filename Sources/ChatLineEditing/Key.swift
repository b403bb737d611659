/// What somebody does at a keyboard, as a terminal tells it.
public enum Key: Hashable, Sendable {
    /// Text that was typed. Terminals send what an input method has composed in one go, so it may be several characters.
    case text(String)
    /// Text that was pasted in one go, with its newlines.
    case paste(String)
    case enter, tab, backTab, backspace, delete, escape
    case left, right, up, down, home, end, pageUp, pageDown
    /// An arrow with Ctrl or Alt.
    case wordLeft, wordRight
    /// Ctrl with a letter in lower case, or with one of `@ [ \ ] ^ _`.
    case control(Character)
    /// Alt with a character, or Escape before it. `\u{7F}` stands for Backspace.
    case alt(Character)
    /// A sequence of a key that has no meaning here, such as F5.
    case unknown
}
