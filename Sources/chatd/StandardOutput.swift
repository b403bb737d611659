import ChatCommandLine
import Glibc
import Reactor

/// Standard output, for a program that prints and ends.
enum StandardOutput {
    /// Writes all of a text to standard output.
    static func write(_ text: String) throws(Failure) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Another program has set the stream not to block.
                var request = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&request, 1, -1)
            } else if errno != EINTR {
                throw Failure("cannot write standard output: \(Errno.last)", code: EX_IOERR)
            }
        }
    }
}
