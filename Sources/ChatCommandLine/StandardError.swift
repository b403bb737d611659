import ChatReactorText
import Glibc

/// Writes one line to standard error, given without its newline, and makes it harmless for a terminal: it may quote what a
/// stranger has chosen. What cannot be written is lost: there is nobody left to tell.
///
/// It is one system call, so that no other program's output comes between the parts of the line.
public func writeLineToStandardError(_ line: String) {
    var text: [UInt8] = []
    VisibleText.append(line.utf8.span, to: &text, invalidUTF8: .hexadecimal)
    text.append(UInt8(ascii: "\n"))
    _ = unsafe write(STDERR_FILENO, text, text.count)
}
