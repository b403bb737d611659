import Glibc

/// Writes a text to standard error by one system call, so that no other program's output comes between its parts. What cannot be
/// written is lost: there is nobody left to tell.
public func writeToStandardError(_ text: String) {
    var text = text
    text.withUTF8 { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}
