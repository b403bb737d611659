/// The name of a person or of a room: letters, marks and digits of any script, `_` and `-`; 1 to 24 characters.
///
/// ```swift
/// print(try ChatName("Łukasz") == ChatName("łukasz"))  // true
/// print(try ChatName("ﬁona"))  // throws: "ﬁ" is one character, which looks like two others
/// ```
///
/// Two names are equal if they are canonically equivalent once their case is folded as Unicode does it by default: `Straße` is
/// `STRASSE`, and `é` may be one scalar or two. A character that Unicode knows as another one in a different form is refused, so
/// that nobody can take a name that only looks like somebody's: a full-width or a mathematical letter, a ligature, a presentation
/// form.
///
/// Five letters that Armenian, Thai and Lao are written with every day are no such forms, although Unicode decomposes them too.
/// They are allowed, and equal to what they decompose into.
///
/// Letters of different scripts that merely look alike are different: the Latin `a` and the Cyrillic `а` are. So a name cannot mix
/// alphabets that have such letters, or `аna` could be taken for `ana`, and `sеrver` for the server. A name that is wholly of
/// another alphabet can still look like one: `сор` is Cyrillic.
public struct ChatName: Hashable, Sendable, CustomStringConvertible {
    /// How many characters a name may have, as a reader counts them.
    static let maximumCount = 24
    /// How many bytes of UTF-8 a name may have: one character may have any number of scalars.
    static let maximumByteCount = 96
    /// How many marks may follow each other. More of them would be drawn over the lines above and below.
    static let maximumMarkCount = 4

    /// The name as it was given.
    public let text: String
    /// The name with its case folded. Strings that are canonically equivalent are equal and have the same hash.
    private let key: String

    /// The name that the server speaks under, which nobody else can have.
    public static let server = ChatName(unchecked: "server")

    /// A name that somebody has asked for.
    ///
    /// - Throws: Why it cannot be a name. `server`, `you`, and `guest` before a number, are the server's own.
    ///
    /// - Complexity: O(1): what is longer than 96 bytes is not looked at.
    public init(_ text: String) throws(Invalid) {
        if text.isEmpty { throw .empty }
        guard text.utf8.count <= Self.maximumByteCount, text.count <= Self.maximumCount else { throw .tooLong }
        var markCount = 0
        for scalar in text.unicodeScalars {
            guard scalar.mayBeInName else { throw .notAllowed(scalar) }
            if scalar.isFormOfAnother { throw .lookAlike(scalar) }
            markCount = scalar.isMark ? markCount + 1 : 0
            if markCount > Self.maximumMarkCount { throw .tooManyMarks }
        }
        if text.unicodeScalars.first?.isMark == true { throw .beginsWithMark }
        self.init(unchecked: text)
        if isReserved { throw .reserved }
        if mixesAlphabets { throw .mixedAlphabets }
    }

    /// A name that is not judged: one that somebody has, or that nobody can ask for.
    init(unchecked text: String) {
        self.text = text
        key = Self.fold(text)
    }

    /// A text in the form in which names are compared.
    static func fold(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.lowercased() }
        var spelled = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { spelled.append(contentsOf: scalar.spelledOut) }
        return String(spelled).foldingCase()
    }

    /// The name of a newcomer who has not asked for one. Nobody else can have it.
    static func guest(_ number: Int) -> ChatName {
        ChatName(unchecked: "guest\(number)")
    }

    /// The name with its case folded: letters, marks, digits, `_` and `-`. Equal names may have it in forms that are canonically
    /// equivalent.
    var folded: String { key }

    /// The same as `text`.
    public var description: String { text }

    public static func == (one: ChatName, other: ChatName) -> Bool {
        one.key == other.key
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
    }

    /// Whether it is a name that the server gives, or its own.
    private var isReserved: Bool {
        let guest = "guest".unicodeScalars
        let rest = key.unicodeScalars.dropFirst(guest.count)
        let isGuest =
            key.unicodeScalars.starts(with: guest) && !rest.isEmpty
            && rest.allSatisfy { $0.properties.generalCategory == .decimalNumber }
        // The reader of lines is addressed as you: `you to ana: hello`.
        return isGuest || key == "server" || key == "you"
    }

    /// Whether letters of two alphabets are in it whose letters look like each other's.
    private var mixesAlphabets: Bool {
        var first: Substring?
        for alphabet in key.unicodeScalars.lazy.compactMap(\.alphabet) {
            if let first, first != alphabet { return true }
            first = alphabet
        }
        return false
    }
}

