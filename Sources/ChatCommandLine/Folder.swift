/// The folder that a file is in, as its path says: up to the last slash, or the present one.
public func folder(ofFile path: String) -> String {
    // Of bytes, not of characters: a mark that follows the slash makes one character with it.
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(Substring(path.utf8[...$0])) } ?? "."
}
