/// A line that the user sends, as a chat server reads it: by scalars, since a mark that follows a space or a slash makes one character with it.
extension String {
    /// The command that the line is, with its slash and in lower case; nil if it says something. Spaces before a slash make it a text.
    var commandName: String? { utf8.first == UInt8(ascii: "/") && !beginsWithTwoSlashes ? splitAtSpace.first.lowercased() : nil }

    /// What follows the command, less the spaces around it.
    var argument: String { splitAtSpace.rest }

    /// What is said by a line that is no command: `//` begins a text with a slash.
    var saidText: String { beginsWithTwoSlashes ? String(Substring(unicodeScalars.dropFirst())) : self }

    private var beginsWithTwoSlashes: Bool { utf8.starts(with: "//".utf8) }

    /// The first word, and what follows it, less the spaces around that.
    var splitAtSpace: (first: String, rest: String) {
        let first = unicodeScalars.prefix { !Self.isSpace($0) }
        return (String(first), String(Substring(unicodeScalars[first.endIndex...])).trimmed)
    }

    /// Without spaces and tabs at its ends.
    var trimmed: String {
        var rest = Substring(self).unicodeScalars
        while let scalar = rest.first, Self.isSpace(scalar) { rest.removeFirst() }
        while let scalar = rest.last, Self.isSpace(scalar) { rest.removeLast() }
        return String(rest)
    }

    /// Whether a scalar stands between the words of a command.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }
}
