/// A place as people write it, with `tls:` or `tls://` before it if TLS is spoken there.
public enum TLSPrefix {
    /// Takes the beginning off. A host that is called `tls` is still meant by `tls:3001`.
    public static func split(_ text: String) -> (usesTLS: Bool, place: String) {
        guard text.utf8.starts(with: "tls:".utf8) else { return (false, text) }
        var rest = text.utf8.dropFirst("tls:".utf8.count)
        if rest.allSatisfy({ (48...57).contains($0) }) { return (false, text) }
        if rest.starts(with: "//".utf8) { rest = rest.dropFirst(2) }
        return (true, String(Substring(rest)))
    }
}
