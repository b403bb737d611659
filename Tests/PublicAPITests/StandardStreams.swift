import ChatReactor
import Glibc
import TestSupport
import Testing

/// The far ends of this process's standard streams, which are pipes from now on. For a process that a test has to itself.
struct StandardStreams {
    let input: Peer
    let output: Peer

    init() throws {
        let (input, output) = (try makePipe(), try makePipe())
        guard dup2(input.reader, STDIN_FILENO) >= 0, dup2(output.writer, STDOUT_FILENO) >= 0 else { throw Errno(rawValue: errno) }
        close(input.reader)
        close(output.writer)
        (self.input, self.output) = (Peer(takingOver: input.writer), Peer(takingOver: output.reader))
    }
}
