import Glibc
import Reactor
import Synchronization

/// A thread that copies a stream from or to a socket, and may block on either. It stands between the loop, which must not
/// block, and a stream on which O_NONBLOCK must not be set, because other programs share it.
///
/// It ends at the end of the input, or when the output takes nothing more, and closes its end of the socket then.
final class StreamCopier {
    private let source: Int32
    private let target: Int32
    private let socket: OwnedDescriptor
    private let failure: StreamFailure

    private init(source: Int32, target: Int32, socket: consuming OwnedDescriptor, failure: StreamFailure) {
        self.source = source
        self.target = target
        self.socket = socket
        self.failure = failure
    }

    /// Starts to copy the stream, which must stay open, and returns the loop's end of the socket. If the stream fails, `failure`
    /// has the reason before the socket is closed.
    ///
    /// The corresponding C functions are `socketpair` and `pthread_create`.
    static func start(
        _ stream: Int32, for direction: OwnedDescriptor.Direction, reportingTo failure: StreamFailure
    ) throws(Errno) -> OwnedDescriptor {
        var pair: [Int32] = [-1, -1]
        if unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) < 0 { throw .last }
        let loopEnd = OwnedDescriptor(takingOver: pair[0])
        let threadEnd = OwnedDescriptor(takingOver: pair[1])
        while fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0 { if errno != EINTR { throw .last } }
        let copier =
            direction == .input
            ? StreamCopier(source: stream, target: pair[1], socket: threadEnd, failure: failure)
            : StreamCopier(source: pair[1], target: stream, socket: threadEnd, failure: failure)
        try copier.startThread()
        return loopEnd
    }

    private static let started = Atomic(false)
    /// Whether there has been such a thread in this process.
    static var hasStarted: Bool { started.load(ordering: .relaxed) }

    private func startThread() throws(Errno) {
        let retained = unsafe Unmanaged.passRetained(self)
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                // The thread has the only reference, which closes the socket in the end.
                if let argument = unsafe argument {
                    unsafe Unmanaged<StreamCopier>.fromOpaque(argument).takeRetainedValue().copyAll()
                }
                return nil
            }, retained.toOpaque())
        if result != 0 {
            unsafe retained.release()
            throw Errno(rawValue: result)
        }
        pthread_detach(thread)
        Self.started.store(true, ordering: .relaxed)
    }

    private func copyAll() {
        unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
            while case let count = unsafe readSome(into: buffer), count > 0 {
                guard unsafe writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count])) else { return }
            }
        }
    }

    /// Waits for input, and returns how much has come: 0 at the end, and -1 after a failure.
    private func readSome(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = unsafe read(source, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            let error = Errno.last
            if !canRetry(source, for: POLLIN, after: error) {
                // A terminal that is gone says EIO: that is the end of its input.
                if error != Errno(rawValue: EIO) { failure.report(error) }
                return count
            }
        }
    }

    /// Waits until all of the bytes are written. Returns false if that is not possible.
    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = unsafe bytes
        while unsafe !rest.isEmpty {
            let count = unsafe write(target, rest.baseAddress, rest.count)
            if count > 0 {
                unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else if case let error = Errno.last, !canRetry(target, for: POLLOUT, after: error) {
                failure.report(error)
                return false
            }
        }
        return true
    }

    /// Whether a system call that has failed may succeed the next time. Waits until then.
    private func canRetry(_ descriptor: Int32, for events: Int32, after error: Errno) -> Bool {
        switch error.rawValue {
        case EINTR: return true
        case EAGAIN:
            // Another program has set the stream not to block.
            var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            return unsafe poll(&request, 1, -1) >= 0 || errno == EINTR
        case EIO:
            // Another job has the terminal, or had it at that moment: a shell may have brought this one to the foreground since. If
            // this one ignores the signal that would stop it, there is no other way to wait.
            var request = pollfd(fd: descriptor, events: 0, revents: 0)
            let hasHungUp = unsafe poll(&request, 1, 0) == 1 && Int32(request.revents) & (POLLHUP | POLLERR) != 0
            guard !hasHungUp, isatty(descriptor) == 1 else { return false }
            return usleep(500_000) == 0 || errno == EINTR
        default: return false
        }
    }
}
