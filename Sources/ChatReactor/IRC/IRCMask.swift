/// A pattern for people, `nick!user@host`, in which `*` is any text and `?` any one character. A backslash before either makes it a sign
/// like any other (modern.ircdocs.horse, "Wildcard Expressions").
///
/// It is compared as names are, without regard to case, and character by character, as a reader counts them: `?` is also an `é` of two
/// scalars.
struct IRCMask: Hashable {
    private enum Part: Hashable {
        case character(Character)
        case anyCharacter
        /// Never two of them in a row.
        case anyText
    }

    /// A text to be compared with many masks, made comparable once.
    struct Subject {
        fileprivate let characters: [Character]

        /// - Complexity: O(*n*) for *n* scalars.
        init(_ text: String) {
            characters = Array(ChatName.fold(text))
        }
    }

    private let parts: [Part]

    /// - Complexity: O(*n*) for *n* scalars.
    init(_ text: String) {
        let characters = Array(ChatName.fold(text))
        var parts: [Part] = []
        var index = 0
        while index < characters.count {
            let character = characters[index]
            index &+= 1
            if character == "\\", index < characters.count, Self.isWildcard(characters[index]) {
                parts.append(.character(characters[index]))
                index &+= 1
            } else if !Self.isWildcard(character) {
                parts.append(.character(character))
            } else if character == "?" {
                parts.append(.anyCharacter)
            } else if parts.last != .anyText {
                parts.append(.anyText)
            }
        }
        self.parts = parts
    }

    private static func isWildcard(_ character: Character) -> Bool { character == "*" || character == "?" }

    /// - Complexity: O(*n*) for *n* scalars, and O(*nm*) at worst for a mask of *m* characters.
    func matches(_ text: String) -> Bool { matches(Subject(text)) }

    /// - Complexity: O(*n*) for *n* characters, and O(*nm*) at worst for a mask of *m* characters.
    func matches(_ subject: Subject) -> Bool {
        let characters = subject.characters
        var (part, position) = (0, 0)
        // The last `*` that was come by, and how far what follows it was tried. One before it need not be tried again: whatever it could be
        // instead, the last one can make up for.
        var retry: (part: Int, position: Int)?
        while position < characters.count {
            if part < parts.count, parts[part] == .anyText {
                part &+= 1
                retry = (part, position)
            } else if part < parts.count, parts[part] == .anyCharacter || parts[part] == .character(characters[position]) {
                part &+= 1
                position &+= 1
            } else if let last = retry {
                part = last.part
                position = last.position &+ 1
                retry = (part, position)
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .anyText }
    }
}

// MARK: - Whole masks

extension IRCMask {
    /// How many bytes each part of a whole mask may have: as many as a name, and as many as IRC allows a host. Together they are 192.
    private static let longestName = ChatName.maximumByteCount
    private static let longestUser = 31
    private static let longestHost = 63

    /// What somebody means who gives a part of a mask: `ana` is `ana!*@*`, `ana!user` is `ana!user@*`, `user@host` is `*!user@host`, and what
    /// has a dot or a colon, which no name has, is a host.
    ///
    /// It is one word, not empty, and without a colon in front, so that it can be any parameter of a message. Of a part that is too long, the
    /// beginning is taken; several `*` become one.
    ///
    /// - Complexity: O(*n*) for *n* bytes.
    static func normalized(_ text: String) -> String {
        // By scalars: a mark that follows a `!` makes one character with it.
        let word = text.unicodeScalars.prefix { $0 != " " }
        let name, user, host: Substring.UnicodeScalarView
        let none = Substring().unicodeScalars
        if let mark = word.firstIndex(of: "!") {
            (name, (user, host)) = (word[..<mark], split(word[mark...].dropFirst()))
        } else if word.contains("@") {
            (name, (user, host)) = (none, split(word))
        } else if word.contains(".") || word.contains(":") {
            (name, user, host) = (none, none, word)
        } else {
            (name, user, host) = (word, none, none)
        }
        return part(name, atMost: longestName) + "!" + part(user, atMost: longestUser) + "@" + part(host, atMost: longestHost)
    }

    private static func split(_ text: Substring.UnicodeScalarView) -> (Substring.UnicodeScalarView, Substring.UnicodeScalarView) {
        let end = text.firstIndex(of: "@") ?? text.endIndex
        return (text[..<end], text[end...].dropFirst())
    }

    /// One part, and `*` if there is none.
    private static func part(_ text: Substring.UnicodeScalarView, atMost limit: Int) -> String {
        var part = String.UnicodeScalarView()
        var (length, isEscaped, isAnyText) = (0, false, false)
        for scalar in text {
            let isStar = scalar == "*" && !isEscaped
            isEscaped = scalar == "\\"
            if isStar, isAnyText { continue }
            isAnyText = isStar
            length &+= UTF8.width(scalar)
            if length > limit { break }
            // A colon in front would begin the last parameter. `?` is it, too.
            part.append(part.isEmpty && scalar == ":" ? "?" : scalar)
        }
        return part.isEmpty ? "*" : String(part)
    }
}
