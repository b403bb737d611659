/// What may stand before a place as people write it, to say what is spoken there: `tls:` or `tls://`, for example.
public enum PlacePrefix {
    /// What follows a prefix, such as `tls:`, with two slashes behind it or without; nil if the text has another beginning. A host that is called as
    /// the prefix is still meant by `tls:3001`.
    public static func remove(_ prefix: String, from text: String) -> String? {
        guard text.utf8.starts(with: prefix.utf8) else { return nil }
        var rest = text.utf8.dropFirst(prefix.utf8.count)
        if rest.allSatisfy({ (48...57).contains($0) }) { return nil }
        if rest.starts(with: "//".utf8) { rest = rest.dropFirst(2) }
        return String(Substring(rest))
    }
}