extension ChatName {
    /// Why a text cannot be a name. The description is a line for people, and has nothing in it that was given but one visible
    /// character of ASCII.
    @nonexhaustive
    public enum Invalid: Error, Hashable, CustomStringConvertible {
        /// There is nothing in it.
        case empty
        /// It has more than 24 characters or 96 bytes of UTF-8.
        case tooLong
        /// It has a character that is not a letter, a mark, a digit, `_` or `-`, or that is invisible.
        case notAllowed(Unicode.Scalar)
        /// It begins with a mark, which would be drawn on what stands before the name.
        case beginsWithMark
        /// It has more than four marks on one character.
        case tooManyMarks
        /// It has a character that is another one in a different form, such as a full-width letter or a ligature.
        case lookAlike(Unicode.Scalar)
        /// It has letters of two alphabets that look like each other's, such as Latin and Cyrillic ones.
        case mixedAlphabets
        /// It is a name of the server's: `server`, `you`, or `guest` before a number.
        case reserved

        public var description: String {
            switch self {
            case .empty:
                "a name has at least one character"
            case .tooLong:
                "a name has at most \(ChatName.maximumCount) characters and \(ChatName.maximumByteCount) bytes"
            case .notAllowed(let scalar):
                "a name has letters, digits, _ and - only, and not \(scalar.shown)"
            case .beginsWithMark:
                "a name cannot begin with a mark"
            case .tooManyMarks:
                "a name has at most \(ChatName.maximumMarkCount) marks on one character"
            case .lookAlike(let scalar):
                "a name cannot have \(scalar.number), which looks like another character"
            case .mixedAlphabets:
                "a name has letters of one alphabet, not of two that look alike, such as Latin and Cyrillic"
            case .reserved:
                "this name is reserved for the server"
            }
        }
    }
}

extension Unicode.Scalar {
    /// The number by which Unicode names the character, such as `U+202E`.
    fileprivate var number: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// The character as people know it: itself if it is on every keyboard.
    fileprivate var shown: String {
        if self == " " { return "a space" }
        return (0x21...0x7E).contains(value) ? String(self) : number
    }

    /// The alphabet of a letter that may look like one of another alphabet: that of every script with capitals, and that of Lisu,
    /// whose letters are Latin capitals. It is the first word of the letter's name: `LATIN`, `GREEK`, `CYRILLIC`.
    fileprivate var alphabet: Substring? {
        if isASCII { return properties.isAlphabetic ? "LATIN" : nil }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter: return properties.name?.prefix { $0 != " " }
        case .otherLetter where (0xA4D0...0xA4FF).contains(value): return "LISU"
        default: return nil
        }
    }

    fileprivate var isMark: Bool {
        properties.generalCategory == .nonspacingMark || properties.generalCategory == .spacingMark
    }

    var mayBeInName: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
            .nonspacingMark, .spacingMark:
            // Some letters and marks are invisible, such as the Hangul fillers and the variation selectors.
            !properties.isDefaultIgnorableCodePoint
        default:
            self == "_" || self == "-"
        }
    }

    /// What an everyday letter of Thai or Lao decomposes into by compatibility. (That of Armenian, և, is spelled out when its
    /// case is folded.)
    fileprivate var spelledOut: [Unicode.Scalar] {
        switch value {
        case 0xE33: ["\u{E4D}", "\u{E32}"]
        case 0xEB3: ["\u{ECD}", "\u{EB2}"]
        case 0xEDC: ["\u{EAB}", "\u{E99}"]
        case 0xEDD: ["\u{EAB}", "\u{EA1}"]
        default: [self]
        }
    }

    /// Whether this letter, mark or digit, which must not be an invisible one, is a form of others: Unicode decomposes it by
    /// compatibility.
    ///
    /// The standard library does not have these decompositions. It does know which scalars change in NFKC_Casefold, which folds
    /// the case, decomposes by compatibility, and composes canonically. A scalar whose case is folded already can change only in
    /// the other two steps, and what changes in the last one is known as well. So no table is needed, and the letters of the next
    /// Unicode are judged as soon as the standard library knows them.
    fileprivate var isFormOfAnother: Bool {
        switch value {
        // Folding their case decomposes these as well: nothing is left of them that could be found below.
        case 0xB5, 0x149, 0x17F, 0x3D0...0x3D6, 0x3F0...0x3F2, 0x3F4...0x3F5, 0x1E9A...0x1E9B, 0xFB00...0xFB06, 0xFB13...0xFB17:
            true
        // Tibetan vowels that stay in place, but whose decompositions are reordered among other marks. The standard library takes
        // texts with them for different that are equivalent; Unicode discourages them.
        case 0xF73, 0xF75, 0xF81:
            true
        default:
            spelledOut.flatMap { $0.foldingCase() }.contains {
                $0.properties.changesWhenNFKCCaseFolded && !$0.properties.isFullCompositionExclusion
            }
        }
    }
}
