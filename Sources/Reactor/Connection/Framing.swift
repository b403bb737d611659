/// How a connection's bytes become messages.
public enum Framing: Hashable, Sendable {
    /// A message is a line. `\n` ends it, and `\r\n` is taken as `\n`. At the end of input the rest counts as a line.
    case lines
    /// As `lines`; but until a connection has sent its first newline, what has been unfinished for `idle` counts as a line, too.
    ///
    /// It serves clients that send no newline at all, and costs those that do nothing after their first line.
    case automatic(idle: Duration = .milliseconds(50))
    /// A message is whatever one read brought, byte for byte.
    case chunks
}
